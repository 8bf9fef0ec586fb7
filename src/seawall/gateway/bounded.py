"""A request's body held to its upstream's own bound, which may be less than the server's (security.md 8)."""

from seawall.contracts.body import Source
from seawall.contracts.errors import RequestBodyError
from seawall.contracts.request import Request

__all__ = ["Bounded", "bound"]


class Bounded:
    """A `Source` that counts what passes.

    Args:
        inner: the client's body.
        most: bytes.
    """

    __slots__ = ("_inner", "_left", "_most")

    def __init__(self, inner: Source, most: int) -> None:
        self._inner = inner
        self._most = most
        self._left = most

    @property
    def received(self) -> int:
        """Bytes that have passed."""
        return self._most - self._left

    async def read(self) -> bytes:
        """Return the next chunk.

        Raises:
            RequestBodyError: with 413, there are more bytes than may be.
        """
        chunk = await self._inner.read()
        self._left -= len(chunk)
        if self._left < 0:
            raise _too_large(self._most)
        return chunk

    def close(self) -> None:
        """Close the client's body."""
        self._inner.close()

    def limit(self, at: float) -> None:
        """Limit the client's body."""
        self._inner.limit(at)


def bound(request: Request, most: int | None) -> None:
    """Hold a request's body to `most` bytes.

    Raises:
        RequestBodyError: with 413, it declares more; nothing of it was sent on.
    """
    if most is None:
        return
    length, body = request.length, request.body
    if length is None:
        if type(body) is not bytes:
            request.body = Bounded(body, most)  # type: ignore[arg-type]  # exact type: a Source
            return
        length = len(body)
    if length > most:
        raise _too_large(most)


def _too_large(most: int) -> RequestBodyError:
    return RequestBodyError(413, f"at most {most} bytes are taken")
