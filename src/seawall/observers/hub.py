"""Where events meet observers: a listener returns nothing, and one that fails is taken out, not the call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from seawall.contracts.events import Event

__all__ = ["Hub", "Listener", "Report"]

Report = Callable[["Listener", Exception], None]


class Listener(Protocol):
    """An observer: what it wants to hear, asked for once."""

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """What is called, by type of event; types that are missing cost nothing."""
        ...


class Hub:
    """Gives each event to those who want its type.

    Args:
        listeners: in the order in which they hear.
        report: told once of each listener that failed and is out; it may emit, and must not raise.

    Attributes:
        failures: how many listeners are out.
    """

    def __init__(self, listeners: Sequence[Listener], report: Report) -> None:
        self._listeners = list(listeners)
        self._report = report
        self.failures = 0
        self._table: dict[type, tuple[Callable[[Any], None], ...]] = {}
        self._bind()

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those that still hear."""
        return tuple(self._listeners)

    def emit(self, event: Event) -> None:
        """Tell everybody who wants this type of event; never raises."""
        for hear in self._table.get(type(event), ()):
            try:
                hear(event)
            except Exception as error:  # noqa: BLE001 - whatever an observer does wrong, the call goes on
                self._remove(hear, error)

    def _bind(self) -> None:
        table: dict[type, list[Callable[[Any], None]]] = {}
        for listener in self._listeners:
            for kind, hear in listener.hears.items():
                table.setdefault(kind, []).append(hear)
        self._table = {kind: tuple(hears) for kind, hears in table.items()}

    def _remove(self, hear: Callable[[Any], None], error: Exception) -> None:
        for listener in self._listeners:
            if hear in listener.hears.values():
                self._listeners.remove(listener)
                self.failures += 1
                self._bind()
                self._report(listener, error)
                return
