"""What can go wrong with one answer: each a function that returns a program of bytes, pauses and an end."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from seawall.testing.exchange import Action, Answer, End, Exchange, Fault

__all__ = [
    "cut",
    "drip",
    "early_close",
    "fin",
    "garbage",
    "good",
    "hang",
    "hang_in_body",
    "interim",
    "late",
    "on_reuse",
    "raw",
    "reset",
    "reset_in_body",
    "short_body",
    "status",
    "with_headers",
    "wrong_length",
]

# How long bytes have to reach the peer before a reset, which may overtake what was not read yet.
SETTLE = 0.02


def good() -> Fault:
    """No fault."""
    return lambda exchange: (exchange.answer.wire(exchange.method),)


def hang() -> Fault:
    """Never answer."""
    return lambda _: (End.HANG,)


def reset() -> Fault:
    """Reset before a byte of the answer."""
    return lambda _: (End.RESET,)


def fin() -> Fault:
    """Close before a byte of the answer."""
    return lambda _: (End.FIN,)


def cut(after: int, end: End = End.FIN) -> Fault:
    """End after `after` bytes of the whole answer, status line and headers included."""

    def program(exchange: Exchange) -> Iterator[Action]:
        yield exchange.answer.wire(exchange.method)[:after]
        if end is not End.FIN:
            yield SETTLE
        yield end

    return program


def _in_body(end: End, share: float) -> Fault:
    def program(exchange: Exchange) -> Iterable[Action]:
        sent = len(exchange.answer.head()) + int(len(exchange.answer.payload()) * share)
        return cut(sent, end)(exchange)

    return program


def hang_in_body(share: float = 0.5) -> Fault:
    """Send the head and this share of the body, then nothing."""
    return _in_body(End.HANG, share)


def reset_in_body(share: float = 0.5) -> Fault:
    """Send the head and this share of the body, then reset."""
    return _in_body(End.RESET, share)


def short_body(share: float = 0.5) -> Fault:
    """Send the head and this share of the body, then close: fewer bytes than declared."""
    return _in_body(End.FIN, share)


def wrong_length(by: int) -> Fault:
    """Declare `by` bytes more than are sent (fewer if negative) and keep the connection."""
    return lambda exchange: (
        exchange.answer.head(len(exchange.answer.body) + by) + exchange.answer.body,
        End.HANG if by > 0 else End.KEEP,
    )


def garbage(data: bytes = b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n", end: End = End.FIN) -> Fault:
    """Answer with bytes that are no HTTP."""
    return raw(data, end)


def raw(data: bytes, end: End = End.KEEP) -> Fault:
    """Answer with exactly these bytes."""
    return lambda _: (data, end)


def drip(gap: float, size: int = 1) -> Fault:
    """Send the whole answer correctly, but `size` bytes at a time with `gap` seconds between."""

    def program(exchange: Exchange) -> Iterator[Action]:
        wire = exchange.answer.wire(exchange.method)
        for start in range(0, len(wire), size):
            if start:
                yield gap
            yield wire[start : start + size]

    return program


def late(seconds: float, then: Fault | None = None) -> Fault:
    """Wait before the answer, or before another fault."""

    def program(exchange: Exchange) -> Iterator[Action]:
        yield seconds
        yield from (then or good())(exchange)

    return program


def status(code: int, *, retry_after: str | None = None, body: bytes = b"no\n") -> Fault:
    """Answer with another status.

    Args:
        code: 200..599.
        retry_after: the header's value as it stands, seconds or an HTTP-date or anything.
        body: of the answer.
    """
    headers = () if retry_after is None else ((b"retry-after", retry_after.encode("latin-1")),)
    answer = Answer(code, body, headers)
    return lambda exchange: (answer.wire(exchange.method),)


def interim(*codes: int) -> Fault:
    """Send interim answers first (RFC 9110 section 15.2), then the good one."""
    first = b"".join(b"HTTP/1.1 %d Interim\r\nlink: </a.css>\r\n\r\n" % code for code in codes)
    return lambda exchange: (first, exchange.answer.wire(exchange.method))


def early_close(end: End = End.FIN, pause: float = 0.0) -> Fault:
    """Answer well, with keep-alive, and end the connection all the same: the peer holds a stale one."""
    return lambda exchange: (exchange.answer.wire(exchange.method), pause, end)


def on_reuse(fault: Fault) -> Fault:
    """Do `fault` on connections that have answered before; a first request is answered well."""
    return lambda exchange: (fault if exchange.number > 1 else good())(exchange)


def with_headers(*headers: tuple[bytes, bytes]) -> Fault:
    """Answer well, with more headers."""
    return lambda exchange: (replace(exchange.answer, headers=exchange.answer.headers + headers).wire(exchange.method),)
