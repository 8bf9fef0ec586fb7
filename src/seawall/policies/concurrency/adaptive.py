"""A limit that finds itself: the gradient of unloaded to current latency (semantics 4.5).

After Netflix's Gradient2 and Envoy's gradient controller. Gradient2's slow average follows a lasting overload until it
calls it normal; Envoy measures anew with almost no calls in flight. Here the unloaded latency is measured with half
the limit for one window, which costs little and is as good wherever the limit is near the capacity.

Time is counted in windows. A window's samples begin once the calls in flight when the limit last changed have mostly
ended, so each change is seen before the next is made. They are taken as calls end, whenever those began: to count only
calls that began late and ended early would prefer the fast ones.
"""

__all__ = ["Gradient"]

START = 4.0  # the first limit; doubles each window until latency rises
TOLERANCE = 1.2  # how much slower than unloaded is still normal
SMOOTHING = 0.3
CUT = 0.9  # for each round of timeouts
SHORT = 2.0  # times unloaded: a timeout after less is none of the upstream's
LEAST, MOST = 32, 128  # samples of a window
PERIOD = 10.0  # seconds between measurements of the unloaded latency, and at least
ROUNDS = 50  # times that latency


class Gradient:
    """Finds a limit between 1 and `highest`.

    Args:
        highest: the limit's bound.
        now: monotonic seconds.

    Attributes:
        limit: calls in flight, whole.
        base: the unloaded latency in seconds, 0 before the first window has ended.
    """

    __slots__ = (
        "_again",
        "_began",
        "_counts",
        "_exact",
        "_growing",
        "_peak",
        "_restore",
        "_samples",
        "_settle",
        "_trusted",
        "base",
        "highest",
        "limit",
    )

    def __init__(self, highest: int, now: float) -> None:
        self.highest = highest
        self.base = 0.0
        self._exact = min(START, highest)
        self.limit = int(self._exact)
        self._growing = True
        self._restore = 0.0
        self._settle = 0.0
        self._trusted = 0.0
        self._again = now + PERIOD
        self._peak = 0
        self._samples: list[float] = []
        self._open(now)

    def sample(self, began: float, now: float, in_flight: int) -> None:
        """Count a good answer's time to its headers.

        Args:
            began: when the call got its slot.
            now: when its headers came.
            in_flight: slots taken, this call's included.
        """
        if now < self._counts:
            return
        if in_flight > self._peak:
            self._peak = in_flight
        self._samples.append(now - began)
        if len(self._samples) >= min(MOST, max(LEAST, self.limit)):
            self._close(now)

    def cut(self, began: float, now: float) -> None:
        """Count a timeout: the limit falls, once for all calls that were in flight when it last fell.

        One that had less than twice the unloaded latency says nothing about load: the call had spent its time before
        it got here, in a queue of ours or of its caller. Counting it would keep the limit at 1 behind a long queue.
        """
        if began < self._began or now - began < SHORT * self.base:
            return
        self._growing = False
        self._restore *= CUT
        self._set(self._exact * CUT, now)

    def bound(self, highest: int, now: float) -> None:
        """Change the bound."""
        self.highest = highest
        self._set(self._exact, now)

    def _close(self, now: float) -> None:
        samples = self._samples
        samples.sort()
        short = max(samples[len(samples) // 2], 1e-6)
        self._settle = max(samples[-1], self._settle / 2)
        if self._restore or self._peak <= self._exact / 2:  # measured while nothing queued upstream
            self.base = (self.base + short) / 2 if self.base / 2 < short < self.base * 2 else short
            self._again = now + max(PERIOD, ROUNDS * short)
            self._set(max(self._exact, self._restore), now)
            self._restore = 0.0
            self._trusted = self._exact / 2
            return
        if self._growing or not self.base:
            self.base = min(self.base or short, short)
        self._step(self.base / short * TOLERANCE, now)
        if now >= self._again or self._exact < self._trusted:
            self._restore = self._exact
            self._set(self._exact / 2, now)

    def _step(self, gradient: float, now: float) -> None:
        exact = self._exact
        if gradient < 1.0 and self._growing:
            self._growing = False
            self._trusted = exact / 2
        if self._growing:
            self._set(exact * 2, now)
            return
        wanted = exact * max(0.5, min(1.0, gradient)) + max(0.5, exact**0.5 / 2)
        self._set(exact + SMOOTHING * (wanted - exact), now)

    def _set(self, exact: float, now: float) -> None:
        self._exact = max(1.0, min(float(self.highest), exact))
        self.limit = int(self._exact)
        self._open(now)

    def _open(self, now: float) -> None:
        self._began = now
        self._counts = now + self._settle
        self._peak = 0
        self._samples = []
