"""Listeners and their connections: started, counted, drained."""

import asyncio
import ssl
from collections.abc import Callable

from seawall.contracts.clock import Clock
from seawall.contracts.request import Handler
from seawall.contracts.wheel import Wheel
from seawall.server.connection import Connection
from seawall.server.limits import Limits
from seawall.server.listen import acceptors, bind, shown
from seawall.server.state import State

__all__ = ["Server"]

_HANDSHAKE_TIMEOUT = 10.0


def _ignore(_: object) -> None:
    """Nobody listens."""


class Server:
    """Serves one handler on any number of addresses.

    Args:
        handler: answers requests; cancelled when the client leaves.
        limits: bounds on clients.
        clock: gives `now` for deadlines and `wall` for Date.
        wheel: fires deadlines.
        loop: runs everything.
        refused: told the status of every request refused here, without any handler.
        report: told every exception nobody expected, once.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        *,
        refused: Callable[[int], None] = _ignore,
        report: Callable[[BaseException], None] = _ignore,
    ) -> None:
        self._state = State(handler, limits, clock, wheel, loop, refused, report)
        self._listeners: list[asyncio.Server] = []
        self._addresses: list[str] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is listened on, with real port numbers."""
        return tuple(self._addresses)

    @property
    def inflight(self) -> int:
        """Calls under way."""
        return self._state.inflight

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._state.members)

    async def start(self, listen: str, tls: ssl.SSLContext | None = None) -> None:
        """Listen on one more address: `host:port`, `unix:/path` or `fd://3`.

        Args:
            listen: the address; port 0 takes a free one, see `addresses`.
            tls: serve HTTPS with this context.

        Raises:
            OSError: the address is in use or cannot be bound.
            ValueError: `listen` is malformed.
        """
        state = self._state
        for listener in await asyncio.to_thread(bind, listen):  # resolves names, looks at files
            address = shown(listener)
            for one in acceptors(listener, state.loop):
                server = await state.loop.create_server(
                    self._accept,
                    sock=one,
                    ssl=tls,
                    ssl_handshake_timeout=_HANDSHAKE_TIMEOUT if tls else None,
                    backlog=1024,
                )
                self._listeners.append(server)
            self._addresses.append(address)

    def _accept(self) -> Connection:
        return Connection(self._state)

    def stop_accepting(self) -> None:
        """Close the listeners; connections go on."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let the calls in flight end within `seconds`, then cancel them and close everything.

        Idle connections close at once; the answers in flight say `Connection: close`.
        """
        state = self._state
        self.stop_accepting()
        state.draining = True
        for member in list(state.members):
            member.retire()
        until = state.now() + seconds
        if state.inflight and seconds > 0:
            state.quiet = state.loop.create_future()
            await asyncio.wait((state.quiet,), timeout=seconds)
        for member in list(state.members):
            member.retire(final=True)
        if state.members and (remaining := until - state.now()) > 0:  # the last answers are on their way out
            state.left = state.loop.create_future()
            await asyncio.wait((state.left,), timeout=remaining)
        await self._abort_rest()

    async def _abort_rest(self) -> None:
        state = self._state
        for member in list(state.members):
            member.abort()
        for task in list(state.tasks):
            task.cancel()
        while state.tasks:
            await asyncio.wait(list(state.tasks))
            await asyncio.sleep(0)  # the callbacks that take finished tasks out
