"""One request met by a server of the test kit, its good answer, and what may be done instead, as plain values."""

import http
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from seawall.contracts.body import Headers

__all__ = ["Action", "Answer", "End", "Exchange", "Fault"]


_PHRASES = {status.value: status.phrase.encode() for status in http.HTTPStatus}


class End(Enum):
    """How a program of actions ends what it is on."""

    KEEP = "the answer is complete, the connection stays"
    FIN = "the connection is closed"
    RESET = "the connection is reset"
    HANG = "nothing more happens until the peer leaves"


# Bytes are written, a number is a pause in seconds; a program without an End keeps the connection.
Action = bytes | float | End


@dataclass(frozen=True, slots=True)
class Answer:
    """A well-formed HTTP/1.1 answer.

    Attributes:
        status: 200..599.
        body: the content.
        headers: without framing.
        chunked: sent in one chunk with Transfer-Encoding instead of Content-Length.
    """

    status: int = 200
    body: bytes = b"hello\n"
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/plain"),)
    chunked: bool = False

    def head(self, length: int | None = None) -> bytes:
        """Return status line and headers; `length` declares another length than the body's."""
        lines = [b"HTTP/1.1 %d %s" % (self.status, _PHRASES.get(self.status, b""))]
        lines += [name + b": " + value for name, value in self.headers]
        if self.chunked:
            lines.append(b"transfer-encoding: chunked")
        elif self.status not in (204, 304):  # RFC 9110 section 8.6
            lines.append(b"content-length: %d" % (len(self.body) if length is None else length))
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def payload(self) -> bytes:
        """Return the body as it goes over the wire."""
        if not self.chunked:
            return self.body
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body) if self.body else b"0\r\n\r\n"

    def wire(self, method: bytes = b"GET") -> bytes:
        """Return the whole answer to a request of this method."""
        return self.head() if method == b"HEAD" else self.head() + self.payload()


@dataclass(slots=True)
class Exchange:
    """One request, and the answer it would get without a fault.

    Attributes:
        method, target: as sent.
        headers: names in lower case.
        body: everything received of it.
        number: 1 for the first request on its connection.
        answer: the good answer.
    """

    method: bytes
    target: bytes
    headers: Headers
    body: bytes = b""
    number: int = 1
    answer: Answer = field(default_factory=Answer)

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of `name` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


Fault = Callable[[Exchange], Iterable[Action]]
