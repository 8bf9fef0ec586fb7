"""Conditional requests, both ways: asked upstream, answered to clients (RFC 9111 section 4.3, RFC 9110 section 13)."""

from seawall.contracts.body import Headers
from seawall.policies.cache.dates import parse_date
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import Asked

__all__ = ["freshened", "head_agrees", "not_modified", "selects", "tags", "unconditional", "validating", "weak_match"]

_CONDITIONS = frozenset((
    b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range", b"range",
))  # fmt: skip
# A 304 does not change these: they say how the kept bytes are to be read (RFC 9111 section 3.2).
_FRAMING = frozenset((b"content-length", b"content-encoding", b"content-range", b"transfer-encoding"))


def unconditional(headers: Headers) -> Headers:
    """Return request headers without conditions and ranges."""
    return [pair for pair in headers if pair[0] not in _CONDITIONS]


def validating(headers: Headers, entry: Entry, asked: Asked) -> Headers:
    """Return request headers that ask whether `entry` is still good (section 4.3.1).

    A client's own entity tags are asked about in the same request, so that what it has can be confirmed as well.
    """
    out = unconditional(headers)
    known = [] if entry.etag is None else [entry.etag]
    if asked.if_none_match is not None:
        known += [tag for tag in tags(asked.if_none_match) if tag != b"*" and tag not in known]
    if known:
        out.append((b"if-none-match", b", ".join(known)))
    if entry.last_modified is not None:
        out.append((b"if-modified-since", entry.last_modified))
    return out


def selects(entry: Entry, headers: Headers, alone: bool) -> bool:
    """Whether a 304 with these headers is about `entry` (section 4.3.4): its validators are the entry's.

    Many origins send none with it; what was asked about is then what is meant, where nothing else was.

    Args:
        entry: that was asked about.
        headers: of the 304.
        alone: nothing else was asked about.
    """
    etag = last_modified = None
    for name, value in headers:
        if name == b"etag":
            etag = value
        elif name == b"last-modified":
            last_modified = value
    if etag is not None:
        return entry.etag is not None and weak_match(etag, entry.etag)
    if not alone:
        return False
    return last_modified is None or entry.last_modified is None or last_modified == entry.last_modified


def freshened(entry: Entry, headers: Headers) -> Headers:
    """Return the entry's headers with those of a 304 or of an answer to HEAD in their place (section 3.2)."""
    new = [pair for pair in headers if pair[0] not in _FRAMING]
    names = {name for name, _ in new}
    # without a Date of its own the new message was made now: the kept one would age it
    stays = names | {b"date"}
    return [pair for pair in entry.headers if pair[0] not in stays] + new


def head_agrees(entry: Entry, headers: Headers, length: int | None) -> bool:
    """Whether an answer to HEAD is about the same representation (section 4.3.5)."""
    if length is not None and length != len(entry.body):
        return False
    for name, value in headers:
        if name == b"etag" and value != entry.etag:
            return False
        if name == b"last-modified" and value != entry.last_modified:
            return False
    return True


def not_modified(asked: Asked, entry: Entry, wall: float) -> bool:
    """Whether a client that asks so has the same already (section 4.3.2); only what would be 2xx is compared."""
    if not 200 <= entry.status < 300:
        return False
    if asked.if_none_match is not None:
        # RFC 9110 section 13.1.3: beside it If-Modified-Since does not count
        etag = entry.etag
        return any(tag == b"*" or (etag is not None and weak_match(tag, etag)) for tag in tags(asked.if_none_match))
    if asked.if_modified_since is None or entry.modified is None:
        return False
    since = parse_date(asked.if_modified_since, wall)
    return since is not None and entry.modified <= since


def weak_match(one: bytes, other: bytes) -> bool:
    """Whether two entity tags are the same but for being weak (RFC 9110 section 8.8.3.2)."""
    return one.removeprefix(b"W/") == other.removeprefix(b"W/")


def tags(value: bytes) -> list[bytes]:
    """Return the entity tags of If-None-Match; commas inside quotes separate nothing."""
    return [part for part in (piece.strip(b" \t") for piece in _split(value)) if part]


def _split(value: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    start, quoted = 0, False
    for at, byte in enumerate(value):
        if byte == 0x22:  # an entity tag has no escapes
            quoted = not quoted
        elif byte == 0x2C and not quoted:
            pieces.append(value[start:at])
            start = at + 1
    pieces.append(value[start:])
    return pieces
