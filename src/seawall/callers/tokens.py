"""Limits on what is known only afterwards: an estimate is held, then settled to what was used (semantics 5.3)."""

from math import inf

from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket, Verdict

__all__ = ["Tokens"]


class Tokens:
    """A bucket with holds. What is held is kept free, what was used is charged when it is known.

    Since a hold is only given where the bucket has room for it and for all other holds, calls that use no more than
    they held never pass the limit, however many run at once. One that uses more is charged in full, and the next
    calls wait for it.

    Args:
        rate: the limit.
        burst: units at once; for tokens usually the whole limit.

    Attributes:
        held: units of all open holds.
    """

    __slots__ = ("_bucket", "held")

    def __init__(self, rate: Rate, burst: int) -> None:
        self._bucket = Bucket(rate, burst)
        self.held = 0.0

    def hold(self, estimate: float, now: float) -> Verdict:
        """Hold `estimate` units if they are free; whoever was allowed must `settle` or `release` them once.

        An estimate above the burst passes when nothing is held and nothing was used for long enough (see `Bucket`).
        """
        bucket = self._bucket
        wanted = self.held + estimate
        if self.held and wanted > bucket.burst:
            # time alone does not free it; somebody has to settle first
            wait = max(bucket.interval, bucket.wait_for(min(wanted, bucket.burst), now))
            if estimate > bucket.burst + bucket.rate.calls:
                wait = inf
        else:
            wait = bucket.wait_for(wanted, now)
        allowed = wait == 0.0
        if allowed:
            self.held = wanted
        full_in = max(0.0, bucket.full_at - now)
        return Verdict(allowed, self.remaining(now), max(full_in, wait), wait)

    def settle(self, estimate: float, used: float, now: float) -> None:
        """End a hold and charge what was used."""
        self.release(estimate)
        self._bucket.charge(used, now)

    def release(self, estimate: float) -> None:
        """End a hold; nothing was used."""
        self.held = max(0.0, self.held - estimate)

    def remaining(self, now: float) -> int:
        """Return the whole units that are neither used nor held."""
        return max(0, self._bucket.remaining(now) - int(self.held))

    def charge(self, used: float, now: float) -> None:
        """Charge what was held nowhere."""
        self._bucket.charge(used, now)

    def used(self, now: float) -> float:
        """Return the units that are used or held."""
        return self.held + self._bucket.used(now)

    def state(self, now: float) -> Verdict:
        """Say what is left, taking nothing."""
        return Verdict(True, self.remaining(now), max(0.0, self._bucket.full_at - now), 0.0)

    def change(self, rate: Rate, burst: int, now: float) -> None:
        """Change the limit; what is used or held stays so (semantics 2.7)."""
        self._bucket.change(rate, burst, now)
