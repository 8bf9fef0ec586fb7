"""A model's answer on its way to the client: held back until it is one, then passed on as it comes."""

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

    __slots__ = ("_ended", "_heard", "_inner", "_opening", "_size", "error")

    def __init__(self, inner: Source, heard: Heard) -> None:
        self._inner = inner
        self._heard = heard
        self._opening: list[bytes] = []
        self._size = 0
        self._ended = False
        self.error: CallError | None = None

    async def open(self, wheel: Wheel, until: float) -> bool:
        """Read until something of the answer itself has come; whether it is one and may be passed on.

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
            return heard.failure is None
        return heard.failure is None

    async def read(self) -> bytes:
        """Return the next piece; after a break the error event of the dialect, then the end."""
        if self._opening:
            opening, self._opening = b"".join(self._opening), []
            if opening:
                return opening
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
                return text
        return b""

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
