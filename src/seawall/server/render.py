"""An answer's head as bytes, with exactly one framing (RFC 9112 section 6) and no foreign line in it."""

from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from operator import itemgetter

from seawall.contracts.body import Headers
from seawall.contracts.fields import injected
from seawall.contracts.reply import Reply

__all__ = ["CHUNKED", "UNTIL_CLOSE", "DateLine", "InvalidReply", "check", "early", "head", "whole"]

CHUNKED = -1
UNTIL_CLOSE = -2

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus} | {413: b"Content Too Large"}
_STATUS = {code: b"HTTP/1.1 %d %b\r\n" % (code, _REASONS.get(code, b"")) for code in range(200, 600)}
_SPECIAL = frozenset((b"date", b"content-length", b"transfer-encoding", b"connection", b"keep-alive"))
_DATE = {b"date"}
_name = itemgetter(0)
_line = b": ".join
_lines = b"\r\n".join
_KEPT = (b"\r\n", b"connection: close\r\n\r\n")
_KEPT_HTTP10 = (b"connection: keep-alive\r\n\r\n", b"connection: close\r\n\r\n")


class InvalidReply(Exception):
    """A handler's reply cannot be sent: it would break the framing or smuggle a line."""


class DateLine:
    """The Date header line, made once per second.

    Args:
        wall: seconds since the epoch.
    """

    __slots__ = ("_line", "_second", "_wall")

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._second = -1
        self._line = b""

    def __call__(self) -> bytes:
        """Return the line for the current second."""
        second = int(self._wall())
        if second != self._second:
            self._second = second
            self._line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._line


_NO_DATE = DateLine(float)


def check(reply: Reply) -> None:
    """Check status and headers of a reply that somebody else will put on the wire.

    Raises:
        InvalidReply: it cannot be sent.
    """
    _block(reply, _NO_DATE)


def _block(reply: Reply, date: DateLine) -> bytes:
    """Return status line and header lines without framing."""
    status = _STATUS.get(reply.status)
    if status is None:
        raise InvalidReply("a reply's status must be 200 to 599")
    headers = reply.headers
    ready = reply.ready
    if ready is not None and ready[0] is headers:  # the first ones were judged and written before, a Date among them
        if len(headers) == ready[2]:
            return status + ready[1]
        rest = headers[ready[2] :]
        if not _SPECIAL.isdisjoint(map(_name, rest)):
            raise InvalidReply("a reply's headers must not hold its framing, nor a second Date")
        return b"%b%b%b" % (status, ready[1], _judged(rest))
    special = _SPECIAL.intersection(map(_name, headers))
    if not special:
        return status + _judged(headers) + date()
    if special != _DATE:
        raise InvalidReply("a reply's headers must not hold its framing")
    return status + _judged(headers)


def _judged(headers: Headers) -> bytes:
    """Return header lines, each with its line end."""
    if not headers:
        return b""
    if injected(headers):
        raise InvalidReply("a reply's header holds CR, LF or NUL")
    return _lines(map(_line, headers)) + b"\r\n"


def early(status: int, headers: Headers) -> bytes:
    """Return an interim answer (RFC 9110 section 15.2).

    Raises:
        InvalidReply: it cannot be sent.
    """
    if not 101 < status < 200:
        raise InvalidReply("an interim answer passed on must be 102 to 199")
    lines = _judged(headers)
    special = _SPECIAL.intersection(map(_name, headers))
    if special and special != _DATE:
        raise InvalidReply("an interim answer's headers must not hold framing")
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, _REASONS.get(status, b""), lines)


def whole(reply: Reply, body: bytes, head_only: bool, http10: bool, close: bool, date: DateLine) -> bytes:
    """Return a whole answer but for a body over 64 KiB, which the caller writes behind it.

    Raises:
        InvalidReply: it cannot be sent.
    """
    block = _block(reply, date)
    status = reply.status
    end = (_KEPT_HTTP10 if http10 else _KEPT)[close]
    if status == 204:  # RFC 9110 section 8.6: no Content-Length
        return block + end
    if head_only or status == 304:
        length = len(body) if body else reply.length
        return block + end if length is None else b"%bcontent-length: %d\r\n%b" % (block, length, end)
    if len(body) > 65536:
        return b"%bcontent-length: %d\r\n%b" % (block, len(body), end)
    return b"%bcontent-length: %d\r\n%b%b" % (block, len(body), end, body)


def head(reply: Reply, http10: bool, close: bool, date: DateLine) -> tuple[bytes, int]:
    """Return the head of an answer whose body follows, and the body's length, `CHUNKED` or `UNTIL_CLOSE`.

    Raises:
        InvalidReply: it cannot be sent.
    """
    block = _block(reply, date)
    length = reply.length
    end = (_KEPT_HTTP10 if http10 else _KEPT)[close]
    if length is not None:
        return b"%bcontent-length: %d\r\n%b" % (block, length, end), length
    if http10:  # RFC 9112 section 6.1: an HTTP/1.0 client knows no chunks
        return block + _KEPT[True], UNTIL_CLOSE
    return b"%btransfer-encoding: chunked\r\n%b" % (block, end), CHUNKED
