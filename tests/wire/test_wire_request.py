"""What is written for a call: request line, headers, framing."""

import pytest
from wire_kit import make_attempt, make_target

from seawall.contracts.call import Attempt
from seawall.wire.invalid import InvalidRequest
from seawall.wire.request import RequestWriter


def head(method=b"GET", path=b"/v1?x=1", headers=(), body=b"", length=0, absolute=False, more=(), **target):
    """Return the head of a call to `http://api.test:80/base`."""
    target = make_target(**{"host": "api.test", "base": b"/base"} | target)
    attempt = make_attempt(target, method, path, headers, body, length, more=more)
    return RequestWriter(target, absolute).head(attempt)


class Endless:
    """Stands for a Source."""


@pytest.mark.parametrize(
    ("given", "framing"),
    [
        ({}, b""),
        ({"method": b"HEAD"}, b""),
        ({"method": b"DELETE"}, b""),
        ({"method": b"POST"}, b"content-length: 0\r\n"),
        ({"method": b"PUT"}, b"content-length: 0\r\n"),
        ({"method": b"PATCH"}, b"content-length: 0\r\n"),
        ({"body": b"abc"}, b"content-length: 3\r\n"),
        ({"body": Endless(), "length": 7}, b"content-length: 7\r\n"),
        ({"body": Endless(), "length": None}, b"transfer-encoding: chunked\r\n"),
    ],
)
def test_framing_is_what_the_body_needs(given, framing):
    """RFC 9110 section 8.6 and RFC 9112 section 6."""
    method = given.get("method", b"GET")
    assert head(**given) == b"%b /base/v1?x=1 HTTP/1.1\r\nhost: api.test\r\n%b\r\n" % (method, framing)


def test_host_comes_first_then_the_calls_headers_then_the_attempts():
    """Order and repetition are kept."""
    text = head(headers=[(b"x-a", b"1"), (b"x-a", b"2")], more=[(b"traceparent", b"00")], port=8080)
    assert text == (b"GET /base/v1?x=1 HTTP/1.1\r\nhost: api.test:8080\r\nx-a: 1\r\nx-a: 2\r\ntraceparent: 00\r\n\r\n")


def test_a_forward_proxy_gets_the_absolute_form():
    """RFC 9112 section 3.2.2."""
    assert head(absolute=True).startswith(b"GET http://api.test/base/v1?x=1 HTTP/1.1\r\nhost: api.test\r\n")


@pytest.mark.parametrize("bad", [b"\r\nx: y", b"\n", b"\r", b"\0", b"a\r\n\r\nGET / HTTP/1.1"])
@pytest.mark.parametrize("place", ["value", "name", "path", "attempt"])
@pytest.mark.parametrize("body", [b"", b"abc"])
def test_line_ends_and_nul_are_refused_wherever_they_stand(bad, place, body):
    """One request in, one request out."""
    given = {
        "value": {"headers": [(b"x", b"a" + bad)]},
        "name": {"headers": [(b"x" + bad, b"a")]},
        "path": {"path": b"/" + bad},
        "attempt": {"more": [(b"x", bad)]},
    }[place]
    with pytest.raises(InvalidRequest):
        head(body=body, **given)


def test_a_blank_in_the_path_is_refused():
    """It would end the request target."""
    with pytest.raises(InvalidRequest):
        head(path=b"/a HTTP/1.1")


@pytest.mark.parametrize("name", [b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade"])
def test_framing_from_outside_is_refused(name):
    """Security 6: framing is rebuilt, never copied; a forgotten one must show itself."""
    with pytest.raises(InvalidRequest) as caught:
        head(headers=[(name, b"5")])
    assert (caught.value.status_hint, caught.value.kind, caught.value.sent) == (400, "", False)


def test_lines_that_are_ready_are_taken_while_the_headers_are_those() -> None:
    """The same request either way; headers that were changed since are written anew, and judged."""
    target = make_target()
    attempt = make_attempt(target, headers=[(b"accept", b"*/*"), (b"x-a", b"1")])
    plain = RequestWriter(target).head(attempt)
    attempt.call.ready = (attempt.call.headers, b"accept: */*\r\nx-a: 1\r\n", 2, attempt.call.path)
    ready = RequestWriter(target).head(attempt)
    assert ready == plain
    attempt.call.headers.append((b"x-b", b"3"))
    assert RequestWriter(target).head(attempt) == plain.replace(b"x-a: 1\r\n", b"x-a: 1\r\nx-b: 3\r\n")
    attempt.call.headers[2] = (b"x-b", b"3\r\nc: 3")
    with pytest.raises(InvalidRequest):
        RequestWriter(target).head(attempt)
    attempt.call.headers = [(b"b", b"2")]
    assert b"accept" not in RequestWriter(target).head(attempt)
    attempt.call.headers = [(b"b", b"2\r\nc: 3")]
    with pytest.raises(InvalidRequest):
        RequestWriter(target).head(attempt)


def test_what_an_attempt_adds_to_ready_lines_is_judged() -> None:
    """As is the path."""
    target = make_target()
    attempt = make_attempt(target, headers=[(b"accept", b"*/*")], more=[(b"traceparent", b"x\r\nevil: 1")])
    attempt.call.ready = (attempt.call.headers, b"accept: */*\r\n", 1, attempt.call.path)
    with pytest.raises(InvalidRequest):
        RequestWriter(target).head(attempt)
    attempt = make_attempt(target, headers=[(b"accept", b"*/*")])
    attempt.call.ready = (attempt.call.headers, b"accept: */*\r\n", 1, attempt.call.path)
    attempt.call.path = b"/a\r\nevil: 1"
    with pytest.raises(InvalidRequest):
        RequestWriter(target).head(attempt)


def test_lines_of_an_attempt_that_were_judged_are_written_as_they_are() -> None:
    """They are the same as pairs, and stand behind the call's."""
    target = make_target()
    call = make_attempt(target, headers=[(b"accept", b"*/*")]).call
    attempt = Attempt(call, 1, None, 1e12, b"traceparent: 00\r\nx-key: a: b\r\n")
    assert RequestWriter(target).head(attempt).endswith(b"accept: */*\r\ntraceparent: 00\r\nx-key: a: b\r\n\r\n")
    assert attempt.headers == [(b"traceparent", b"00"), (b"x-key", b"a: b")]
