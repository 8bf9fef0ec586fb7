"""How long a call and its phases may take."""

from pydantic import Field

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["DeadlineSettings"]


class DeadlineSettings(Settings):
    """Resolved timeouts of a route, in seconds; the text of settings leaves most of them out."""

    timeout: Duration = Field(
        30.0, gt=0, description="One deadline for the whole call: queueing, every attempt, every wait, a fallback."
    )
    attempt_timeout: Duration = Field(
        30.0, gt=0, description="One attempt until its answer is handed over. Default: timeout."
    )
    stream_timeout: Duration = Field(
        600.0, gt=0, description="The deadline of a streamed answer; first_byte and idle still apply."
    )
    deadline_header: str | None = Field(
        None, description="Header that tells the upstream the time left, in milliseconds."
    )
