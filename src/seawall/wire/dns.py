"""Names to addresses, kept for a while; one lookup per name however many calls wait for it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from seawall.contracts.clock import Clock
from seawall.contracts.errors import DnsError

__all__ = ["Resolve", "Resolver", "system_resolve"]

# Returns address literals in the order they should be tried; raises OSError when the name does not resolve.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# A lookup blocks a thread of the loop's pool; others need that pool too.
_PARALLEL = 4
# Long enough that a burst of calls asks once, short enough that a fixed name is found again at once.
_FAILURE_TTL = 1.0


class _Found(NamedTuple):
    addresses: tuple[str, ...]
    until: float


def system_resolve(loop: asyncio.AbstractEventLoop) -> Resolve:
    """Return a resolver over `loop.getaddrinfo`, in the order of RFC 6724 as the system applies it."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(info[4][0]) for info in infos))

    return resolve


class Resolver:
    """A cache over a resolving function, with single flight.

    Args:
        loop: runs the lookups.
        clock: ages the answers.
        resolve: does one lookup.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, resolve: Resolve | None = None) -> None:
        self._loop = loop
        self._now = clock.now
        self._resolve = resolve or system_resolve(loop)
        self._found: dict[str, _Found] = {}
        self._flights: dict[str, asyncio.Task[_Found]] = {}
        self._slots = asyncio.Semaphore(_PARALLEL)

    async def addresses(self, host: str, port: int, ttl: float) -> tuple[str, ...]:
        """Return the addresses of `host`, at most `ttl` seconds old.

        Raises:
            DnsError: the name does not resolve, or did not a second ago.
        """
        found = self._found.get(host)
        if found is None or self._now() >= found.until:
            flight = self._flights.get(host)
            if flight is None:
                flight = self._flights[host] = self._loop.create_task(self._look_up(host, port, ttl))
            found = await self._join(flight)
        if not found.addresses:
            raise DnsError
        return found.addresses

    async def _join(self, flight: "asyncio.Task[_Found]") -> _Found:
        """Wait for a lookup; shielded, since a caller that leaves must take it away from nobody."""
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if flight.cancelled() and task is not None and not task.cancelling():
                raise DnsError("The wire is closed") from None
            raise

    async def _look_up(self, host: str, port: int, ttl: float) -> _Found:
        try:
            async with self._slots:
                addresses = tuple(await self._resolve(host, port))
        except (OSError, UnicodeError):
            addresses = ()
        finally:
            self._flights.pop(host, None)
        found = _Found(addresses, self._now() + (ttl if addresses else _FAILURE_TTL))
        self._found[host] = found
        return found

    def forget(self, hosts: frozenset[str]) -> None:
        """Keep only the answers for `hosts`."""
        for host in self._found.keys() - hosts:
            del self._found[host]

    async def close(self) -> None:
        """Give up the lookups under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
