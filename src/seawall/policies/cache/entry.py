"""A kept answer: frozen, with everything a later request needs computed once."""

from dataclasses import dataclass

from seawall.contracts.body import Headers

__all__ = ["Entry", "cost"]

# Bytes of an entry beside its headers and body, and of each header: objects, pointers, the two strings' own heads.
_ENTRY = 480
_HEADER = 140


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A complete answer to GET.

    Attributes:
        status: of the answer.
        headers: as kept: without Age, framing, hop-by-hop and hidden ones; with Date.
        body: whole.
        names: the request headers it varies by.
        variant: what the request said in them.
        born: monotonic seconds at which its age was 0 (RFC 9111 section 4.2.3).
        lifetime: seconds from then for which it is fresh.
        fresh_until: monotonic seconds; minus infinity where it needs validation every time.
        no_cache: it needs validation every time.
        never_stale: it must not be given stale (RFC 9111 section 4.2.4).
        shared_age: s-maxage was the reason of that.
        swr, sie: seconds past its freshness in which it may be given while it is refreshed, or while that fails.
        asked_swr: its response, or the settings, ask for stale-while-revalidate.
        etag, last_modified: validators as received, or None.
        modified: what If-Modified-Since is compared with, seconds since the epoch, or None.
        stored: when it was kept, seconds since the epoch.
        size: bytes it is accounted with.
    """

    status: int
    headers: Headers
    body: bytes
    names: tuple[bytes, ...]
    variant: bytes
    born: float
    lifetime: float
    fresh_until: float
    no_cache: bool
    never_stale: bool
    shared_age: bool
    swr: float
    sie: float
    asked_swr: bool
    etag: bytes | None
    last_modified: bytes | None
    modified: float | None
    stored: float
    size: int

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of `name`, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def cost(headers: Headers, length: int) -> int:
    """Return the bytes an entry with these headers and a body of `length` takes."""
    return _ENTRY + length + sum([len(name) + len(value) + _HEADER for name, value in headers])
