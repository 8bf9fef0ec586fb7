"""The tables [schedules.<name>]: calls made periodically."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from seawall.config.cron import parse_cron
from seawall.config.kinds import Name, Pointer, Timezone, broken
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["ScheduleSettings"]


def _cron(text: str) -> str:
    parse_cron(text)
    return text


def _call(text: str) -> str:
    method, blank, path = text.partition(" ")
    plain = all(32 < ord(sign) < 127 for sign in path) and "#" not in path and "\\" not in path
    if method not in ("GET", "HEAD", "POST") or not blank or not path.startswith("/") or path[1:2] == "/" or not plain:
        raise ValueError('must be GET, HEAD or POST and a path below a mount (for example "GET /weather/v1/forecast")')
    return text


class ScheduleSettings(Settings):
    """One periodic call; its answer warms the cache and may be published."""

    every: Duration | None = Field(
        None,
        ge=1,
        description="Time between two runs, the first of which comes at the start; or cron.",
        examples=["15m"],
    )
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        None, description="Minute, hour, day, month and weekday; or every.", examples=["*/15 * * * *"]
    )
    timezone: Timezone = Field("UTC", description="Time zone of cron.", examples=["Europe/Berlin"])
    jitter: Duration | None = Field(
        None, description="A run starts up to this much later. Default: 10 % of every.", examples=["30s"]
    )
    call: Annotated[str, AfterValidator(_call)] = Field(
        description="Method and path, as a caller would ask.", examples=["GET /weather/v1/forecast?latitude=52.5"]
    )
    publish: Name | None = Field(
        None,
        description="Channel the answer is published on, for subscribers of /api/v1/events. Default: none.",
        examples=["home.weather"],
    )
    select: Pointer | None = Field(
        None,
        description="JSON pointer: only this part is published, 8 KiB at most. Default: the whole.",
        examples=["/current"],
    )

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if self.every is None and self.cron is None:
            raise broken("is needed, or cron", '"15m"', "every", "cron")
        if self.every is not None and self.cron is not None:
            raise broken("cannot stand beside every", '"*/15 * * * *"', "cron", "every")
        if self.select is not None and self.publish is None:
            raise broken("needs publish", '"/current"', "select", "publish")
        if self.publish is not None and self.call.startswith("HEAD "):
            raise broken(
                "cannot be HEAD where publish is set, its answer has no body", '"GET /weather/now"', "call", "publish"
            )
        return self

    @property
    def spread(self) -> float:
        """The jitter in force, in seconds."""
        if self.jitter is not None:
            return self.jitter
        return (self.every or 0.0) / 10
