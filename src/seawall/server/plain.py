"""Plain heads, quickly: most requests are plain and their lines were seen before.

What is unusual or wrong is left to `head.HeadParser`, which also says what is wrong.
"""

from seawall.contracts.body import Headers
from seawall.contracts.fields import VISIBLE, FieldLines
from seawall.contracts.request import Memory
from seawall.server.limits import Limits

__all__ = ["SPECIAL", "HeadMemory", "PlainHead", "valid_host"]

_PLAIN = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
_STARTS = 256
# Heads in a row that were not like the one before, until only each so many-th is kept to be compared with the next.
_PATIENCE = 8
# As nearly every client writes it; any other spelling is judged like any line.
LENGTHS = (b"Content-Length: ", b"content-length: ")
_LENGTH_LINES = tuple(b"\r\n" + name for name in LENGTHS)
_TARGET = VISIBLE.replace(b"\\", b"").replace(b"#", b"")
SPECIAL = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"))
_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;="
_LITERAL = b"abcdefABCDEF0123456789:."


class HeadMemory:
    """What the connections of one server have seen of good heads, bounded."""

    __slots__ = ("lines", "starts")

    def __init__(self) -> None:
        self.lines = FieldLines()
        self.starts: dict[bytes, tuple[bytes, bytes]] = {}

    def start(self, line: bytes) -> tuple[bytes, bytes] | None:
        """Return method and target of a plain HTTP/1.1 request line, or None."""
        parts = line.split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or parts[0] not in _PLAIN:
            return None
        method, target, _ = parts
        if not target.startswith(b"/") or target.startswith(b"//") or target.translate(None, _TARGET):
            return None
        if b"?" not in target and len(line) <= 256:  # a query may hold a key, and seldom comes twice
            if len(self.starts) >= _STARTS:
                self.starts.clear()
            self.starts[line] = (method, target)
        return method, target


class PlainHead:
    """One head after another of one connection; the fields hold the latest.

    Attributes:
        method: upper case.
        target: origin-form as sent, or `b"*"`.
        headers: all header lines, names lower case.
        host: value of Host.
        length: of the body; None when it is chunked.
        expects: the client waits for `100 Continue`.
        keep_alive: the client wants the connection kept (RFC 9112 section 9.3).
        http10: the client speaks HTTP/1.0.
        memory: stays the same while only the digits of Content-Length differ from head to head; None for a head that
            is not plain.
    """

    __slots__ = (
        "_after", "_before", "_digits", "_digits_at", "_digits_end", "_host_line", "_host_pair", "_limits", "_memory",
        "_misses", "_place", "_sized", "expects", "headers", "host", "http10", "keep_alive", "length", "memory",
        "method", "target",
    )  # fmt: skip

    def __init__(self, limits: Limits, memory: HeadMemory) -> None:
        self._limits = limits
        self._memory = memory
        self._host_line = b""
        self._host_pair = (b"host", b"")
        self._sized = False
        self._before = self._after = self._digits = b""  # the latest plain head; none where `_before` is empty
        self._digits_at = self._digits_end = self._place = self._misses = 0
        self.memory: Memory | None = None
        self.headers: Headers = []
        self.method = self.target = self.host = b""
        self.length: int | None = 0
        self.expects = self.http10 = False
        self.keep_alive = True

    def again(self, data: bytes) -> int:
        """Return where the head ends if it is the one before, but for the digits of Content-Length; else 0.

        Clients send the same head over one connection again and again. Everything but those digits was judged.
        """
        if not self._before or not data.startswith(self._before) or not data.startswith(self._after, self._digits_end):
            return 0
        digits = data[self._digits_at : self._digits_end]
        if digits != self._digits:
            if not digits.isdigit() or int(digits) > self._limits.max_body:
                return 0
            self.length = int(digits)
            self._digits = digits
            self.headers = self.headers.copy()  # requests under way have the old one
            self.headers[self._place] = (b"content-length", digits)
        self._misses = 0
        return self._digits_end + len(self._after)

    def _remember(self, raw: bytes) -> None:
        """Keep a plain head for `again`."""
        at = raw.find(_LENGTH_LINES[0])
        if at < 0:
            at = raw.find(_LENGTH_LINES[1])
        if at >= 0:
            self._place = raw.count(b"\r\n", 0, at)
            at += len(_LENGTH_LINES[0])
            end = raw.find(b"\r\n", at)
            end = len(raw) if end < 0 else end
        elif self._sized:  # spelled in another way
            self._before = b""
            return
        else:
            at = end = len(raw)
        self._digits_at, self._digits_end = at, end
        self._before, self._digits, self._after = raw[:at], raw[at:end], raw[end:] + b"\r\n\r\n"

    def quick(self, raw: bytes) -> bool:
        """Take a plain head, without its last line end and its empty line; False leaves everything to `parse`.

        Plain is: HTTP/1.1, a usual method, at most one Content-Length, one Host, no other framing, no expectation.
        """
        self._before = b""  # what follows writes over the head before
        lines = raw.split(b"\r\n")
        memory = self._memory
        start = memory.starts.get(lines[0]) or memory.start(lines[0])
        if start is None or len(lines) > self._limits.max_header_count:
            return False
        del lines[0]
        known = memory.lines.known
        self.host, self.length, self._sized = b"", 0, False
        headers: Headers = []
        for line in lines:
            pair = known.get(line) or self._fresh(line)
            if pair is None:
                return False
            headers.append(pair)
        if not self.host or self.length > self._limits.max_body:
            return False
        self.method, self.target = start
        self.headers = headers
        self.keep_alive = True
        self.expects = self.http10 = False
        self._misses += 1
        if self._misses <= _PATIENCE or not self._misses % _PATIENCE:
            self.memory = Memory()
            self._remember(raw)
        else:  # a client whose heads all differ is not to pay for those that repeat theirs
            self.memory = None
        return True

    def _fresh(self, line: bytes) -> tuple[bytes, bytes] | None:
        """Return name and value of a line that is not known, or None where the head is not plain."""
        if line == self._host_line:
            pair = self._host_pair
            if self.host:
                return None
            self.host = pair[1]
            return pair
        if line.startswith(LENGTHS) and not self._sized:
            digits = line[16:]
            if not digits.isdigit() or len(digits) > 15:  # more digits are no length that anybody takes
                return None
            self.length, self._sized = int(digits), True
            return (b"content-length", digits)
        lines = self._memory.lines
        fresh = lines.judge(line)
        if fresh is None or fresh[0] not in SPECIAL:
            return fresh
        name, value = fresh
        if name == b"content-length":
            if self._sized or not value.isdigit() or len(value) > 15:
                return None
            self.length, self._sized = int(value), True
        elif name == b"host":
            if self.host or not valid_host(value):
                return None
            self.host = value
            self._host_line, self._host_pair = line, fresh
        elif name == b"connection" and value == b"keep-alive":
            lines.keep(line, fresh)
        else:
            return None
        return fresh


def valid_host(host: bytes) -> bool:
    """Whether `host` is `uri-host [":" port]` (RFC 9110 section 7.2) and not empty."""
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        good = bracket == b"]" and name and not name.translate(None, _LITERAL) and port[:1] in (b"", b":")
        port = port[1:]
    else:
        name, _, port = host.partition(b":")
        good = name and not name.translate(None, _HOST)
    return bool(good) and (not port or port.isdigit())
