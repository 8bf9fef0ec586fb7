"""Arithmetic of deadlines: callers' hints and the limit of a body."""

from collections.abc import Iterable

from seawall.contracts.call import Call
from seawall.contracts.reply import Reply

__all__ = ["body_limit", "hinted"]

# https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: TimeoutValue is 1 to 8 digits, then a unit
_GRPC_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_GRPC_DIGITS = 8
_LONGEST = 16


def hinted(headers: Iterable[tuple[bytes, bytes]], deadline: float, now: float) -> float:
    """Return the deadline after the caller's hints, which can only shorten it (semantics 1.6).

    `X-Request-Timeout` is seconds (`2`, `0.5`), `grpc-timeout` digits and a unit (`500m`). Anything else, zero
    included, is ignored; of several the shortest counts.

    Args:
        headers: of the request, names lower case.
        deadline: absolute, as configured.
        now: when the call arrived, same clock.
    """
    for name, value in headers:
        if name == b"x-request-timeout":
            seconds = _seconds(value)
        elif name == b"grpc-timeout":
            seconds = _grpc(value)
        else:
            continue
        if seconds > 0 and now + seconds < deadline:
            deadline = now + seconds
    return deadline


def body_limit(call: Call, reply: Reply) -> float:
    """Return until when a reply's body may be read: `stream_timeout` takes the deadline's place for a stream."""
    return call.run.started + call.timeouts.stream if reply.streamed else call.deadline


def _seconds(value: bytes) -> float:
    # float() alone also takes "inf", "1e9", "1_0" and blanks
    whole, _, fraction = value.partition(b".")
    if len(value) <= _LONGEST and whole.isdigit() and (fraction.isdigit() or whole == value):
        return float(value)
    return 0.0


def _grpc(value: bytes) -> float:
    digits, unit = value[:-1], value[-1:]
    if 1 <= len(digits) <= _GRPC_DIGITS and digits.isdigit() and unit in _GRPC_UNITS:
        return int(digits) * _GRPC_UNITS[unit]
    return 0.0
