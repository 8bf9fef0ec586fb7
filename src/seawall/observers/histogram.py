"""A histogram that costs a bisection and an addition."""

from bisect import bisect_left

__all__ = ["BOUNDS", "Histogram"]

# seconds; a local upstream answers within the first, a language model within the last
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Histogram:
    """Observations by bucket; the last bucket is what lies above all bounds."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one observation; a bound belongs to the bucket it closes."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
