"""Callers that the management API made, and where they are kept: with their keys' digests, never the keys."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from seawall.contracts.units import Rate

__all__ = ["NO_CAPS", "CallerStore", "StoredCaller", "StoredCaps", "StoredKey", "StoredUsers"]


class StoredKey(NamedTuple):
    """One key of a caller.

    Attributes:
        digest: its SHA-256, in hex.
        created: seconds since the epoch.
    """

    digest: str
    created: float


class StoredCaps(NamedTuple):
    """Most that may be spent, in US dollars; None is no cap.

    Attributes:
        call: by one attempt.
        day, month: in a day or month of the time zone of `[spend]`.
        total: ever; prepaid.
    """

    call: Decimal | None = None
    day: Decimal | None = None
    month: Decimal | None = None
    total: Decimal | None = None


NO_CAPS = StoredCaps()


class StoredUsers(NamedTuple):
    """Limits for each end user behind a caller's keys.

    Attributes:
        header: request header that names the user.
        rate, tokens: of one user, None for none.
        most: users told apart at once.
        spend: caps of one user.
    """

    header: str
    rate: Rate | None = None
    tokens: Rate | None = None
    most: int = 10_000
    spend: StoredCaps = NO_CAPS


class StoredCaller(NamedTuple):
    """One caller.

    Attributes:
        name: unique, and no caller's of the settings.
        keys: oldest first, two at most.
        rate, tokens: per time, None for none.
        concurrency: calls under way at once, None for no bound.
        upstreams, models: names it may call and use, None for all.
        users: limits for each end user, None for none.
        spend: caps of all its calls together.
    """

    name: str
    keys: tuple[StoredKey, ...]
    rate: Rate | None = None
    tokens: Rate | None = None
    concurrency: int | None = None
    upstreams: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    users: StoredUsers | None = None
    spend: StoredCaps = NO_CAPS


class CallerStore(Protocol):
    """Where they are kept; nothing of it stands on the way of a call.

    Every method raises `StateLost` (contracts/state.py) when the database cannot be asked now.
    """

    async def list(self) -> Sequence[StoredCaller]:
        """Return all callers, by name."""
        ...

    async def put(self, caller: StoredCaller) -> None:
        """Keep a caller in place of what was kept under its name."""
        ...

    async def revoke(self, name: str) -> None:
        """Forget a caller; nothing where there is none."""
        ...
