"""A call to the bytes of an HTTP/1.1 request (RFC 9112 sections 3 and 6)."""

from seawall.contracts.call import Attempt
from seawall.contracts.errors import Refusal
from seawall.contracts.target import Target

__all__ = ["InvalidRequest", "RequestWriter"]

_FIELD = b": ".join
_LINES = b"\r\n".join
_WANT_LENGTH = frozenset((b"POST", b"PUT", b"PATCH"))  # RFC 9110 section 8.6


class InvalidRequest(Refusal):
    """The request cannot be written as HTTP: a line break or NUL in a header, a blank in its path, foreign framing."""

    status_hint = 400
    type = "bad-request"
    title = "The request cannot be sent upstream as it is"


class RequestWriter:
    """Writes the heads of one target's requests.

    Args:
        target: gives Host and the base path.
        absolute: whether the request goes to a forward proxy (RFC 9112 section 3.2.2).
    """

    __slots__ = ("_before", "_host")

    def __init__(self, target: Target, absolute: bool = False) -> None:
        origin = b"%b://%b" % (target.scheme.encode(), target.authority) if absolute else b""
        self._before = b" %b%b" % (origin, target.base)
        self._host = [(b"host", target.authority)]  # first, as RFC 9110 section 7.2 wishes

    def head(self, attempt: Attempt) -> bytes:
        """Return request line and headers, the blank line included; framing is built here and never copied.

        Raises:
            InvalidRequest: a header or the path would change the meaning of the message.
        """
        call = attempt.call
        body = call.body
        headers = self._host + call.headers + attempt.headers
        if type(body) is not bytes:
            length = call.length
            framing = (
                b"transfer-encoding: chunked\r\n\r\n" if length is None else b"content-length: %d\r\n\r\n" % length
            )
        elif body or call.method in _WANT_LENGTH:
            framing = b"content-length: %d\r\n\r\n" % len(body)
        else:
            framing = b"\r\n"
        fields = _LINES(map(_FIELD, headers))
        head = b"".join((call.method, self._before, call.path, b" HTTP/1.1\r\n", fields, b"\r\n", framing))
        # One count of the line ends in the whole head finds every injected one.
        lines = len(headers) + (2 if len(framing) == 2 else 3)
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise InvalidRequest("A header or the path holds a line break or NUL")
        if b" " in call.path:
            raise InvalidRequest("The path holds a blank")
        if b"\ncontent-length:" in fields or b"\ntransfer-encoding:" in fields or b"\nhost:" in fields:
            raise InvalidRequest("Host and framing are not the caller's to give")
        return head
