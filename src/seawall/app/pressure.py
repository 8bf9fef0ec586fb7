"""Memory near its bound: caches shrink, then new work is refused, before the kernel ends the process."""

from collections.abc import Callable
from typing import Self

from seawall.contracts.events import Emit, Notice
from seawall.contracts.wheel import Entry, Wheel

__all__ = ["Pressure"]

_EVERY = 1.0
_RELIEF = 0.95  # resident memory must fall so far below the bound before work is taken again, lest it flutters


class Pressure:
    """Looks at resident memory once a second, from `start` to `stop`, or while it is entered.

    Args:
        soft: bytes above which new work is refused.
        resident: reads the process's resident bytes.
        wheel: time.
        refuse: told True when work must be refused and False when it may come again.
        emit: told of both in a notice.
        shed: gives cached memory back first; whether there was any. Work is refused only where there was none.
    """

    def __init__(
        self,
        soft: int,
        resident: Callable[[], int],
        wheel: Wheel,
        refuse: Callable[[bool], None],
        emit: Emit,
        shed: Callable[[], bool],
    ) -> None:
        self._soft = soft
        self._resident = resident
        self._wheel = wheel
        self._refuse = refuse
        self._emit = emit
        self._shed = shed
        self._entry: Entry | None = None
        self.high = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Look now and every second."""
        resident = self._resident()
        bound = self._soft * _RELIEF if self.high else self._soft
        above = resident > bound and (self.high or not self._shed())
        if above is not self.high:
            self.high = not self.high
            self._refuse(self.high)
            message = (
                "Memory is above memory.soft, new work is refused" if self.high else "Memory is below its bound again"
            )
            fields = (("resident_bytes", resident), ("soft_bytes", self._soft))
            self._emit(Notice("warning" if self.high else "info", "memory", message, fields))
        self._entry = self._wheel.add(self._wheel.now() + _EVERY, self.start)

    def stop(self) -> None:
        """Look no more."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
