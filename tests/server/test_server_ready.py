"""Lines of an answer that were judged before are taken as they are, and whatever came after is judged."""

import pytest

from seawall.contracts.body import Headers
from seawall.contracts.fields import rendered
from seawall.contracts.reply import Reply
from seawall.server.render import DateLine, InvalidReply, whole

KNOWN: Headers = [(b"server", b"x"), (b"date", b"Wed, 25 Nov 2026 12:00:00 GMT")]


def written(headers: Headers, ready: tuple[Headers, bytes, int] | None) -> bytes:
    """Return an answer's bytes."""
    reply = Reply(200, headers, b"ok")
    reply.ready = ready
    return whole(reply, b"ok", False, False, False, DateLine(float))


def made(*more: tuple[bytes, bytes]) -> tuple[Headers, tuple[Headers, bytes, int]]:
    """Return headers and what is ready of them."""
    headers = [*KNOWN, *more]
    lines = rendered(KNOWN)
    assert lines is not None
    return headers, (headers, lines, len(KNOWN))


@pytest.mark.parametrize("more", [(), ((b"via", b"1.1 seawall"),), ((b"a", b"1"), (b"b", b"2"))])
def test_what_is_ready_is_written_as_it_would_be_anyway(more: tuple[tuple[bytes, bytes], ...]) -> None:
    """Byte for byte, with whatever follows it."""
    headers, ready = made(*more)
    assert written(headers, ready) == written(headers, None)


@pytest.mark.parametrize(
    "more",
    [(b"x", b"a\r\nb: c"), (b"x", b"\0"), (b"x\n", b""), (b"content-length", b"7"), (b"connection", b"close"),
     (b"date", b"now"), (b"transfer-encoding", b"chunked")],
)  # fmt: skip
def test_what_follows_is_judged(more: tuple[bytes, bytes]) -> None:
    """Injected lines, framing and a second Date are refused as ever."""
    headers, ready = made(more)
    with pytest.raises(InvalidReply):
        written(headers, ready)


def test_another_list_is_written_anew() -> None:
    """Whoever gives a reply other headers need not know that lines were ready."""
    _, ready = made()
    assert written([(b"a", b"1")], ready) == written([(b"a", b"1")], None)


@pytest.mark.parametrize("headers", [[(b"host", b"a")], [(b"upgrade", b"h2c")], [(b"a", b"\r")], [(b"a\0", b"")]])
def test_what_must_not_be_written_is_never_ready(headers: Headers) -> None:
    """Framing, CR, LF and NUL."""
    assert rendered(headers) is None
    assert rendered([]) == b""
