"""Whether the process is well: how late the loop wakes up, memory, age."""

import asyncio
from collections.abc import Callable

from seawall.contracts.clock import Clock
from seawall.observers.metrics import Metrics
from seawall.observers.process import Process

__all__ = ["Vitals"]

_WINDOW = 30.0  # seconds after which the older half of the maximum is forgotten


class Vitals:
    """Measures loop lag with one timer of the loop; `start` and `stop` it, which also ends `process`.

    Attributes:
        lag: seconds the last wake-up was late.
        process: what the operating system says.
    """

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop, interval: float = 0.5) -> None:
        self._now = clock.now
        self._loop = loop
        self._interval = interval
        self._began = clock.now()
        self._due = 0.0
        self._turned = 0.0
        self._most = (0.0, 0.0)  # of this window and of the one before
        self._timer: asyncio.TimerHandle | None = None
        self.lag = 0.0
        self.process = Process(clock.wall())

    @property
    def lag_max(self) -> float:
        """Return the largest lag of the last 30 to 60 seconds."""
        return max(self._most)

    @property
    def uptime(self) -> float:
        """Return seconds since this was made."""
        return self._now() - self._began

    def start(self) -> None:
        """Begin to measure."""
        self._turned = self._now()
        self._arm()

    def stop(self) -> None:
        """Stop measuring."""
        self.process.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._due = self._now() + self._interval
        self._timer = self._loop.call_later(self._interval, self._fire)

    def _fire(self) -> None:
        now = self._now()
        self.lag = max(0.0, now - self._due)
        this, before = self._most
        if now - self._turned >= _WINDOW:
            self._turned = now
            this, before = 0.0, this
        self._most = (max(this, self.lag), before)
        self._arm()

    def expose(self, metrics: Metrics, build: tuple[str, str, str]) -> None:
        """Give the process's numbers to the metrics.

        Args:
            metrics: gets the sources.
            build: version, Python's version, name of the loop.
        """
        process = self.process
        sources: dict[str, Callable[[], float]] = {
            "seawall_loop_lag_seconds": lambda: self.lag,
            "seawall_loop_lag_max_seconds": lambda: self.lag_max,
            "seawall_tasks": lambda: float(len(asyncio.all_tasks(self._loop))),
            "process_resident_memory_bytes": lambda: process.memory()[1],
            "process_virtual_memory_bytes": lambda: process.memory()[0],
            "process_cpu_seconds": process.cpu,
            "process_start_time_seconds": lambda: process.started,
            "process_open_fds": lambda: process.open_fds,
            "process_max_fds": lambda: process.max_fds,
        }
        for name, read in sources.items():
            metrics.source(name, read)
        metrics.source("seawall_build", lambda: [(build, 1.0)])
