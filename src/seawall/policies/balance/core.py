"""Which target next: by weight, in order, by load, or the same for the same caller."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import exp, log

from seawall.contracts.target import Target

__all__ = ["Load", "Uniform", "by_load", "by_weight", "ranking"]

Uniform = Callable[[float, float], float]

DECAY = 10.0  # seconds in which an old latency loses most of its say
UNKNOWN = 1.0  # seconds a target under way is taken to need before its first answer


class Load:
    """How busy and how slow a target is: peak EWMA of its latency times what is under way.

    A slow answer counts at once, a fast one only as the slow one fades; a failure never makes a target look better.

    Source: Finagle's PeakEwma balancer.

    Attributes:
        pending: calls under way.
        cost: seconds, 0 while nothing is known.
    """

    __slots__ = ("_at", "cost", "pending")

    def __init__(self) -> None:
        self.pending = 0
        self.cost = 0.0
        self._at = 0.0

    def end(self, now: float, seconds: float, *, good: bool) -> None:
        """Count an answer that took `seconds`."""
        if seconds > self.cost:
            self.cost = seconds
        elif good:
            kept = exp((self._at - now) / DECAY)
            self.cost = self.cost * kept + seconds * (1 - kept)
        self._at = now

    def release(self) -> None:
        """Count a call less under way."""
        self.pending -= 1

    def score(self, now: float, weight: float) -> float:
        """Return what one more call would meet; the lower, the better."""
        cost = self.cost * exp((self._at - now) / DECAY) if self.cost else UNKNOWN * bool(self.pending)
        return cost * (self.pending + 1) / weight


def by_weight(targets: Sequence[Target], uniform: Uniform) -> Target:
    """Return one of the targets, each as often as its weight says."""
    point = uniform(0.0, sum(target.weight for target in targets))
    for target in targets:
        point -= target.weight
        if point < 0:
            return target
    return targets[-1]


def by_load(targets: Sequence[Target], loads: "dict[Target, Load]", now: float, uniform: Uniform) -> Target:
    """Return the less loaded of two chosen at random.

    Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing".
    """
    count = len(targets)
    if count == 1:
        return targets[0]
    first = min(int(uniform(0.0, count)), count - 1)
    more = 1 if count == 2 else 1 + min(int(uniform(0.0, count - 1)), count - 2)
    one, other = targets[first], targets[(first + more) % count]
    if loads[other].score(now, other.weight) < loads[one].score(now, one.weight):
        return other
    return one


def ranking(targets: Sequence[Target], key: str) -> tuple[Target, ...]:
    """Return the targets in the order in which `key` prefers them; the same in every process.

    Each target is the first of a share of all keys that is its weight, and one that goes away moves only its own.

    Source: weighted rendezvous hashing (Thaler and Ravishankar 1998; logarithmic method).
    """
    return tuple(sorted(targets, key=lambda target: _distance(target, key)))


def _distance(target: Target, key: str) -> float:
    digest = blake2b(f"{target.label}\0{key}".encode(), digest_size=8).digest()
    point = (int.from_bytes(digest, "big") + 0.5) / 2.0**64
    return -log(point) / target.weight
