"""Which answers a request may be given: its URI, whose they are, and which variant (RFC 9111 sections 2 and 4.1)."""

from collections.abc import Iterable
from hashlib import blake2b

from seawall.contracts.body import Headers
from seawall.contracts.call import Call

__all__ = ["Asked", "Reader", "variant", "vary_names"]

# How many header names a reader remembers the meaning of; clients choose names, so there must be an end.
_REMEMBERED = 1024
_DIGEST = 16

# Names with one of these words between dashes carry a credential. Guessed wide: a header that is taken for one by
# mistake keeps answers apart, one that is not taken for one gives a caller another's answer.
_CREDENTIAL_WORDS = frozenset((
    b"authorization", b"authentication", b"auth", b"cookie", b"key", b"apikey", b"token", b"secret", b"session",
    b"sessionid", b"credential", b"credentials", b"password", b"signature", b"jwt", b"user", b"userid", b"username",
    b"tenant", b"account", b"assertion", b"principal", b"identity",
))  # fmt: skip
_NO_CREDENTIAL = frozenset((b"idempotency-key", b"x-idempotency-key", b"user-agent", b"x-user-agent"))

_PLAIN, _CREDENTIAL, _ORIGIN, _OTHER = 0, 1, 2, 3
# Slots of `Asked` a header is put into.
_FIELDS = {
    b"cache-control": "cache_control",
    b"pragma": "pragma",
    b"range": "range",
    b"if-range": "if_range",
    b"if-none-match": "if_none_match",
    b"if-modified-since": "if_modified_since",
    b"if-match": "precondition",
    b"if-unmodified-since": "precondition",
}
Meaning = int | str


class Asked:
    """What a request asks of a cache.

    Attributes:
        cache_control, pragma, range, if_range, if_none_match, if_modified_since: as sent, several lines joined.
        precondition: If-Match or If-Unmodified-Since, which only the origin may judge (RFC 9111 section 4.3.2).
        authorized: it carries the client's own Authorization.
        scope: whose answers it may be given: a fingerprint of its credentials and of the Host it was sent to.
        conditional: whether it carries If-None-Match or If-Modified-Since.
    """

    __slots__ = (
        "authorized", "cache_control", "if_modified_since", "if_none_match", "if_range", "pragma", "precondition",
        "range", "scope",
    )  # fmt: skip

    def __init__(self) -> None:
        self.cache_control: bytes | None = None
        self.pragma: bytes | None = None
        self.range: bytes | None = None
        self.if_range: bytes | None = None
        self.if_none_match: bytes | None = None
        self.if_modified_since: bytes | None = None
        self.precondition: bytes | None = None
        self.authorized = False
        self.scope = b""

    @property
    def conditional(self) -> bool:
        """Whether it carries If-None-Match or If-Modified-Since."""
        return self.if_none_match is not None or self.if_modified_since is not None


