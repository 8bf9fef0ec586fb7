"""A request head: bytes in, checked fields out (RFC 9112 sections 2 to 6, strictly).

llhttp tokenizes the header lines and is strict about line ends, folding, control bytes and names. What it lets
through is checked here: spaces in the request line, targets, versions, Host, transfer codings, trailing blanks.
Framing is decided here alone; llhttp never sees a body.

Plain heads are taken by `plain.PlainHead.quick` at a third of the cost; whatever that leaves comes here.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from seawall.contracts.body import Headers
from seawall.server.limits import Limits
from seawall.server.plain import SPECIAL, HeadMemory, PlainHead, valid_host
from seawall.server.refusal import Refused

__all__ = ["HeadParser", "broken_lines", "checked_host", "checked_target"]


class HeadParser(PlainHead):
    """Parses one head after another of one connection; the fields hold the latest."""

    __slots__ = ("_parser", "_special")

    def __init__(self, limits: Limits, memory: HeadMemory) -> None:
        super().__init__(limits, memory)
        self._parser = HttpRequestParser(self)
        self._special: Headers = []

    def forget(self) -> None:
        """Parse no more: the parser refers back to its callbacks."""
        self._parser = None  # type: ignore[assignment]  # gone; nothing parses any more

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools for each header line."""
        name = name.lower()
        if name in SPECIAL:
            self._special.append((name, value))
        self.headers.append((name, value))

    def parse(self, raw: bytes) -> None:
        """Take one head, from its request line to and with its empty line.

        Raises:
            Refused: it breaks a rule; the connection cannot be used any more.
        """
        self.headers = []
        self._before = b""
        self.memory = None
        self._special.clear()
        try:
            self._parser.feed_data(raw)
        except HttpParserUpgrade:
            self._parser = HttpRequestParser(self)  # RFC 9110 section 7.8: a server may ignore Upgrade
        except HttpParserError as error:
            raise self._reason(raw) from error
        headers = self.headers
        if not 65 <= raw[0] <= 90:  # llhttp skips a CR or LF before the method; all it knows begin with A to Z
            raise Refused(400, "the request line must begin with the method")
        # The request line, one line per header and the empty line: llhttp and we saw the same lines.
        if raw.count(b"\r\n") != len(headers) + 2:
            raise Refused(400, "the header lines are malformed")
        if len(headers) > self._limits.max_header_count:
            raise Refused(431, f"at most {self._limits.max_header_count} header lines are allowed")
        if b" \r\n" in raw or b"\t" in raw:  # llhttp keeps blanks behind a value
            self.headers = [(name, value.rstrip(b" \t")) for name, value in headers]
            self._special = [(name, value.rstrip(b" \t")) for name, value in self._special]
        self._request_line(raw[: raw.find(b"\r\n")])
        self._framing()

    def _request_line(self, line: bytes) -> None:
        parts = line.split(b" ")  # RFC 9112 section 3: exactly one space each
        if len(parts) != 3:
            raise Refused(400, "the request line must be: method, target and version with one space between")
        self.method, target, version = parts
        if version == b"HTTP/1.1":
            self.http10 = False
        elif version == b"HTTP/1.0":
            self.http10 = True
        else:
            raise Refused(505, "only HTTP/1.1 and HTTP/1.0 are served")
        self.target = checked_target(self.method, target)

    def _framing(self) -> None:
        special = self._special
        self.length = 0
        self.expects = False
        self.keep_alive = not self.http10
        if len(special) == 1 and special[0][0] == b"host":
            if special[0][1] != self.host or not self.host:
                self.host = checked_host(special[0][1])
            return
        host = length = coding = None
        for name, value in special:
            if name == b"connection":
                self._connection(value)
            elif name == b"host":
                host = _only(host, value)
            elif name == b"content-length":
                length = _only(length, value)
            elif name == b"transfer-encoding":
                coding = _only(coding, value)
            else:
                self._expect(value)
        if host is None:
            raise Refused(400, "exactly one Host is required")
        if host != self.host or not host:  # the same name again needs no second look
            self.host = checked_host(host)
        if coding is not None:
            self._chunked(coding, length)
        elif length is not None:
            self._counted(length)

    def _connection(self, value: bytes) -> None:
        if value == b"keep-alive" and not self.http10:
            return
        options = [option.strip() for option in value.lower().split(b",")]
        if b"close" in options:
            self.keep_alive = False
        elif self.http10 and b"keep-alive" in options:
            self.keep_alive = True

    def _expect(self, value: bytes) -> None:
        if self.http10:
            return  # RFC 9110 section 10.1.1: ignored from HTTP/1.0 clients
        if value.lower() != b"100-continue":
            raise Refused(417, "only the expectation 100-continue is known")
        self.expects = True

    def _chunked(self, coding: bytes, length: bytes | None) -> None:
        if length is not None:  # RFC 9112 section 6.1: the classic smuggling pair
            raise Refused(400, "Content-Length and Transfer-Encoding exclude each other")
        if self.http10:
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding")
        if not coding:  # httptools 0.8 lets it pass, 0.9 does not
            raise Refused(400, "Transfer-Encoding names no coding")
        if coding.lower() != b"chunked":
            raise Refused(501, "the only transfer coding served is chunked")
        self.length = None
        self._parser = HttpRequestParser(self)  # the old one waits for a body it will not see

    def _counted(self, length: bytes) -> None:
        if not length.isdigit():
            raise Refused(400, "Content-Length must be digits")
        self.length = int(length)
        if self.length > self._limits.max_body:
            raise Refused(413, f"at most {self._limits.max_body} bytes are taken")
        if self.length:
            self._parser = HttpRequestParser(self)
        else:
            self.expects = False

    def _reason(self, raw: bytes) -> Refused:
        if broken_lines(raw):
            return Refused(400, "a line must end with CR LF and hold no CR, LF or NUL")
        parts = raw[: raw.find(b"\r\n")].split(b" ")
        if len(parts) == 3:
            version = parts[2]
            if version.startswith(b"HTTP/") and version not in (b"HTTP/1.1", b"HTTP/1.0"):
                return Refused(505, "only HTTP/1.1 and HTTP/1.0 are served")
            codings = [value for name, value in self._special if name == b"transfer-encoding"]
            lengths = [name for name, _ in self._special if name == b"content-length"]
            if len(codings) == 1 and not lengths and not codings[0].lower().endswith(b"chunked"):
                return Refused(501, "the only transfer coding served is chunked")
            if not self.headers and parts[0].isalpha() and parts[0].isupper() and parts[0] not in _KNOWN:
                return Refused(501, "this method is not known")
        return Refused(400, "the request is not valid HTTP/1.1")


