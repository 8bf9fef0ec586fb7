"""A call to the bytes of an HTTP/1.1 request (RFC 9112 sections 3 and 6)."""

from operator import itemgetter

from seawall.contracts.body import Headers
from seawall.contracts.call import Attempt
from seawall.contracts.fields import FRAMING, broken, injected
from seawall.contracts.target import Target
from seawall.wire.invalid import InvalidRequest

__all__ = ["RequestWriter"]

_FIELD = b": ".join
_LINES = b"\r\n".join
_NAME = itemgetter(0)
_BLANK = 32
_WANT_LENGTH = frozenset((b"POST", b"PUT", b"PATCH"))  # RFC 9110 section 8.6


class RequestWriter:
    """Writes the heads of one target's requests.

    Args:
        target: gives Host and the base path.
        absolute: whether the request goes to a forward proxy (RFC 9112 section 3.2.2).
    """

    __slots__ = ("_after", "_before")

    def __init__(self, target: Target, absolute: bool = False) -> None:
        origin = b"%b://%b" % (target.scheme.encode(), target.authority) if absolute else b""
        self._before = b" %b%b" % (origin, target.base)
        # Host stands first, as RFC 9110 section 7.2 wishes.
        self._after = b" HTTP/1.1\r\nhost: %b\r\n" % target.authority

    def head(self, attempt: Attempt) -> bytes:
        """Return request line and headers, the blank line included; framing is built here and never copied.

        Raises:
            InvalidRequest: a header or the path would change the meaning of the message.
        """
        call = attempt.call
        body = call.body
        path, lines = call.path, attempt.lines
        ready, rest, block = call.ready, call.headers, b""
        if ready is not None and ready[0] is rest:  # the first ones were judged and written before
            block, rest = ready[1], rest[ready[2] :]
        if ready is None or ready[3] is not path:
            self._judge(call.method, path)
        if lines is None:
            rest = rest + attempt.headers
            lines = b""
        if rest:
            lines = self._written(rest) + lines
        if type(body) is not bytes:
            length = call.length
            framing = (
                b"transfer-encoding: chunked\r\n\r\n" if length is None else b"content-length: %d\r\n\r\n" % length
            )
        elif body or call.method in _WANT_LENGTH:
            framing = b"content-length: %d\r\n\r\n" % len(body)
        else:
            framing = b"\r\n"
        return b"".join((call.method, self._before, path, self._after, block, lines, framing))

    def _judge(self, method: bytes, path: bytes) -> None:
        if _BLANK in path or broken(method) or broken(path):
            raise InvalidRequest("The path holds a blank, a line break or NUL")

    def _written(self, headers: Headers) -> bytes:
        """Return header lines, each with its line end."""
        if not FRAMING.isdisjoint(map(_NAME, headers)):
            raise InvalidRequest("Host and framing are not the caller's to give")
        if injected(headers):
            raise InvalidRequest("A header holds a line break or NUL")
        return _LINES(map(_FIELD, headers)) + b"\r\n"
