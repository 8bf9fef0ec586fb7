"""An observer that keeps what happened, for tests to look at."""

from typing import TypeVar

from seawall.contracts.events import Event

__all__ = ["Recorder"]

E = TypeVar("E")


class Recorder:
    """Takes events as an `Emit` does, by being called, and keeps them in order.

    Attributes:
        events: everything so far.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def of(self, kind: type[E], **fields: object) -> list[E]:
        """Return the events of one kind whose fields have the given values, in order.

        Raises:
            AttributeError: the kind has no such field.
        """
        return [
            event
            for event in self.events
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
        ]

    def one(self, kind: type[E], **fields: object) -> E:
        """Return the only event that `of` finds.

        Raises:
            AssertionError: there is none, or more than one; with what there is.
        """
        found = self.of(kind, **fields)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} of {kind.__name__} with {fields}, not one, in {self.events}")
        return found[0]

    def clear(self) -> None:
        """Forget what came so far."""
        self.events.clear()
