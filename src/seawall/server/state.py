"""What all connections of one server share."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from seawall.contracts.clock import Clock
from seawall.contracts.request import Handler
from seawall.contracts.wheel import Wheel
from seawall.server.limits import Limits
from seawall.server.plain import HeadMemory
from seawall.server.render import DateLine

__all__ = ["Member", "State"]


class Member(Protocol):
    """A connection, as far as the server and its other connections need it."""

    @property
    def idle(self) -> bool:
        """Nothing of a request has arrived since the last answer."""
        ...

    @property
    def waiting(self) -> bool:
        """No call is under way: idle, or a request is still arriving."""
        ...

    def retire(self, *, final: bool = False) -> None:
        """Close now if idle, else with the answer in flight; `final` does not wait for half a request either."""
        ...

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        ...


class State:
    """Handed to every connection of a server.

    Attributes:
        handler, limits, wheel, loop: as given to the server.
        now: seconds, monotonic.
        date: the Date line.
        refused: told the status of every refusal.
        report: told every exception nobody expected.
        inflight: calls under way.
        tasks: of connections that have had a call; the server awaits them when it closes.
        members: open connections, oldest first.
        addresses: open connections by IP address; only kept while a bound on them is set.
        draining: answers say `Connection: close`.
        memory: good lines of heads seen before.
        left: done when the last connection leaves, if somebody waits for that.
        quiet: done when the last call under way ends, if somebody waits for that.
    """

    __slots__ = (
        "addresses", "date", "draining", "handler", "inflight", "left", "limits", "loop", "members", "memory", "now",
        "quiet", "refused", "report", "tasks", "wheel",
    )  # fmt: skip

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        refused: Callable[[int], None],
        report: Callable[[BaseException], None],
    ) -> None:
        self.handler = handler
        self.limits = limits
        self.wheel = wheel
        self.loop = loop
        self.now = clock.now
        self.date = DateLine(clock.wall)
        self.memory = HeadMemory()
        self.refused = refused
        self.report = report
        self.inflight = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.members: dict[Member, None] = {}
        self.addresses: dict[str, int] = {}
        self.draining = False
        self.left: asyncio.Future[None] | None = None
        self.quiet: asyncio.Future[None] | None = None

    def admit(self, member: Member, address: str) -> bool:
        """Count a new connection in; False when there are too many, even after closing one that waits."""
        limits = self.limits
        if limits.max_connections_per_address and address:
            count = self.addresses.get(address, 0)
            if count >= limits.max_connections_per_address:
                return False
            self.addresses[address] = count + 1
        if len(self.members) >= limits.max_connections and not self._evict():
            self._uncount(address)
            return False
        self.members[member] = None
        return True

    def leave(self, member: Member, address: str) -> None:
        """Count a connection out; does nothing for one that was not admitted."""
        if member in self.members:
            del self.members[member]
            self._uncount(address)
            if not self.members and self.left is not None and not self.left.done():
                self.left.set_result(None)

    def ended(self) -> None:
        """Count a call out."""
        self.inflight -= 1
        if not self.inflight and self.quiet is not None and not self.quiet.done():
            self.quiet.set_result(None)

    def _uncount(self, address: str) -> None:
        count = self.addresses.get(address, 0)
        if count > 1:
            self.addresses[address] = count - 1
        elif count:
            del self.addresses[address]

    def _evict(self) -> bool:
        """Abort the connection that waits longest, idle ones first: slow clients must not keep others out."""
        victim = next((member for member in self.members if member.idle), None)
        victim = victim or next((member for member in self.members if member.waiting), None)
        if victim is None:
            return False
        victim.abort()
        return True
