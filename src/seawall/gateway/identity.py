"""Who a request is: its id and its trace."""

from collections.abc import Callable

from seawall.gateway.headers import Seen
from seawall.gateway.trace import Trace, parse_traceparent, parse_tracestate

__all__ = ["new_id", "request_id_of", "trace_of"]

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
