"""Interim answers a handler passes on: written at once, in order, and never behind the answer they announce."""

import pytest
from http_calls import GET, OLD_KEPT, Held

from http_raw import Rig, turns
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.server.render import InvalidReply, early
from seawall.testing import virtual

HINT = [(b"link", b"</a>")]


class Hints(Held):
    """A handler that keeps its requests and waits."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Reply:
        """Wait."""
        self.requests.append(request)
        return await super().__call__(request)


@virtual
async def test_it_is_written_before_the_answer_and_nothing_is_behind_it():
    """What comes late, when the next request is under way, is nobody's."""
    held = Hints()
    rig = Rig(held)
    await rig.feed(GET + GET)
    first = held.requests[0]
    tell = first.interim
    assert tell is not None
    tell(103, HINT)
    assert rig.transport.written == b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    held.release.set_result(None)
    await turns(20)
    assert first.interim is None
    assert rig.transport.written.count(b"HTTP/1.1 200") == 2
    await rig.leave()


@virtual
async def test_who_lags_behind_or_has_left_does_without():
    """It is not worth memory."""
    held = Hints()
    rig = Rig(held)
    await rig.feed(GET)
    tell = held.requests[0].interim
    assert tell is not None
    rig.connection.pause_writing()
    tell(103, HINT)
    rig.connection.resume_writing()
    await rig.leave()
    tell(103, HINT)
    assert rig.transport.written == b""


@virtual
async def test_http_1_0_has_none():
    """RFC 9110 section 15.2."""
    held = Hints()
    rig = Rig(held)
    await rig.feed(OLD_KEPT)
    assert held.requests[0].interim is None
    held.release.set_result(None)
    await turns()
    await rig.leave()


def test_without_headers_it_is_a_line_and_an_empty_one():
    """Nothing is put in, not even Date."""
    assert early(102, []) == b"HTTP/1.1 102 Processing\r\n\r\n"
    assert early(103, [(b"date", b"x")]) == b"HTTP/1.1 103 Early Hints\r\ndate: x\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (100, []), (101, []), (200, []), (103, [(b"a", b"b\r\nc: d")]), (103, [(b"a", b"b\n")]), (103, [(b"a", b"\0")]),
        (103, [(b"content-length", b"1")]), (103, [(b"date", b"x"), (b"transfer-encoding", b"chunked")]),
    ],
)  # fmt: skip
def test_what_would_break_the_framing_is_refused(status: int, headers: list[tuple[bytes, bytes]]):
    """As in an answer."""
    with pytest.raises(InvalidReply):
        early(status, headers)
