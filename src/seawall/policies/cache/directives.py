"""Cache directives of requests and responses, read so that what is odd makes a response staler and never fresher.

Source: RFC 9111 sections 4.2.1 and 5.2, RFC 5861, RFC 9213.
"""

from collections.abc import Iterator, Sequence

import http_sf

from seawall.contracts.body import Headers

__all__ = ["LONGEST", "Asks", "Directives", "delta", "members", "request_directives", "response_directives"]

LONGEST = 1 << 31  # RFC 9111 section 1.2.2: larger ones count as this
_DIGITS = 10


class Directives:
    """What a response says.

    Attributes:
        no_store, no_cache, private, public, must_revalidate, proxy_revalidate, must_understand: as in section 5.2.2;
            `no_cache` and `private` without field names.
        max_age, s_maxage: seconds, 0 where invalid, None where absent; of several the smallest.
        swr, sie: seconds of stale-while-revalidate and stale-if-error (RFC 5861), None where absent.
        hidden: names in the qualified forms of no-cache and private: those headers are not kept.
        targeted: they come from a targeted field, so that Expires does not count (RFC 9213 section 2.2).
    """

    __slots__ = (
        "hidden", "max_age", "must_revalidate", "must_understand", "no_cache", "no_store", "private",
        "proxy_revalidate", "public", "s_maxage", "sie", "swr", "targeted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.no_store = self.no_cache = self.private = self.public = False
        self.must_revalidate = self.proxy_revalidate = self.must_understand = self.targeted = False
        self.max_age: int | None = None
        self.s_maxage: int | None = None
        self.swr: int | None = None
        self.sie: int | None = None
        self.hidden: frozenset[bytes] = frozenset()

    @property
    def never_stale(self) -> bool:
        """Whether a stale answer must not be given whatever happens (RFC 9111 sections 4.2.4 and 5.2.2.10)."""
        return self.must_revalidate or self.proxy_revalidate or self.no_cache or self.s_maxage is not None

    def take(self, name: bytes, value: bytes | None) -> None:
        """Count one directive; `value` is None where it has none."""
        flag = _FLAGS.get(name)
        if flag is not None:
            setattr(self, flag, True)
            return
        seconds = _SECONDS.get(name)
        if seconds is not None:
            known = getattr(self, seconds)
            given = delta(value)
            setattr(self, seconds, given if known is None or given < known else known)
        elif name in (b"no-cache", b"private"):
            # RFC 9111 section 5.2.2.4: the list ought to be quoted, but a bare name is one as well
            names = frozenset(part for part in (value or b"").lower().replace(b",", b" ").split() if part)
            if names:
                self.hidden |= names
            elif name == b"no-cache":
                self.no_cache = True
            else:
                self.private = True


_FLAGS = {
    b"no-store": "no_store",
    b"public": "public",
    b"must-revalidate": "must_revalidate",
    b"proxy-revalidate": "proxy_revalidate",
    b"must-understand": "must_understand",
}
_SECONDS = {
    b"max-age": "max_age",
    b"s-maxage": "s_maxage",
    b"stale-while-revalidate": "swr",
    b"stale-if-error": "sie",
}


class Asks:
    """What a request says: RFC 9111 section 5.2.1 and RFC 5861 section 4.

    Attributes:
        no_cache, no_store, only_if_cached: as in the RFC.
        max_age, min_fresh, max_stale, stale_if_error: seconds or None; an invalid number is 0.
    """

    __slots__ = ("max_age", "max_stale", "min_fresh", "no_cache", "no_store", "only_if_cached", "stale_if_error")

    def __init__(self) -> None:
        self.no_cache = self.no_store = self.only_if_cached = False
        self.max_age: int | None = None
        self.min_fresh: int | None = None
        self.max_stale: int | None = None
        self.stale_if_error: int | None = None


def members(value: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield each directive with its value; names lower case, a quoted value without its quotes.

    Blanks around `=` are no part of the grammar; they are left in the value, so that no number comes of it.
    """
    for part in value.split(b",") if b'"' not in value else _quoted_parts(value):
        name, equals, given = part.strip(b" \t").partition(b"=")
        bare = name.rstrip(b" \t").lower()
        if not bare:
            continue
        if not equals:
            yield bare, None
            continue
        if given[:1] == b'"':
            given = _unquoted(given)
        yield bare, given if len(bare) == len(name) else b" " + given


def _quoted_parts(value: bytes) -> Iterator[bytes]:
    start, quoted, escaped = 0, False, False
    for at, byte in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and byte == 0x5C:
            escaped = True
        elif byte == 0x22:
            quoted = not quoted
        elif byte == 0x2C and not quoted:
            yield value[start:at]
            start = at + 1
    yield value[start:]


def _unquoted(given: bytes) -> bytes:
    """Return what stands between quotes; what is not closed or goes on behind them stays as it is, and invalid."""
    inner = given[1:-1]
    if len(given) < 2 or given[-1:] != b'"' or b'"' in inner.replace(b'\\"', b""):
        return given
    return inner.replace(b'\\"', b'"').replace(b"\\\\", b"\\") if b"\\" in inner else inner


def delta(value: bytes | None) -> int:
    """Return delta-seconds (RFC 9111 section 1.2.2), saturated at 2^31; 0, and so stale, for anything else."""
    if value is None or not value.isdigit():
        return 0
    short = value.lstrip(b"0")
    return LONGEST if len(short) > _DIGITS else min(int(short or b"0"), LONGEST)


def response_directives(headers: Headers, targeted: Sequence[bytes]) -> Directives:
    """Return what a response says.

    Args:
        headers: of the response.
        targeted: names of the fields that go before Cache-Control, in order; the first valid one that is not empty
            is all that counts (RFC 9213 section 2.2).
    """
    for name in targeted:
        value = b", ".join([found for key, found in headers if key == name])
        found = _structured(value) if value else None
        if found is not None:
            return found
    said = Directives()
    for key, value in headers:
        if key == b"cache-control":
            for name, given in members(value):
                said.take(name, given)
    return said


def _structured(value: bytes) -> Directives | None:
    """Return the directives of a targeted field, or None where it is no structured field or empty."""
    try:
        parsed = http_sf.parse(value, tltype="dictionary")
    except ValueError:
        return None
    if not parsed or not isinstance(parsed, dict):
        return None
    said = Directives()
    said.targeted = True
    for key, member in parsed.items():
        item = member[0] if isinstance(member, tuple) else member  # its parameters say nothing to a cache
        name = key.encode("ascii")
        if item is False:
            continue
        if isinstance(item, int) and item is not True:
            said.take(name, b"%d" % item)
        elif name in _SECONDS:
            said.take(name, b"")  # of another type than an integer: no number
        else:
            said.take(name, item.encode("latin-1", "replace") if isinstance(item, str) else None)
    return said


def request_directives(cache_control: bytes | None, pragma: bytes | None) -> Asks:
    """Return what a request says.

    Args:
        cache_control: its Cache-Control lines joined with commas, or None.
        pragma: its Pragma; `no-cache` there counts where there is no Cache-Control (RFC 9111 section 5.4).
    """
    asks = Asks()
    if cache_control is None:
        asks.no_cache = pragma is not None and b"no-cache" in [name for name, _ in members(pragma)]
        return asks
    for name, given in members(cache_control):
        if name == b"no-cache":
            asks.no_cache = True
        elif name == b"no-store":
            asks.no_store = True
        elif name == b"only-if-cached":
            asks.only_if_cached = True
        elif name == b"max-age":
            asks.max_age = _least(asks.max_age, delta(given))
        elif name == b"min-fresh":
            asks.min_fresh = max(asks.min_fresh or 0, delta(given))
        elif name == b"max-stale":
            asks.max_stale = _least(asks.max_stale, LONGEST if given is None else delta(given))
        elif name == b"stale-if-error":
            asks.stale_if_error = _least(asks.stale_if_error, delta(given))
    return asks


def _least(known: int | None, given: int) -> int:
    return given if known is None else min(known, given)
