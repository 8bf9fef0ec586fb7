"""The hub gives events to those who want them, and takes out a listener that fails."""

from collections.abc import Callable, Mapping
from typing import Any

from seawall.contracts.events import Notice, UpstreamPaused
from seawall.observers.hub import Hub, Listener

NOTICE = Notice("info", "x", "y")
PAUSE = UpstreamPaused("weather", "weather", 1.0)


class Ear:
    """A listener that keeps what it hears, or breaks."""

    def __init__(self, *kinds: type, error: Exception | None = None) -> None:
        self.kinds = kinds
        self.error = error
        self.heard: list[Any] = []

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        return dict.fromkeys(self.kinds, self.hear)

    def hear(self, event: Any) -> None:
        self.heard.append(event)
        if self.error is not None:
            raise self.error


def hub_of(*ears: Ear) -> tuple[Hub, list[tuple[Listener, Exception]]]:
    """Return a hub and what it reports."""
    reported: list[tuple[Listener, Exception]] = []
    return Hub(ears, lambda ear, error: reported.append((ear, error))), reported


def test_every_listener_that_wants_a_type_hears_it_in_order() -> None:
    """Two listeners hear the same event; one that wants other types does not."""
    first, second, other = Ear(Notice), Ear(Notice, UpstreamPaused), Ear(UpstreamPaused)
    hub, reported = hub_of(first, second, other)
    hub.emit(NOTICE)
    assert (first.heard, second.heard, other.heard, reported) == ([NOTICE], [NOTICE], [], [])


def test_an_event_nobody_wants_is_no_error() -> None:
    """Emitting to nobody does nothing."""
    hub, reported = hub_of()
    hub.emit(NOTICE)
    assert not reported


def test_a_failing_listener_is_reported_once_and_out_for_every_type() -> None:
    """The caller of emit and the listeners behind it notice nothing; the broken one hears nothing any more."""
    error = ValueError("disk full")
    broken, sound = Ear(Notice, UpstreamPaused, error=error), Ear(Notice, UpstreamPaused)
    hub, reported = hub_of(broken, sound)
    for event in (NOTICE, NOTICE, PAUSE):
        hub.emit(event)
    assert reported == [(broken, error)]
    assert broken.heard == [NOTICE]
    assert sound.heard == [NOTICE, NOTICE, PAUSE]
    assert hub.listeners == (sound,)


def test_the_report_may_emit_and_two_failures_are_two_reports() -> None:
    """A report that emits a notice reaches those that are left, without going round."""
    first, second, sound = Ear(Notice, error=OSError()), Ear(Notice, error=KeyError()), Ear(Notice)
    reported: list[Listener] = []

    def report(ear: Listener, error: Exception) -> None:
        reported.append(ear)
        hub.emit(Notice("error", "observer", repr(error)))

    hub = Hub((first, second, sound), report)
    hub.emit(NOTICE)
    assert reported == [first, second]
    assert [event.event for event in sound.heard] == ["observer", "observer", "x"]
