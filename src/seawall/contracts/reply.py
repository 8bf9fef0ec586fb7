"""The answer to a call: status, headers, and a body that somebody must close."""

from collections.abc import Callable

from seawall.contracts.body import Body, Headers

__all__ = ["Reply"]


class Reply:
    """An answer, from an upstream or our own.

    Whoever receives a reply owns it: hands it on, or calls `close` exactly when done with the body (a second
    call does nothing). Stages that hold something for the life of the body register it with `on_close`.

    Attributes:
        status: 200..599.
        headers: without framing: no Content-Length, Transfer-Encoding, Connection or Keep-Alive.
        body: bytes when whole, else a `Source`.
        length: for a Source the declared length or None (sent chunked); for bytes None means `len(body)`; on an
            answer to HEAD and on 304 the length the upstream declared, or None.
        streamed: an event stream, ndjson, an AWS event stream, or one without a length that is longer or slower
            than what is waited for (semantics 2.6).
        sent: body bytes written to the client so far, set by the door before it closes the reply.
        finished: the whole body was written, set by the door before it closes the reply.
        ready: a list of headers, the lines of its first so many as bytes, and how many; these are judged, and hold a
            Date and no framing. It counts only while `headers` is that very list; whoever changes those first ones
            makes a list of its own. None where nothing is known.
        marks: headers of our own (`x-seawall-*`) that the door adds once it has cleaned the upstream's, or None.
    """

    __slots__ = ("_closers", "body", "finished", "headers", "length", "marks", "ready", "sent", "status", "streamed")

    def __init__(
        self,
        status: int,
        headers: Headers,
        body: Body = b"",
        length: int | None = None,
        streamed: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.length = length
        self.streamed = streamed
        self.sent = 0
        self.finished = False
        self.marks: Headers | None = None
        self.ready: tuple[Headers, bytes, int] | None = None
        self._closers: list[Callable[[], None]] | None = None

    @property
    def whole(self) -> bool:
        """Whether the body is all here, so that nothing upstream is still held."""
        return type(self.body) is bytes

    def on_close(self, closer: Callable[[], None]) -> None:
        """Run `closer` when the reply is closed; it must not raise.

        Those registered first run first, as nested `finally` blocks do: the innermost stage has let go of what it held
        before an outer one does, and whoever tells what the call came to registers last and tells all of it.
        """
        if self._closers is None:
            self._closers = [closer]
        else:
            self._closers.append(closer)

    def mark(self, name: bytes, value: bytes) -> None:
        """Add a header of our own; of one name only the last counts."""
        marks = self.marks
        self.marks = [(name, value)] if marks is None else [*(pair for pair in marks if pair[0] != name), (name, value)]

    def close(self) -> None:
        """Close the body and run the closers, once."""
        body = self.body
        if type(body) is not bytes:
            body.close()  # type: ignore[union-attr]  # exact type: a Source
        closers, self._closers = self._closers, None
        if closers is not None:
            for closer in closers:
                closer()

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of `name` (lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
