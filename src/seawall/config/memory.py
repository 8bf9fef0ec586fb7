"""The table [memory]: how much the process may hold."""

from pydantic import Field

from seawall.contracts.settings import Settings
from seawall.contracts.units import Size

__all__ = ["MemorySettings"]


class MemorySettings(Settings):
    """How much memory the process may use."""

    soft: Size | None = Field(
        None,
        gt=0,
        description="Above, caches shrink and new work is refused, before the kernel kills the process. Default: none.",
        examples=["110MiB"],
    )
    buffers: Size = Field(
        24 << 20,
        description="All bodies kept for replay together; when it is full, bodies stream and are not retried.",
    )
