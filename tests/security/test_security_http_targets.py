"""Security 1, the server's part: a target that could name another authority never reaches a handler."""

import pytest

from http_raw import AFTER, parse_answers, running, talk
from seawall.contracts.reply import Reply

CONFUSING = (
    b"//evil/p", b"///evil", b"http://evil/p", b"HTTP://evil", b"https:evil", b"evil:80", b"evil", b"/\\evil",
    b"\\\\evil", b"/a\\..\\b", b"/a#b", b"#", b"?x", b"*", b"/\x01", b"/\x1f", b"/\x7f", b"/a\0", b"/a\x0bb",
    b"/a\x0cb", b"/a\tb", b"/a b", b"/\xe2\x80\xae", b"@evil", b"/ HTTP/1.1 ",
)  # fmt: skip
KEPT = (
    b"/", b"/a//b", b"/a/../b", b"/%2e%2e/%2F", b"/%5c", b"/%00", b"/%ff", b"/?a=//b/../c", b"/a;b=c",
    b"/~a!$&'()*+,=:@",    b'/?a=[1]|{2}^`"<>', b"/%",
)  # fmt: skip


class Witness:
    """A handler that notes every target it is asked for."""

    def __init__(self):
        self.targets = []

    async def __call__(self, request):
        self.targets.append(request.target)
        return Reply(200, [])


@pytest.mark.parametrize("target", CONFUSING)
async def test_a_confusing_target_is_refused(target: bytes):
    """400, and the connection ends."""
    witness = Witness()
    async with running(witness) as (_, port):
        raw = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        answers = parse_answers(await talk(port, raw + AFTER))
    assert [answer.status for answer in answers] == [400]
    assert witness.targets == []


@pytest.mark.parametrize("target", KEPT)
async def test_a_plain_target_is_handed_on_byte_for_byte(target: bytes):
    """Nothing is decoded, resolved or joined here."""
    witness = Witness()
    async with running(witness) as (_, port):
        raw = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        answers = parse_answers(await talk(port, raw + AFTER))
    assert [answer.status for answer in answers] == [200, 200]
    assert witness.targets[0] == target


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE"])
@pytest.mark.parametrize("target", [b"/", b"evil:443", b"http://evil/"])
async def test_connect_and_trace_are_not_served(method: bytes, target: bytes):
    """Whatever their target is; a tunnel would be none of ours."""
    witness = Witness()
    async with running(witness) as (_, port):
        raw = method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        answers = parse_answers(await talk(port, raw + AFTER))
    assert [answer.status in (400, 405) for answer in answers] == [True]
    assert witness.targets == []
