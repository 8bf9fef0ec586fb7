"""The table [jobs]: where long calls wait for their answer."""

from pydantic import Field

from seawall.config.store import JobsUrl
from seawall.contracts.secret import Secret
from seawall.contracts.settings import Settings

__all__ = ["JobsSettings"]


class JobsSettings(Settings):
    """Calls answered later."""

    url: JobsUrl = Field(
        Secret("memory://"),
        description="memory:// (lost on restart) or postgresql:// (durable).",
        examples=["postgresql://seawall@127.0.0.1/seawall"],
    )
