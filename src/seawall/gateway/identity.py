"""Who a request is: its id, its trace and the address it came from."""

from collections.abc import Callable

from seawall.gateway.headers import Seen
from seawall.gateway.trace import Trace, parse_traceparent, parse_tracestate

__all__ = ["client_address", "new_id", "request_id_of", "trace_of"]

_ID = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"
_LONGEST_ID = 128


def request_id_of(sent: bytes | None) -> str:
    """Return the client's X-Request-Id where it is safe to copy into headers and logs, else nothing."""
    if sent is not None and 0 < len(sent) <= _LONGEST_ID and not sent.translate(None, _ID):
        return sent.decode("ascii")
    return ""


def trace_of(seen: Seen) -> tuple[Trace | None, bytes | None]:
    """Return the trace a client's call belongs to and the tracestate to pass on.

    Without one valid `traceparent` there is none: each call starts a trace of its own, without a parent, and
    `tracestate` is dropped (W3C Trace Context section 2.3).
    """
    if seen.traceparent is not None:
        trace = parse_traceparent(seen.traceparent)
        if trace is not None:
            return trace, None if seen.tracestate is None else parse_tracestate(seen.tracestate)
    return None, None


def new_id(random_bits: Callable[[int], int]) -> str:
    """Return 128 random bits in hex, never all zero."""
    return (random_bits(128) or 1).to_bytes(16).hex()


def client_address(peer: str, forwarded_for: bytes | None, trusted_hops: int) -> str:
    """Return the client's address.

    Args:
        peer: who opened the connection.
        forwarded_for: X-Forwarded-For as received, all lines joined.
        trusted_hops: how many proxies in front may be believed; each appended the address it saw, so the client
            stands that many places from the right. Fewer places than hops: the leftmost is believed.
    """
    if not trusted_hops or forwarded_for is None:
        return peer
    places = [part.strip().decode("latin-1") for part in forwarded_for.split(b",")]
    return places[-trusted_hops] if trusted_hops <= len(places) else places[0]
