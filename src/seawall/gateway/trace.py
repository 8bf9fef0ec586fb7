"""W3C Trace Context: what a client sent is checked, and what cannot be trusted starts anew."""

__all__ = ["Trace", "parse_traceparent", "parse_tracestate"]

# (trace id, parent span id, flags), each lower-case hex
Trace = tuple[str, str, str]

_HEX = b"0123456789abcdef"
_MEMBERS = 32
_PRINTABLE = bytes(byte for byte in range(0x20, 0x7F) if byte not in b",=")
_KEY = b"abcdefghijklmnopqrstuvwxyz0123456789_-*/@"


def parse_traceparent(value: bytes) -> Trace | None:
    """Return the three ids of a `traceparent`, or None where it must be ignored.

    A version above 00 is read as far as 00 defines it (W3C Trace Context section 3.2.2.1 and 3.2.4); version ff,
    upper case and all-zero ids are invalid.
    """
    if len(value) < 55 or (len(value) > 55 and (value[:2] == b"00" or value[55:56] != b"-")):
        return None
    if value[2:3] != b"-" or value[35:36] != b"-" or value[52:53] != b"-":
        return None
    version, trace, span, flags = value[:2], value[3:35], value[36:52], value[53:55]
    if (version + trace + span + flags).translate(None, _HEX) or version == b"ff":
        return None
    if trace == b"0" * 32 or span == b"0" * 16:
        return None
    return trace.decode(), span.decode(), flags.decode()


def parse_tracestate(value: bytes) -> bytes | None:
    """Return a `tracestate` to pass on, or None where it breaks the rules of section 3.3.1.

    More than 32 members, a repeated or malformed key, or a value outside printable ASCII discards the whole header.
    """
    members: dict[bytes, bytes] = {}
    for part in value.split(b","):
        member = part.strip(b" \t")
        if not member:
            continue
        key, equals, text = member.partition(b"=")
        if not equals or not _valid_key(key) or not _valid_value(text) or key in members:
            return None
        members[key] = text
    if not members or len(members) > _MEMBERS:
        return None
    return b",".join(b"%b=%b" % pair for pair in members.items())


def _valid_key(key: bytes) -> bool:
    return 0 < len(key) <= 256 and not key.translate(None, _KEY) and key[:1].isalnum()


def _valid_value(text: bytes) -> bool:
    return 0 < len(text) <= 256 and not text.translate(None, _PRINTABLE) and text[-1:] != b" "