_KNOWN = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE"))


def broken_lines(raw: bytes) -> bool:
    """Whether a head, or the beginning of one, holds a bare LF, a NUL, or a CR that is not followed by LF."""
    ends = raw.count(b"\r\n")
    returns = raw.count(b"\r") - raw.endswith(b"\r")
    return raw.count(b"\n") != ends or returns != ends or b"\0" in raw


def checked_target(method: bytes, target: bytes) -> bytes:
    """Return a target in origin-form, or `b"*"` (security 1).

    Raises:
        Refused: it is in another form, could be read as another authority, or the method is not served.
    """
    if method == b"CONNECT" or method == b"TRACE":
        raise Refused(405, "CONNECT and TRACE are not served")
    if not target.startswith(b"/"):
        if target != b"*" or method != b"OPTIONS":
            raise Refused(400, "the target must be in origin-form: it starts with one slash")
    elif target.startswith(b"//") or b"\\" in target or b"#" in target:
        raise Refused(400, "the target must start with exactly one slash and hold no backslash and no fragment")
    return target


def _only(seen: bytes | None, value: bytes) -> bytes:
    if seen is not None:
        raise Refused(400, "Host, Content-Length and Transfer-Encoding may stand only once")
    return value


def checked_host(host: bytes) -> bytes:
    """Return `host` when it is `uri-host [":" port]` (RFC 9110 section 7.2) and not empty.

    Raises:
        Refused: it is not.
    """
    if not valid_host(host):
        raise Refused(400, "Host is not a valid host and port")
    return host
