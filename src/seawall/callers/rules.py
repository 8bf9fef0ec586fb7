"""What a caller may do, as values; made of settings, or of what the management API was told."""

from dataclasses import dataclass

from seawall.contracts.callers import NO_CAPS, StoredCaller, StoredCaps
from seawall.contracts.units import Rate

__all__ = ["ANONYMOUS", "MOST_ADDRESSES", "Rules", "UserRules", "rules_of"]

ANONYMOUS = "anonymous"  # the name of who has no key, where settings say what that may
MOST_ADDRESSES = 10_000  # addresses of callers without a key that are told apart at once


@dataclass(frozen=True, slots=True)
class UserRules:
    """Limits for each end user behind one key.

    Attributes:
        header: request header that names the user, lower case.
        rate, tokens: of one user, None for none.
        most: users told apart at once.
        spend: caps of one user.
    """

    header: bytes
    rate: Rate | None = None
    tokens: Rate | None = None
    most: int = 10_000
    spend: StoredCaps = NO_CAPS


@dataclass(frozen=True, slots=True)
class Rules:
    """One caller.

    Attributes:
        name: unique.
        digests: SHA-256 of each of its keys.
        rate, tokens: per time, None for none.
        concurrency: calls under way at once, None for no bound.
        upstreams, models: names it may call and use, None for all.
        users: limits for each end user, None for none.
        spend: caps of all its calls together; counted elsewhere, by the book.
    """

    name: str
    digests: tuple[bytes, ...] = ()
    rate: Rate | None = None
    tokens: Rate | None = None
    concurrency: int | None = None
    upstreams: frozenset[str] | None = None
    models: frozenset[str] | None = None
    users: UserRules | None = None
    spend: StoredCaps = NO_CAPS


def rules_of(stored: StoredCaller) -> Rules:
    """Return the rules of a caller that the management API was told of."""
    users = stored.users
    return Rules(
        stored.name,
        tuple(bytes.fromhex(key.digest) for key in stored.keys),
        stored.rate,
        stored.tokens,
        stored.concurrency,
        None if stored.upstreams is None else frozenset(stored.upstreams),
        None if stored.models is None else frozenset(stored.models),
        None
        if users is None
        else UserRules(users.header.lower().encode("ascii"), users.rate, users.tokens, users.most, users.spend),
        stored.spend,
    )
