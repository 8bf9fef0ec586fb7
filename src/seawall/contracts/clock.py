"""Where time comes from, so that tests can let hours pass in milliseconds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, time

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks handed down from `app.py`; a virtual-time loop hands down its own.

    Attributes:
        now: seconds, monotonic; deadlines and latencies.
        wall: seconds since the epoch; log lines, HTTP dates, days of a budget.
    """

    now: Callable[[], float] = field(default=monotonic)
    wall: Callable[[], float] = field(default=time)
