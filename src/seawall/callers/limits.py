"""One limit of a caller, user or address: decided here, or by the store all replicas share (semantics 5.5).

While the store is lost each replica goes on with its fair share, limit and burst divided by the replicas last seen.
What is taken while it is there is noted in the share too, so that losing it gives nobody a fresh limit; when it is
back, it is told what this replica has used alone.
"""

from seawall.callers.fields import Fields
from seawall.callers.shared import SharedLimits
from seawall.callers.tokens import Tokens
from seawall.contracts.state import StateLost
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket, Verdict

__all__ = ["CallLimit", "TokenLimit", "burst_of"]


def burst_of(rate: Rate) -> int:
    """Return how many calls may come at once: a tenth of the limit, at least 1 (semantics 5.1)."""
    return max(1, rate.calls // 10)


class CallLimit:
    """Calls per time.

    Args:
        fields: the limit, and as callers are told it.
        key: what it is called in the shared store, `""` where there is none.
        shared: the store, None where this process decides alone.
    """

    __slots__ = ("_alone", "_bucket", "_key", "_shared", "burst", "fields", "rate")

    def __init__(self, fields: Fields, key: str, shared: SharedLimits | None) -> None:
        self.fields = fields
        self.rate = rate = fields.rate
        self.burst = burst_of(rate)
        self._key = key
        self._shared = shared
        self._alone = False
        self._bucket = Bucket(*_share(rate, self.burst, shared))

    def check(self, now: float) -> Verdict | None:
        """Take one call if it is there; None where the store has to be asked, with `take`."""
        return self._bucket.check(1, now) if self._shared is None else None

    async def take(self, now: float) -> Verdict:
        """Take one call if it is there, for all replicas together."""
        shared = self._shared
        if shared is None:
            return self._bucket.check(1, now)
        try:
            if self._alone:
                self._alone = False  # before the wait, so that of several calls one tells the store
                await shared.limits.charge(self._key, self.rate, self.burst, self._bucket.used(now))
            taken = await shared.limits.take(self._key, self.rate, self.burst)
        except StateLost:
            self._alone = True
            self._bucket.change(*_share(self.rate, self.burst, shared), now)
            return self._bucket.check(1, now)
        if taken.allowed:
            self._bucket.take(now)
        return Verdict(*taken)

    def give_back(self, now: float) -> None:
        """Give a call back that was taken a moment ago and never made."""
        self._bucket.undo(now)
        if self._shared is not None and not self._alone:
            self._shared.charge(self._key, self.rate, self.burst, -1.0)

    def fresh(self, now: float) -> bool:
        """Whether nothing of it is used."""
        return self._bucket.full_at <= now

    def inherit(self, other: "CallLimit", now: float) -> None:
        """Be as used as another."""
        used = other._bucket.used(now)  # noqa: SLF001 - of the same class
        self._bucket.charge(used, now)
        if self._shared is not None:
            self._shared.charge(self._key, self.rate, self.burst, used)

    def change(self, fields: Fields, now: float) -> None:
        """Change the limit; what is used stays used (semantics 2.7)."""
        self.fields, rate = fields, fields.rate
        if rate != self.rate:
            self.rate = rate
            self.burst = burst_of(rate)
            self._bucket.change(*_share(rate, self.burst, self._shared), now)


class TokenLimit:
    """Language-model tokens per time: held first, settled later (semantics 5.3). Its burst is the whole limit, since
    one call may want a good part of it.

    Args:
        fields: the limit, and as callers are told it.
        key: what it is called in the shared store, `""` where there is none.
        shared: the store, None where this process decides alone.
    """

    __slots__ = ("_alone", "_key", "_shared", "_tokens", "fields", "rate")

    def __init__(self, fields: Fields, key: str, shared: SharedLimits | None) -> None:
        self.fields = fields
        self.rate = rate = fields.rate
        self._key = key
        self._shared = shared
        self._alone = False
        self._tokens = Tokens(*_share(rate, rate.calls, shared))

    @property
    def shared(self) -> bool:
        """Whether what is left is known only to the store."""
        return self._shared is not None

    async def hold(self, estimate: int, now: float) -> tuple[Verdict, bool]:
        """Hold an estimate if it is there; also return whether it is held in this process rather than in the store."""
        shared = self._shared
        if shared is None:
            return self._tokens.hold(estimate, now), True
        try:
            if self._alone:
                self._alone = False
                await shared.limits.charge(self._key, self.rate, self.rate.calls, self._tokens.used(now))
            return Verdict(*await shared.limits.take(self._key, self.rate, self.rate.calls, estimate)), False
        except StateLost:
            self._alone = True
            self._tokens.change(*_share(self.rate, self.rate.calls, shared), now)
            return self._tokens.hold(estimate, now), True

    def settle(self, estimate: int, used: int, here: bool, now: float) -> None:
        """End a hold and charge what was used."""
        if here:
            self._tokens.settle(estimate, used, now)
        elif self._shared is not None and used != estimate:
            self._shared.charge(self._key, self.rate, self.rate.calls, used - estimate)

    def state(self, now: float) -> Verdict:
        """Say what is left, taking nothing."""
        return self._tokens.state(now)

    def fresh(self, now: float) -> bool:
        """Whether nothing of it is used or held in this process."""
        return self._tokens.used(now) == 0

    def inherit(self, other: "TokenLimit", now: float) -> None:
        """Be as used as another, what is held of it included."""
        used = other._tokens.used(now)  # noqa: SLF001 - of the same class
        self._tokens.charge(used, now)
        if self._shared is not None:
            self._shared.charge(self._key, self.rate, self.rate.calls, used)

    def change(self, fields: Fields, now: float) -> None:
        """Change the limit; what is used or held stays so (semantics 2.7)."""
        self.fields, rate = fields, fields.rate
        if rate != self.rate:
            self.rate = rate
            self._tokens.change(*_share(rate, rate.calls, self._shared), now)


def _share(rate: Rate, burst: int, shared: SharedLimits | None) -> tuple[Rate, int]:
    """Return what this replica may use alone."""
    count = 1 if shared is None else shared.replicas
    return Rate(rate.calls, rate.per * count), max(1, burst // count)