class Reader:
    """Reads requests of one upstream or route.

    Args:
        upstream: name from settings.
        added: names of headers the gateway itself puts in; they are the same for everybody.
        by_caller: answers are each caller's own.
    """

    __slots__ = ("_by_caller", "_known", "_meanings", "prefix")

    def __init__(self, upstream: str, added: Iterable[bytes], by_caller: bool) -> None:
        self.prefix = upstream.encode() + b"\0"
        self._by_caller = by_caller
        self._known: dict[bytes, Meaning] = {
            **_FIELDS,
            b"x-forwarded-host": _ORIGIN,  # an upstream may build links with them, so they are part of the key
            b"x-forwarded-proto": _ORIGIN,
            **dict.fromkeys(added, _PLAIN),
        }
        self._meanings = dict(self._known)

    def uri(self, path: bytes) -> bytes:
        """Return the key of a raw path with its query, whose order is kept."""
        return self.prefix + path

    def read(self, call: Call) -> Asked:
        """Return what a call asks for, in one pass over its headers."""
        asked = Asked()
        scope = b""
        credentials: list[bytes] | None = None
        meanings = self._meanings
        for name, value in call.headers:
            meaning = meanings.get(name)
            if meaning is None:
                meaning = self._learn(name)
            if meaning == _PLAIN:
                continue
            if meaning == _ORIGIN:
                scope += value + b" "
            elif meaning == _CREDENTIAL:
                if name == b"authorization":
                    asked.authorized = True
                if credentials is None:
                    credentials = [name, value]
                else:
                    credentials += (name, value)
            else:
                before = getattr(asked, meaning)  # type: ignore[arg-type] # what is no number is a slot's name
                setattr(asked, meaning, value if before is None else before + b", " + value)  # type: ignore[arg-type] # as above
        if self._by_caller:
            credentials = [b"caller", call.caller.encode(), *(credentials or ())]
        asked.scope = scope if credentials is None else _digest([scope, *credentials])
        return asked

    def _learn(self, name: bytes) -> Meaning:
        plain = name in _NO_CREDENTIAL or name[:4] == b"sec-"  # what a browser sets itself, such as Sec-Fetch-User
        secret = not plain and not _CREDENTIAL_WORDS.isdisjoint(name.split(b"-"))
        meanings = self._meanings
        if len(meanings) >= _REMEMBERED:
            meanings = self._meanings = dict(self._known)
        meaning = meanings[name] = _CREDENTIAL if secret else _PLAIN
        return meaning


def vary_names(headers: Headers) -> tuple[bytes, ...] | None:
    """Return the header names an answer varies by, sorted; None where `*` is among them (RFC 9111 section 4.1)."""
    names: set[bytes] = set()
    for key, value in headers:
        if key == b"vary":
            names.update(name.strip(b" \t") for name in value.lower().split(b","))
    names.discard(b"")
    return None if b"*" in names else tuple(sorted(names))


def variant(names: tuple[bytes, ...], headers: Headers) -> bytes:
    """Return a digest of what a request says in the headers an answer varies by; `b""` where it varies by none.

    A digest, so that no header value is kept, and no list of keys shows one.
    """
    if not names:
        return b""
    parts: list[bytes] = []
    for name in names:
        values = [value for key, value in headers if key == name]
        # a header that is absent matches only one that is absent, not an empty one
        parts.append(b"+" + _normal(name, b",".join(values)) if values else b"-")
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> bytes:
    total = blake2b(digest_size=_DIGEST)
    for part in parts:
        total.update(b"%d:" % len(part))  # lengths, so that no part can pass for two
        total.update(part)
    return total.digest()


_NEGOTIATED = frozenset((b"accept", b"accept-language", b"accept-encoding", b"accept-charset"))
_EXACT = frozenset((b"authorization", b"cookie", b"user-agent", b"referer", b"origin", b"if-range"))


def _normal(name: bytes, value: bytes) -> bytes:
    """Return a value in the form in which values that mean the same are the same (RFC 9111 section 4.1)."""
    if name in _EXACT or b'"' in value:
        return value
    parts = [part.strip(b" \t") for part in value.split(b",")]
    if name in _NEGOTIATED:
        return b",".join(sorted(filter(None, map(_preference, parts))))
    return b",".join(parts)


def _preference(part: bytes) -> bytes:
    """Return one member of a negotiation field: case does not count, nor blanks, nor the way a weight is written."""
    pieces = [piece.strip(b" \t") for piece in part.split(b";")]
    kept = [pieces[0].lower()]
    for piece in pieces[1:]:
        key, _, weight = piece.partition(b"=")
        if key.strip().lower() == b"q":
            weight = weight.strip().rstrip(b"0").rstrip(b".") if b"." in weight else weight.strip()
            if weight != b"1":
                kept.append(b"q=" + weight)
        elif piece:
            kept.append(piece)
    return b";".join(kept)
