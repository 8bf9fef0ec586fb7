"""A sliding window of time buckets: how many calls ended, failed and were slow."""

__all__ = ["Window"]

BUCKETS = 10


class Window:
    """Counts over the last `span` seconds, in `BUCKETS` steps.

    Attributes:
        calls, failures, slow: totals of the window as of the last `roll`.
    """

    __slots__ = ("_buckets", "_edge", "_place", "_step", "calls", "failures", "slow", "span")

    def __init__(self, span: float, now: float) -> None:
        self.span = span
        self._step = span / BUCKETS
        self.clear(now)

    def clear(self, now: float) -> None:
        """Forget everything."""
        self._buckets = [[0, 0, 0] for _ in range(BUCKETS)]
        self._place = 0
        self._edge = now + self._step
        self.calls = self.failures = self.slow = 0

    def roll(self, now: float) -> None:
        """Let what is older than the window fall out."""
        if now < self._edge:
            return
        steps = int((now - self._edge) / self._step) + 1
        for _ in range(min(steps, BUCKETS)):
            self._place = (self._place + 1) % BUCKETS
            bucket = self._buckets[self._place]
            self.calls -= bucket[0]
            self.failures -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = (0, 0, 0)
        self._edge += steps * self._step

    def add(self, now: float, failed: bool, slow: bool) -> None:
        """Count one ended call."""
        if now >= self._edge:
            self.roll(now)
        bucket = self._buckets[self._place]
        bucket[0] += 1
        self.calls += 1
        if failed:
            bucket[1] += 1
            self.failures += 1
        if slow:
            bucket[2] += 1
            self.slow += 1
