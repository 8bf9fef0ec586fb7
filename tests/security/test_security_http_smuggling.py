"""Security 6: a request means one thing only; what could be read in two ways is refused and the connection closed."""

import pytest

from http_raw import AFTER, parse_answers, running, talk
from seawall.contracts.reply import Reply

_POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
_HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

ATTACKS = {
    "CL.TE": _POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "TE.CL": _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n",
    "CL.0": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 33\r\n\r\n" + _HIDDEN,
    "TE.TE with a space before the colon": _POST + b"Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc",
    "TE.TE with another coding": _POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE identity, chunked": _POST + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE twice": _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE folded": _POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE with a vertical tab": _POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE hidden behind a bare LF": _POST + b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE hidden behind a bare CR": _POST + b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "TE in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    "two lengths": _POST + b"Content-Length: 0\r\nContent-Length: 33\r\n\r\n" + _HIDDEN,
    "the same length twice": _POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + _HIDDEN,
    "a list of lengths": _POST + b"Content-Length: 0, 33\r\n\r\n" + _HIDDEN,
    "length with a sign": _POST + b"Content-Length: +0\r\n\r\n" + _HIDDEN,
    "length with an underscore": _POST + b"Content-Length: 3_3\r\n\r\n" + _HIDDEN,
    "length with a NUL": _POST + b"Content-Length: 0\x0033\r\n\r\n" + _HIDDEN,
    "chunk size with a sign": _POST + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + _HIDDEN,
    "chunk size with 0x": _POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + _HIDDEN,
    "chunk size that wraps": _POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + _HIDDEN,
    "chunk line with a bare LF": _POST + b"Transfer-Encoding: chunked\r\n\r\n0\n\n" + _HIDDEN,
    "chunk data with a bare LF": _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n" + _HIDDEN,
    "chunk extension with a bare LF": _POST + b"Transfer-Encoding: chunked\r\n\r\n1;\n2d\r\na\r\n0\r\n\r\n" + _HIDDEN,
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + _HIDDEN,
    "no Host": b"GET / HTTP/1.1\r\n\r\n" + _HIDDEN,
    "Host with a comma list": b"GET / HTTP/1.1\r\nHost: a\r\n ,b\r\n\r\n" + _HIDDEN,
    "name with a NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n" + _HIDDEN,
    "line without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nGET /x HTTP/1.1\r\n\r\n" + _HIDDEN,
    "bare LF ends the head": b"GET / HTTP/1.1\r\nHost: a\n\n" + _HIDDEN,
}


class Witness:
    """A handler that notes every target it is asked for."""

    def __init__(self):
        self.targets = []

    async def __call__(self, request):
        self.targets.append(request.target)
        body = request.body
        while not isinstance(body, bytes) and await body.read():
            pass
        return Reply(200, [])


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_served(name: str):
    """One answer, an error, and the connection ends; the request hidden behind it never reaches a handler."""
    witness = Witness()
    async with running(witness) as (_, port):
        answers = parse_answers(await talk(port, ATTACKS[name] + AFTER))
    assert [answer.status in (400, 501) for answer in answers] == [True]
    assert b"/hidden" not in witness.targets
    assert b"/after" not in witness.targets


async def test_a_body_is_never_taken_for_a_request():
    """A request inside a body stays a body; the one behind it is served."""
    witness = Witness()
    raw = _POST + b"Content-Length: %d\r\n\r\n" % len(_HIDDEN) + _HIDDEN
    raw += _POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(_HIDDEN), _HIDDEN)
    async with running(witness) as (_, port):
        answers = parse_answers(await talk(port, raw + AFTER))
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert witness.targets == [b"/", b"/", b"/after"]


async def test_a_body_nobody_read_is_never_taken_for_a_request():
    """The connection ends with the early answer."""

    async def early(_):
        return Reply(401, [])

    async with running(early) as (_, port):
        raw = _POST + b"Content-Length: 70000\r\n\r\n" + _HIDDEN * 10
        answers = parse_answers(await talk(port, raw))
    assert [answer.status for answer in answers] == [401]
    assert answers[0].headers[b"connection"] == b"close"
