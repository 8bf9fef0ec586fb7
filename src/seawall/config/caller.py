"""The tables [callers.<name>]: who may call, how often, for how much."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from seawall.config.kinds import Count, Name, UserHeader
from seawall.contracts.settings import Settings
from seawall.contracts.units import Money, RateSetting

__all__ = ["CallerSettings", "CapSettings", "PerUserSettings"]

_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise ValueError(
            'must be sha256: and 64 hex digits, as `seawall keys new` prints it (for example "sha256:9f86…0a08")'
        )
    return text


def _hashes(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _show_hashes(hashes: tuple[str, ...]) -> str | list[str]:
    return hashes[0] if len(hashes) == 1 else list(hashes)


class CapSettings(Settings):
    """Most that may be spent, in US dollars; none where nothing is said."""

    call: Money | None = Field(None, description="By one call.", examples=["0.01 USD"])
    day: Money | None = Field(None, description="In a day of the time zone in [spend].", examples=["0.50 USD"])
    month: Money | None = Field(None, description="In a month of the time zone in [spend].", examples=["5 USD"])
    total: Money | None = Field(None, description="Prepaid, never resets.", examples=["50 USD"])


class PerUserSettings(Settings):
    """Limits for each end user behind one key."""

    header: UserHeader = Field(description="Request header that names the end user.", examples=["X-Seawall-User"])
    rate: RateSetting | None = Field(None, description="Calls of one user. Default: none.", examples=["20/min"])
    tokens: RateSetting | None = Field(
        None, description="Language-model tokens of one user. Default: none.", examples=["5000/min"]
    )
    spend: CapSettings = Field(CapSettings(), description="Caps of one user.", examples=[{"day": "0.05 USD"}])
    max: int = Field(
        10_000, ge=1, description="Users told apart at once; one is forgotten only when its limits are as good as new."
    )


class CallerSettings(Settings):
    """One caller: its key and its limits. [callers.anonymous] is who has no key."""

    key_hash: Annotated[
        tuple[Annotated[str, AfterValidator(_hash)], ...],
        BeforeValidator(_hashes),
        PlainSerializer(_show_hashes),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(
        (),
        description="Hash of its key, from `seawall keys new <name>`; a list of two while a key is rotated.",
        examples=["sha256:" + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    rate: RateSetting | None = Field(
        None, description="Its calls per time; 429 above. Default: none.", examples=["60/min"]
    )
    tokens: RateSetting | None = Field(
        None, description="Its language-model tokens per time. Default: none.", examples=["20000/min"]
    )
    concurrency: Count | None = Field(None, description="Its calls under way at once. Default: no bound.", examples=[4])
    spend: CapSettings = Field(CapSettings(), description="Its caps.", examples=[{"day": "0.50 USD"}])
    upstreams: tuple[Name, ...] | None = Field(
        None, description="Upstreams it may call. Default: all.", examples=[["weather"]]
    )
    models: tuple[Name, ...] | None = Field(
        None, description="Model aliases it may use. Default: all.", examples=[["fast"]]
    )
    per_user: PerUserSettings | None = Field(
        None,
        description="Limits for each end user behind this key. Default: none.",
        examples=[{"header": "X-Seawall-User", "rate": "20/min"}],
    )
