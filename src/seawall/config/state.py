"""The table [state]: where limits, caps, cache and events are shared."""

from pydantic import Field

from seawall.config.store import StateUrl
from seawall.contracts.secret import Secret
from seawall.contracts.settings import Settings
from seawall.contracts.units import Size

__all__ = ["StateSettings"]


class StateSettings(Settings):
    """Shared state of replicas."""

    url: StateUrl = Field(
        Secret("memory://"),
        description="memory://, redis:// or rediss://: limits, caps, cache and events, shared by replicas.",
        examples=["redis://127.0.0.1:6379/0"],
    )
    required: bool = Field(False, description="true makes /ready fail while it is lost.")
    cache_memory: Size = Field(32 << 20, description="Most the cache may hold in memory.")
