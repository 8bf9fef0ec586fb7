"""The same table under uvicorn with the ASGI form: what ASGI lets our app check, it checks alike."""

from collections.abc import Iterator

import pytest
from http_cases import CASES, Case
from http_peers import talk_blocking, uvicorn_with_our_app

from http_raw import AFTER, parse_answers

_PARSED = "uvicorn has parsed the request line before the app sees it"
_CHUNK = "uvicorn decodes chunks before the app sees them"
_VERSION = "uvicorn answers any version llhttp takes"

# Served there, refused by our own server. Nothing else may be.
LAXER = {
    "HTTP/1.0 with chunks": "uvicorn passes the header on, and llhttp has decoded the body",
    "bare CR before the request line": _PARSED,
    "bare LF before the request line": _PARSED,
    "endless chunk extension": _CHUNK,
    "absolute-form": "uvicorn hands over the path alone (security 6 names it)",
    "fragment": _PARSED,
    "two spaces behind the method": _PARSED,
    "two spaces behind the target": _PARSED,
    "HTTP/0.9 with a version": _VERSION,
    "HTTP/2.0": _VERSION,
    "another protocol": _VERSION,
    "request line longer than allowed": "uvicorn bounds a head only while it is incomplete",
}
# Refused there before our app is asked.
STRICTER = {
    "trailer that looks like framing": "llhttp takes the trailer for a second framing",
}
# Served by both, with another body.
OTHERWISE = {
    "Upgrade with a body": "uvicorn drops the body when it ignores an Upgrade",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run one uvicorn for all rows."""
    with uvicorn_with_our_app() as port:
        yield port


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_asgi_form_under_uvicorn_agrees_or_the_difference_has_a_reason(port: int, case: Case):
    """Served or refused alike; a served one has the same body, so the app understood the same request."""
    answers = [a for a in parse_answers(talk_blocking(port, case.raw + AFTER), case.methods) if a.status >= 200]
    served_there = bool(answers) and answers[0].status < 400
    served_here = case.statuses[0] < 400
    if served_here and served_there:
        if case.bodies is not None and case.name not in OTHERWISE:
            assert [answer.body for answer in answers][: len(case.bodies)] == list(case.bodies)
        assert case.name not in STRICTER
    elif served_here == served_there:
        assert case.name not in LAXER, "no difference any more: take the row out"
    else:
        assert case.name in (LAXER if served_there else STRICTER)
