"""The quick way for plain heads takes nothing the full parser would refuse, and reads it the same."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.fields import FieldLines
from seawall.server.head import HeadParser
from seawall.server.limits import Limits
from seawall.server.plain import HeadMemory
from seawall.server.refusal import Refused

FIELDS = ("method", "target", "headers", "host", "length", "expects", "keep_alive", "http10")

START = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"POST /a?b=c HTTP/1.1",
        b"GET //evil HTTP/1.1",
        b"GET http://a/ HTTP/1.1",
        b"GET /a\\b HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET / HTTP/1.0",
        b"GET  / HTTP/1.1",
        b"get / HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"BREW / HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET /\xe9 HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET /\x00 HTTP/1.1",
        b"",
    ]
)
LINE = st.one_of(
    st.sampled_from(
        [
            b"Host: a",
            b"Host: a:80",
            b"Host:",
            b"Host: a b",
            b"host: [::1]:8080",
            b"Host: a/b",
            b"Content-Length: 3",
            b"content-length: 03",
            b"Content-Length: +3",
            b"Content-Length: 3, 3",
            b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked",
            b"Connection: keep-alive",
            b"Connection: close",
            b"Connection: x-a",
            b"Expect: 100-continue",
            b"Accept: */*",
            b"Accept:*/* ",
            b"accept: \t*/*",
            b"User-Agent: x",
            b"X-A: \xe9",
            b"X-A: a\x00b",
            b"X-A : b",
            b" folded",
            b"no colon",
            b": empty",
            b"X_A: 1",
            b"X-A: a\rb",
            b"X-A: a\nb",
            b"X-A:",
        ]
    ),
    st.binary(max_size=12),
)


def full(raw: bytes) -> dict[str, object] | None:
    """Return what the full parser reads, or None where it refuses."""
    head = HeadParser(Limits(), HeadMemory())
    try:
        head.parse(raw + b"\r\n\r\n")
    except Refused:
        return None
    return {name: getattr(head, name) for name in FIELDS}


@given(st.lists(st.tuples(START, st.lists(LINE, max_size=5), st.booleans()), min_size=1, max_size=4))
def test_a_plain_head_is_read_as_the_full_parser_reads_it(heads: list[tuple[bytes, list[bytes], bool]]) -> None:
    """One connection, several heads, so that the second meets what was remembered of the first."""
    head = HeadParser(Limits(), HeadMemory())
    for start, lines, hosted in heads:
        raw = b"\r\n".join([start, *([b"Host: a"] if hosted else []), *lines])
        if head.quick(raw):
            assert {name: getattr(head, name) for name in FIELDS} == full(raw)


@pytest.mark.parametrize(
    "raw", [b"GET /a HTTP/1.1\r\nHost: a", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nAccept: */*"]
)
def test_usual_heads_are_plain(raw: bytes) -> None:
    """What nearly every client sends takes the quick way, the first time and again."""
    head = HeadParser(Limits(), HeadMemory())
    assert head.quick(raw)
    assert head.quick(raw)


@pytest.mark.parametrize(
    "extra",
    [
        b"Host: b",
        b"Content-Length: 1\r\nContent-Length: 1",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Connection: close",
    ],
)
def test_what_is_not_plain_is_left_to_the_full_parser(extra: bytes) -> None:
    """Framing, expectations and a second Host."""
    assert not HeadParser(Limits(), HeadMemory()).quick(b"GET / HTTP/1.1\r\nHost: a\r\n" + extra)


def test_limits_hold_on_the_quick_way_too() -> None:
    """Too many lines or too long a body are refused by the full parser, which says so."""
    head = HeadParser(Limits(max_header_count=3, max_body=10), HeadMemory())
    assert not head.quick(b"GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3")
    assert not head.quick(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11")


def test_what_is_remembered_is_bounded_and_holds_no_credentials() -> None:
    """Thousands of different lines, and keys in every place they stand, leave little behind."""
    memory = HeadMemory()
    head = HeadParser(Limits(), memory)
    for number in range(3000):
        assert head.quick(
            b"GET /p%d HTTP/1.1\r\nHost: a\r\nUser-Agent: %d\r\nAuthorization: Bearer s3cret" % (number, number)
        )
        assert head.quick(
            b"GET /?key=s3cret HTTP/1.1\r\nHost: a\r\nCookie: s3cret\r\nX-Api-Key: s3cret\r\nX-Seawall-Key: s3cret"
        )
    assert len(memory.lines.known) <= 512
    assert len(memory.starts) <= 256
    assert b"s3cret" not in b"".join([*memory.lines.known, *memory.starts])


def test_a_line_that_is_too_long_is_judged_but_not_kept() -> None:
    """One client cannot fill the memory with large values."""
    lines = FieldLines()
    assert lines.judge(b"accept: " + b"x" * 300) == (b"accept", b"x" * 300)
    assert not lines.known


def read(head: HeadParser) -> dict[str, object]:
    """Return what a parser holds."""
    return {name: getattr(head, name) for name in FIELDS}


@given(
    st.lists(LINE, max_size=4),
    st.booleans(),
    st.sampled_from([b"Content-Length: %b", b"content-length: %b", b"Content-Length:%b", b"X-Length: %b"]),
    st.lists(st.sampled_from([b"5", b"7", b"10", b"x", b"", b"+", b"1\r\nA:1", b"9999999"]), min_size=2, max_size=5),
    st.integers(0, 4),
    st.binary(max_size=4),
)
def test_a_repeated_head_is_read_as_the_full_parser_reads_it(
    lines: list[bytes], hosted: bool, length: bytes, digits: list[bytes], place: int, body: bytes
) -> None:
    """Whatever differs between two heads of one connection: it is noticed, or it is the length and is read anew."""
    head = HeadParser(Limits(), HeadMemory())
    for one in digits:
        written = [*lines[:place], length % one, *lines[place:]]
        raw = b"\r\n".join([b"POST /a HTTP/1.1", *([b"Host: a"] if hosted else []), *written]).split(b"\r\n\r\n")[0]
        end = head.again(raw + b"\r\n\r\n" + body)
        if end:
            assert end == len(raw) + 4
            assert read(head) == full(raw)
        elif head.quick(raw):
            assert read(head) == full(raw)


def test_a_repeated_head_shares_its_memory_and_leaves_earlier_requests_alone() -> None:
    """Only the length is another; the headers that a request under way holds do not change under it."""
    head = HeadParser(Limits(), HeadMemory())
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nAccept: */*\r\n\r\n"
    assert head.again(raw % 12) == 0
    assert head.quick((raw % 12)[:-4])
    memory, before = head.memory, head.headers
    assert head.again(raw % 34 + b"x" * 34) == len(raw % 34)
    assert (head.length, dict(head.headers)[b"content-length"], dict(before)[b"content-length"]) == (34, b"34", b"12")
    assert head.memory is memory
    assert head.again(raw.replace(b"*/*", b"a/b") % 34) == 0
    assert head.quick((raw.replace(b"*/*", b"a/b") % 34)[:-4])
    assert head.memory is not memory


@pytest.mark.parametrize(
    "between", [b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close", b"GET / HTTP/1.1\r\nHost: b\r\nHost: c"]
)
def test_a_head_before_another_one_is_not_taken_for_the_latest(between: bytes) -> None:
    """What the full parser took, or broke off at, has written over the fields."""
    head = HeadParser(Limits(), HeadMemory())
    raw = b"GET / HTTP/1.1\r\nHost: a"
    assert head.quick(raw)
    assert head.again(raw + b"\r\n\r\n")
    assert not head.quick(between)
    assert not head.again(raw + b"\r\n\r\n")
    with suppress(Refused):
        head.parse(between + b"\r\n\r\n")
    assert head.memory is None
    assert not head.again(raw + b"\r\n\r\n")


def test_a_repeated_head_has_the_same_limit_on_its_body() -> None:
    """A longer body than is taken is left to the full parser, which says so."""
    head = HeadParser(Limits(max_body=50), HeadMemory())
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d"
    assert head.quick(raw % 50)
    assert not head.again(raw % 51 + b"\r\n\r\n")


def test_a_client_whose_heads_all_differ_is_remembered_now_and_then() -> None:
    """It does not pay for being remembered each time, and when it begins to repeat itself that is soon noticed."""
    head = HeadParser(Limits(), HeadMemory())
    raw = b"GET / HTTP/1.1\r\nHost: a\r\nX-Id: %d"
    kept = 0
    for number in range(100):
        assert not head.again(raw % number + b"\r\n\r\n")
        assert head.quick(raw % number)
        kept += head.memory is not None
    assert kept < 25
    for _ in range(9):
        if head.again(raw % 0 + b"\r\n\r\n"):
            break
        assert head.quick(raw % 0)
    assert head.again(raw % 0 + b"\r\n\r\n")
