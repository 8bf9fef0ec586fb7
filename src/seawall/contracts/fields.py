"""Header lines that were judged before: clients and upstreams repeat themselves, so the same line is judged once."""

from itertools import chain
from operator import itemgetter

from seawall.contracts.body import Headers

__all__ = ["FRAMING", "VISIBLE", "FieldLines", "broken", "injected", "rendered"]

# What whoever writes a request adds itself: nobody else may give it
FRAMING = frozenset((
    b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection", b"upgrade",
))  # fmt: skip

# RFC 9110 section 5.6.2: what a field name is made of
TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# RFC 9110 section 5.5: what a field value is made of; no CR, LF, NUL or other control
VALUE = bytes(byte for byte in range(256) if byte == 9 or (byte >= 0x20 and byte != 0x7F))
VISIBLE = bytes(range(0x21, 0x7F))

# Names whose values stay the same from message to message. Credentials are left out: they are not kept anywhere.
_LASTING = frozenset((
    b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"accept-ranges",
    b"access-control-allow-origin", b"access-control-expose-headers", b"anthropic-version", b"cache-control",
    b"content-encoding", b"content-language", b"content-type", b"date", b"openai-version", b"pragma", b"server",
    b"strict-transport-security", b"user-agent", b"vary", b"via", b"x-content-type-options", b"x-frame-options",
    b"x-powered-by", b"x-stainless-arch", b"x-stainless-async", b"x-stainless-lang", b"x-stainless-os",
    b"x-stainless-package-version", b"x-stainless-retry-count", b"x-stainless-runtime",
    b"x-stainless-runtime-version",
))  # fmt: skip
_LONGEST = 256
_MOST = 512


_field = b": ".join
_flat = b"".join
_parts = chain.from_iterable
_lines = b"\r\n".join
_name = itemgetter(0)


def rendered(headers: Headers) -> bytes | None:
    """Return header lines, each with its line end, or None where one must not be written: framing, CR, LF or NUL."""
    if not headers or not FRAMING.isdisjoint(map(_name, headers)):
        return b"" if not headers else None
    return None if injected(headers) else _lines(map(_field, headers)) + b"\r\n"


def broken(text: bytes) -> bool:
    """Whether a text holds CR, LF or NUL, each of which would end a line or a message early."""
    return 10 in text or 13 in text or 0 in text  # numbers: a search for bytes first fails to read them as one


def injected(headers: Headers) -> bool:
    """Whether a name or a value of these headers is broken."""
    return broken(_flat(_parts(headers)))


class FieldLines:
    """A bounded memory of good lines; when it is full it forgets everything and begins again.

    Attributes:
        known: line without its end to (name in lower case, value). Read it directly; `judge` fills it.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[bytes, bytes]] = {}

    def judge(self, line: bytes) -> tuple[bytes, bytes] | None:
        """Return name and value of a line, or None where it breaks a rule (RFC 9112 section 5).

        A blank before the colon, a folded line and a bare CR or LF break one.
        """
        name, colon, value = line.partition(b":")
        if not colon or not name or name.translate(None, TOKEN):
            return None
        value = value.strip(b" \t")
        if value.translate(None, VALUE):
            return None
        name = name.lower()
        pair = (name, value)
        if name in _LASTING and len(line) <= _LONGEST:
            self.keep(line, pair)
        return pair

    def keep(self, line: bytes, pair: tuple[bytes, bytes]) -> None:
        """Remember a line."""
        if len(self.known) >= _MOST:
            self.known.clear()
        self.known[line] = pair
