"""Who may go now, who waits, and who is next: the books of one limit on calls in flight (semantics 4)."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["STANDING", "Gate", "Ticket"]

STANDING = 0.1  # seconds without an empty queue after which the newest goes first (semantics 4.4)


class Ticket:
    """One waiting call.

    Attributes:
        caller: name from settings, `""` for nobody by name.
        granted: a slot is this call's; whoever holds the ticket must give it back.
    """

    __slots__ = ("caller", "granted")

    def __init__(self, caller: str = "") -> None:
        self.caller = caller
        self.granted = False


T = TypeVar("T", bound=Ticket)


class Gate(Generic[T]):
    """Counts slots and keeps the queue. Nobody waits while a slot is free.

    The one fast path stands in the shell: `if gate.taken < gate.limit: gate.taken += 1`.

    Args:
        limit: slots, at least 1.
        room: how many may wait.

    Attributes:
        taken: slots given out.
        waiting: tickets in the order they came.
        refused: calls that found no slot and no room.
        withdrawn: calls that left the queue without a slot.
    """

    __slots__ = ("_named", "_places", "_since", "limit", "refused", "room", "taken", "waiting", "withdrawn")

    def __init__(self, limit: int, room: int) -> None:
        self.limit = limit
        self.room = room
        self.taken = 0
        self.waiting: OrderedDict[T, None] = OrderedDict()
        self.refused = 0
        self.withdrawn = 0
        self._places: dict[str, int] = {}
        self._since = 0.0
        self._named = False

    @property
    def share(self) -> int:
        """How many places of the queue one caller may hold: half of it, at least one (semantics 4.4)."""
        return max(1, self.room // 2)

    def join(self, ticket: T, now: float) -> bool:
        """Put a call into the queue; False when it, or its caller's half of it, is full.

        Where no caller has a name nobody's share can be told from another's, so the queue is whole until the first
        named one comes; from then on callers without a key are one caller like any other.
        """
        caller = ticket.caller
        if caller:
            self._named = True
        held = self._places.get(caller, 0)
        if len(self.waiting) >= self.room or (self._named and held >= self.share):
            self.refused += 1
            return False
        if not self.waiting:
            self._since = now
        self._places[caller] = held + 1
        self.waiting[ticket] = None
        return True

    def withdraw(self, ticket: T) -> bool:
        """Take a call out of the queue; False when it is not there any more."""
        if ticket not in self.waiting:
            return False
        del self.waiting[ticket]
        self._vacate(ticket)
        self.withdrawn += 1
        return True

    def leave(self, now: float) -> T | None:
        """Give one slot back; return the call that has it now, which must be told."""
        if self.taken > self.limit or not self.waiting:
            self.taken -= 1
            return None
        return self._next(now)

    def resize(self, limit: int, now: float) -> Sequence[T]:
        """Change the number of slots; those in flight stay, those who may go now are returned and must be told."""
        self.limit = limit
        freed: list[T] = []
        while self.taken < limit and self.waiting:
            self.taken += 1
            freed.append(self._next(now))
        return freed

    def _next(self, now: float) -> T:
        ticket, _ = self.waiting.popitem(last=now - self._since >= STANDING)
        self._vacate(ticket)
        ticket.granted = True
        return ticket

    def _vacate(self, ticket: T) -> None:
        held = self._places[ticket.caller] - 1
        if held:
            self._places[ticket.caller] = held
        else:
            del self._places[ticket.caller]
