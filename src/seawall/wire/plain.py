"""Plain answers, quickly: a head whose lines were seen before, with the whole body of known length behind it.

Anything else is left to httptools and `parser.AnswerParser`, which also say what is wrong.
"""

from seawall.contracts.body import Headers
from seawall.contracts.fields import VALUE, FieldLines, rendered
from seawall.contracts.reply import Reply

__all__ = ["PlainAnswers"]

_STARTS = 64
_HEADS = 64
_HEAD = 16384
# As nearly every server writes it; any other spelling is judged like any line.
_LENGTHS = (b"Content-Length: ", b"content-length: ")
_Parsed = tuple[int, Headers, int, bytes | None]  # status, headers, length of the body, and the headers' lines
_NOT_PLAIN: _Parsed = (0, [], -1, None)
_IGNORED = frozenset((b"Connection: keep-alive", b"connection: keep-alive", b"Connection: Keep-Alive"))
# Framing but for Content-Length, and what asks for something of the connection: not plain.
_UNUSUAL = frozenset((
    b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade",
))  # fmt: skip


class PlainAnswers:
    """What the connections to one target have seen of good answers, bounded.

    Args:
        most: bytes of a body that is handed over whole.
        fields: header lines of a head.
    """

    __slots__ = ("_fields", "_heads", "_lines", "_most", "_starts")

    def __init__(self, most: int, fields: int) -> None:
        self._most = most
        self._fields = fields
        self._lines = FieldLines()
        self._starts: dict[bytes, int] = {}
        self._heads: dict[bytes, _Parsed] = {}

    def take(self, data: bytes) -> Reply | None:
        """Return the reply when `data` is one plain answer and nothing else, or None.

        Plain is: HTTP/1.1, a status that has a body, exactly one Content-Length, no other framing, all of the body
        here and not a byte more. It must not be the answer to HEAD.
        """
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > _HEAD:
            return None
        head = data[:end]
        status, headers, length, block = self._heads.get(head) or self._parse(head)
        if length != len(data) - end - 4 or length > self._most:
            return None
        own = headers.copy()
        reply = Reply(status, own, data[end + 4 :], None if length else 0)
        if block is not None:
            reply.ready = (own, block, len(own))
        return reply

    def _parse(self, head: bytes) -> _Parsed:
        """Return status, headers and length of a plain head, or a length below 0."""
        lines = head.split(b"\r\n")
        status = self._starts.get(lines[0]) or self._start(lines[0])
        if not status or len(lines) > self._fields:
            return _NOT_PLAIN
        del lines[0]
        known = self._lines.known
        headers: Headers = []
        length = -1
        lasting = True  # every line is one that is kept; no other is, least of all a cookie
        for line in lines:
            pair = known.get(line)
            if pair is None:
                if line in _IGNORED:
                    continue
                if line.startswith(_LENGTHS) and length < 0:
                    digits = line[16:]
                    if not digits.isdigit() or len(digits) > 9:
                        return _NOT_PLAIN
                    length = int(digits)
                    continue
                lasting = False
                pair = self._lines.judge(line)
                if pair is None or pair[0] in _UNUSUAL:
                    return _NOT_PLAIN
                if pair[0] == b"content-length":
                    if length >= 0 or not pair[1].isdigit() or len(pair[1]) > 9:
                        return _NOT_PLAIN
                    length = int(pair[1])
                    continue
            headers.append(pair)
        parsed: _Parsed = (status, headers, length, None)
        if lasting:  # the lines are written once more than needed, the first time, and then never again
            dated = any(pair[0] == b"date" for pair in headers)
            parsed = (status, headers, length, rendered(headers) if dated else None)
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[head] = parsed
        return parsed

    def _start(self, line: bytes) -> int:
        """Return the status of a plain status line (RFC 9112 section 4), or 0."""
        digits = line[9:12]
        if not line.startswith(b"HTTP/1.1 ") or not digits.isdigit() or line[12:13] not in (b"", b" "):
            return 0
        status = int(digits)
        if not 200 <= status < 600 or status in (204, 304) or len(line) > 64 or line.translate(None, VALUE):
            return 0
        if len(self._starts) >= _STARTS:
            self._starts.clear()
        self._starts[line] = status
        return status
