"""The last minute of every upstream, from counters that are kept anyway: a health check never calls (semantics 8.6)."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from seawall.contracts.wheel import Entry, Wheel
from seawall.observers.metrics import Metrics

__all__ = ["Minute", "Traffic"]

_EVERY = 5.0
_KEPT = 13  # samples: a minute and its beginning

Counts = tuple[int, int, float]


class Minute(NamedTuple):
    """Attempts, failed attempts and mean seconds of an attempt within the last minute."""

    attempts: int
    failures: int
    mean: float


class Traffic:
    """Samples the counters of attempts every five seconds; `start` and `stop` it."""

    def __init__(self, metrics: Metrics, wheel: Wheel, upstreams: Iterable[str]) -> None:
        self._metrics = metrics
        self._wheel = wheel
        self._samples: dict[str, deque[Counts]] = {}
        self._entry: Entry | None = None
        self.configure(upstreams)

    def configure(self, upstreams: Iterable[str]) -> None:
        """Watch these upstreams from now on; what is known of them stays."""
        known = self._samples
        self._samples = {
            name: known.get(name) or deque((self._metrics.attempts(name),), maxlen=_KEPT) for name in upstreams
        }

    def last_minute(self, upstream: str) -> Minute:
        """Return what happened within the last 60 to 65 seconds.

        Raises:
            KeyError: the upstream is not watched.
        """
        attempts, failures, seconds = self._metrics.attempts(upstream)
        old = self._samples[upstream][0]
        count = attempts - old[0]
        return Minute(count, failures - old[1], (seconds - old[2]) / count if count else 0.0)

    def start(self) -> None:
        """Begin to sample."""
        self._entry = self._wheel.add(self._wheel.now() + _EVERY, self._sample)

    def stop(self) -> None:
        """Stop sampling."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _sample(self) -> None:
        for name, samples in self._samples.items():
            samples.append(self._metrics.attempts(name))
        self.start()
