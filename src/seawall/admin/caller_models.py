"""Shapes of `/api/v1/callers`; every field is in the OpenAPI document, every example is validated by a test."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from seawall.callers import Listed, key_id
from seawall.config.kinds import Count, Name, UserHeader
from seawall.contracts.callers import StoredCaller, StoredCaps, StoredUsers
from seawall.contracts.units import Money, RateSetting

__all__ = [
    "CallerCaps",
    "CallerKey",
    "CallerLimits",
    "CallerMade",
    "CallerShown",
    "CallerUsers",
    "CallersShown",
    "NewCaller",
    "stored",
]

_KEY: JsonDict = {"id": "9f86d081", "created": 1767225600.0}
_NONE: JsonDict = {"call": None, "day": None, "month": None, "total": None}
_CAPS: JsonDict = {"call": "0.01 USD", "day": "0.50 USD", "month": "5 USD", "total": None}
_USERS: JsonDict = {
    "header": "X-Seawall-User",
    "rate": "20/min",
    "tokens": None,
    "spend": {**_NONE, "day": "0.05 USD"},
    "max": 10000,
}
_LIMITS: JsonDict = {
    "rate": "60/min",
    "tokens": "20000/min",
    "concurrency": 4,
    "spend": _CAPS,
    "upstreams": ["weather"],
    "models": None,
    "per_user": _USERS,
}
_SHOWN: JsonDict = {"name": "kitchen", "source": "api", "keys": [_KEY], **_LIMITS}
_MADE: JsonDict = {"name": "kitchen", "key": "sw-" + "x" * 43, "id": "9f86d081"}


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallerCaps(_Shape):
    """Most that may be spent, in US dollars; null is no cap."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CAPS]})

    call: Money | None = Field(None, description="By one attempt.")
    day: Money | None = Field(None, description="In a day of the time zone in [spend].")
    month: Money | None = Field(None, description="In a month of it; needs a ledger that outlives the process.")
    total: Money | None = Field(None, description="Prepaid, never resets; needs such a ledger too.")


class CallerUsers(_Shape):
    """Limits for each end user behind a caller's keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USERS]})

    header: UserHeader = Field(description="Request header that names the end user.")
    rate: RateSetting | None = Field(None, description="Calls of one user.")
    tokens: RateSetting | None = Field(None, description="Language-model tokens of one user.")
    spend: CallerCaps = Field(CallerCaps(), description="Caps of one user.")
    max: int = Field(10_000, ge=1, le=1_000_000, description="Users told apart at once.")


class CallerLimits(_Shape):
    """What a caller may do; null is no limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LIMITS]})

    rate: RateSetting | None = Field(None, description="Its calls per time; 429 above.")
    tokens: RateSetting | None = Field(None, description="Its language-model tokens per time.")
    concurrency: Count | None = Field(None, description="Its calls under way at once.")
    spend: CallerCaps = Field(CallerCaps(), description="Its caps.")
    upstreams: tuple[Name, ...] | None = Field(None, description="Upstreams it may call; null for all.")
    models: tuple[Name, ...] | None = Field(None, description="Model aliases it may use; null for all.")
    per_user: CallerUsers | None = Field(None, description="Limits for each end user behind its keys.")


class NewCaller(CallerLimits):
    """A caller to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "kitchen", **_LIMITS}]})

    name: Name = Field(description="Its name in logs, metrics and the ledger.")


class CallerKey(_Shape):
    """One key, which nobody is shown again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: str = Field(description="Tells it from the caller's other key.")
    created: float | None = Field(description="When it was made, seconds since the epoch; null in the settings.")


class CallerShown(CallerLimits):
    """One caller in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SHOWN]})

    name: str = Field(description="Its name.")
    source: str = Field(description="`settings` where it is changed there, else `api`.")
    keys: tuple[CallerKey, ...] = Field(description="Its good keys, oldest first.")


class CallersShown(_Shape):
    """Every caller in force, those of the settings first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"callers": [_SHOWN]}]})

    callers: list[CallerShown]


class CallerMade(_Shape):
    """A key, shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MADE]})

    name: str = Field(description="Of the caller.")
    key: str = Field(description="The key; only its hash is kept, so nobody can show it again.")
    id: str = Field(description="Of the key.")


def shown(listed: Listed, from_settings: bool) -> CallerShown:
    """Return the shape of a caller in force."""
    rules, created = listed
    moments = created or (None,) * len(rules.digests)
    users = rules.users
    return CallerShown(
        name=rules.name,
        source="settings" if from_settings else "api",
        keys=tuple(CallerKey(id=key_id(one), created=at) for one, at in zip(rules.digests, moments, strict=False)),
        rate=rules.rate,
        tokens=rules.tokens,
        concurrency=rules.concurrency,
        spend=_shown(rules.spend),
        upstreams=None if rules.upstreams is None else tuple(sorted(rules.upstreams)),
        models=None if rules.models is None else tuple(sorted(rules.models)),
        per_user=users
        and CallerUsers(
            header=users.header.decode(),
            rate=users.rate,
            tokens=users.tokens,
            spend=_shown(users.spend),
            max=users.most,
        ),
    )


def stored(name: str, limits: CallerLimits) -> StoredCaller:
    """Return what is kept of a caller with these limits, without its keys."""
    users = limits.per_user
    return StoredCaller(
        name, (), limits.rate, limits.tokens, limits.concurrency, limits.upstreams, limits.models,
        None if users is None else StoredUsers(users.header, users.rate, users.tokens, users.max, _stored(users.spend)),
        _stored(limits.spend),
    )  # fmt: skip


def _shown(caps: StoredCaps) -> CallerCaps:
    return CallerCaps(call=caps.call, day=caps.day, month=caps.month, total=caps.total)


def _stored(caps: CallerCaps) -> StoredCaps:
    return StoredCaps(caps.call, caps.day, caps.month, caps.total)
