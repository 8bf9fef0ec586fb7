"""An answer's body on its way through a meter: looked at, never changed, never kept."""

from seawall.contracts.bill import Meter
from seawall.contracts.body import Source

__all__ = ["Metered"]


class Metered:
    """A body that a meter sees pass, piece by piece; a Source.

    Args:
        inner: the upstream's body.
        meter: of the attempt.
        length: that the upstream declared, or None.

    Attributes:
        ended: all of it has passed.
    """

    __slots__ = ("_inner", "_left", "_meter", "ended")

    def __init__(self, inner: Source, meter: Meter, length: int | None) -> None:
        self._inner = inner
        self._meter = meter
        self._left = -1 if length is None else length
        self.ended = length == 0

    async def read(self) -> bytes:
        """Return the next chunk."""
        chunk = await self._inner.read()
        if chunk:
            self._meter.feed(chunk)
            if self._left >= 0:
                self._left -= len(chunk)
                self.ended = self._left == 0
        else:
            self.ended = True
        return chunk

    def close(self) -> None:
        """Close the upstream's body."""
        self._inner.close()

    def limit(self, at: float) -> None:
        """Limit the upstream's body."""
        self._inner.limit(at)
