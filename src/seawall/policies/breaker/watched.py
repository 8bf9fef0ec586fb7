"""A reply's body whose breaking is told once: a stream counts at its headers, a break as one more failure."""

from collections.abc import Callable

from seawall.contracts.body import Source
from seawall.contracts.errors import UpstreamError

__all__ = ["Watched"]


class Watched:
    """Passes everything on to `source`.

    The error itself is the only thing that tells a broken upstream from a client that left: both end with
    `finished` False. So it is looked at where it passes, one frame per chunk, for bodies that are not whole.
    """

    __slots__ = ("_broke", "_source", "close", "limit")

    def __init__(self, source: Source, broke: Callable[[], None]) -> None:
        self._source = source
        self._broke: Callable[[], None] | None = broke
        self.close = source.close
        self.limit = source.limit

    async def read(self) -> bytes:
        """Return the next chunk.

        Raises:
            UpstreamError: the body broke; counted once.
            DeadlineExceeded: its limit has passed; not counted.
        """
        try:
            return await self._source.read()
        except UpstreamError:
            broke, self._broke = self._broke, None
            if broke is not None:
                broke()
            raise
