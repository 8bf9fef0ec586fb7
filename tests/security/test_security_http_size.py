"""Security 8: sizes are bounded before anything is kept, and counted while it streams."""

import pytest

from http_raw import Rig, parse_answers, read_all, running, talk
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import virtual

LIMITS = Limits(max_body=1000, max_header=2000, max_header_count=20)


async def size(request) -> Reply:
    """Answer with the size of the body."""
    return Reply(200, [], b"%d" % len(await read_all(request)))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n" * 1,
            None,
        ),
        (b"GET /" + b"a" * 2000, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 2000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20 + b"\r\n", 431),
    ],
)
@virtual
async def test_what_is_too_large_is_refused_before_it_has_arrived(raw: bytes, status: int | None):
    """From the declared size, or at the first byte over it."""
    rig = Rig(size, LIMITS)
    await rig.feed(raw)
    assert rig.statuses() == ([] if status is None else [status])
    await rig.leave()


@virtual
async def test_many_small_chunks_are_counted_together():
    """No single one is too large."""
    rig = Rig(size, LIMITS)
    await rig.feed(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10):
        await rig.feed(b"64\r\n" + b"x" * 100 + b"\r\n")
    assert rig.statuses() == []
    await rig.feed(b"1\r\n")
    assert rig.statuses() == [413]
    await rig.leave()


@virtual
async def test_what_is_just_small_enough_is_served():
    """The bounds themselves are allowed."""
    rig = Rig(size, LIMITS)
    await rig.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    await rig.feed(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 19 + b"\r\n")
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
    await rig.feed(head.replace(b"X: ", b"X: " + b"y" * (2000 - len(head))))
    assert rig.statuses() == [200, 200, 200]
    await rig.feed(head.replace(b"X: ", b"X: " + b"y" * (2001 - len(head))))
    assert rig.statuses() == [200, 200, 200, 431]
    await rig.leave()


@virtual
async def test_a_chunked_body_costs_no_more_than_its_bytes():
    """Extensions and trailers are bounded, so that framing alone cannot be sent for ever."""
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for endless in (b"1;" + b"x" * 300, b"0\r\n" + b"X: y\r\n" * 800):
        rig = Rig(size, LIMITS)
        await rig.feed(chunked, endless)
        assert rig.statuses() == [400]
        await rig.leave()


async def test_a_client_that_sends_too_much_can_read_why():
    """The answer is not lost to a reset while megabytes are on their way."""
    async with running(size, LIMITS) as (_, port):
        raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
        assert parse_answers(await talk(port, raw))[0].status == 413
