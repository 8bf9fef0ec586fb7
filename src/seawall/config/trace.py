"""The table [trace]: where spans are sent."""

from pydantic import Field

from seawall.config.store import PlainUrl
from seawall.contracts.settings import Settings

__all__ = ["TraceSettings"]


class TraceSettings(Settings):
    """Export of spans; W3C trace context is passed on with or without it."""

    otlp: PlainUrl | None = Field(
        None,
        description="Collector that speaks OpenTelemetry over HTTP. Default: none.",
        examples=["http://127.0.0.1:4318"],
    )
