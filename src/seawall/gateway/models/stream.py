"""A model's answer on its way to the client: held back until it is one, then passed on as it comes."""

from collections.abc import Callable

from seawall.contracts.body import Source
from seawall.contracts.errors import CallError
from seawall.contracts.wheel import TimeLimit, Wheel
from seawall.llm.seam import Heard

__all__ = ["Enough", "ModelStream"]

_HELD = 1 << 20  # bytes held back at most while no content has come


class Enough(Exception):
    """Nobody waits any longer for content."""


class ModelStream:
    """A `Source` over a provider's body, in the client's dialect.

    Args:
        inner: the provider's body.
        heard: makes it the client's.

    Attributes:
        error: why it broke off after it began, or None.
    """

    __slots__ = ("_collected", "_ended", "_heard", "_inner", "_most", "_opening", "_size", "_whole", "error")

    def __init__(self, inner: Source, heard: Heard) -> None:
        self._inner = inner
        self._heard = heard
        self._opening: list[bytes] = []
        self._size = 0
        self._ended = False
        self._collected: list[bytes] | None = None
        self._most = 0
        self._whole: Callable[[bytes], None] | None = None
        self.error: CallError | None = None

    def collect(self, most: int, whole: Callable[[bytes], None]) -> None:
        """Give `whole` everything that was passed on, once the stream has come to its proper end.

        Args:
            most: bytes; nothing is given where there are more.
            whole: called at most once.
        """
        self._collected, self._most, self._whole = [], most, whole

    async def open(self, wheel: Wheel, until: float) -> None:
        """Read until something of the answer itself has come, or an error that stands in its place.

        Args:
            wheel: time.
            until: monotonic seconds at which what came is passed on as it is (`commit_after`).

        Raises:
            CallError: the body broke before that.
        """
        heard = self._heard
        try:
            with TimeLimit(wheel, until, Enough):
                while not heard.content and heard.failure is None and not self._ended and self._size < _HELD:
                    text = await self._next()
                    self._opening.append(text)
                    self._size += len(text)
        except Enough:
            return

    async def read(self) -> bytes:
        """Return the next piece; after a break the error event of the dialect, then the end."""
        if self._opening:
            opening, self._opening = b"".join(self._opening), []
            if opening:
                return self._passed(opening)
        while not self._ended:
            try:
                text = await self._next()
            except CallError as error:
                self.error = error
                self._ended = True
                ending = self._heard.broken(error)
                if not ending:  # no stream of events: the framing shows that it broke
                    raise
                return ending
            if text:
                return self._passed(text)
        self._finish()
        return b""

    def _passed(self, text: bytes) -> bytes:
        collected = self._collected
        if collected is not None:
            self._most -= len(text)
            if self._most < 0:
                self._collected = None
            else:
                collected.append(text)
        return text

    def _finish(self) -> None:
        collected, self._collected = self._collected, None
        if collected is not None and self._whole is not None and self.error is None:
            self._whole(b"".join(collected))

    async def _next(self) -> bytes:
        chunk = await self._inner.read()
        if chunk:
            return self._heard.feed(chunk)
        self._ended = True
        return self._heard.end()

    def close(self) -> None:
        """Close the provider's body."""
        self._inner.close()

    def limit(self, at: float) -> None:
        """Limit the provider's body."""
        self._inner.limit(at)
