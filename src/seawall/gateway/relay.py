"""A body on its way to the client: remembers that it broke, and ends an event stream properly when it does."""

import orjson

from seawall.contracts.body import Source
from seawall.contracts.errors import CallError

__all__ = ["Relay"]


class Relay:
    """The upstream's body as the client gets it.

    A stream of events or JSON lines that breaks ends in one error event, so that a client library raises an error
    instead of taking half an answer for a whole one; any other body is cut off, which its framing shows.

    Args:
        inner: the upstream's body.
        content_type: of the reply.
        upstream, request_id: for the error event.
    """

    __slots__ = ("_ending", "_inner", "_request_id", "_upstream", "error")

    def __init__(self, inner: Source, content_type: bytes, upstream: str, request_id: str) -> None:
        self._inner = inner
        self._upstream = upstream
        self._request_id = request_id
        self._ending = _ENDINGS.get(content_type.split(b";", 1)[0].strip().lower())
        self.error: CallError | None = None

    async def read(self) -> bytes:
        """Return the next chunk; after a break of a stream, the error event and then the end."""
        if self.error is not None:
            return b""
        try:
            return await self._inner.read()
        except CallError as error:
            self.error = error
            if self._ending is None:
                raise
            return self._ending % orjson.dumps(
                {
                    "type": f"urn:seawall:{error.type}",
                    "title": error.title,
                    "status": error.status_hint,
                    "upstream": self._upstream,
                    "request_id": self._request_id,
                    "error": {"message": error.detail, "type": error.type, "code": error.type, "param": None},
                }
            )

    def close(self) -> None:
        """Close the upstream's body."""
        self._inner.close()

    def limit(self, at: float) -> None:
        """Limit the upstream's body."""
        self._inner.limit(at)


# One newline, not two: a half-sent event must become part of the error event and not a message of its own
# (WHATWG HTML section 9.2.6, dispatch on a blank line).
_ENDINGS = {
    b"text/event-stream": b"\nevent: error\ndata: %b\n\n",
    b"application/x-ndjson": b"\n%b\n",
    b"application/ndjson": b"\n%b\n",
}
