"""Links to a real server for tests, closed in the end, and waiting for what they come to."""

import asyncio
import random
from collections.abc import Callable

from seawall.contracts.clock import Clock
from seawall.contracts.events import Notice
from seawall.stores.address import parse_address
from seawall.stores.redis import Link, Times
from seawall.testing import Recorder

__all__ = ["QUICK", "Links", "until"]

QUICK = Times(command=0.25, connect=1.0, again=0.01, longest=0.05, gather=0.3, beat=0.05, gone=0.3)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, in turns of the loop, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


class Links:
    """Started links, and what they told."""

    def __init__(self) -> None:
        self.made: list[Link] = []
        self.told = Recorder()

    async def __call__(self, url: str, times: Times = QUICK) -> Link:
        """Return a started link."""
        link = Link(parse_address(url), Clock(), self.told, random.uniform, times)
        self.made.append(link)
        await link.start()
        return link

    async def close(self) -> None:
        """Close them all."""
        for link in self.made:
            await link.close()

    def notices(self, event: str) -> list[Notice]:
        """Return the notices of one event."""
        return self.told.of(Notice, event=event)
