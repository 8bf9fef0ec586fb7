"""Server-sent events: the same events however the bytes are split."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.llm.sse import MOST_HELD, Cutter, Event, events

STREAM = (
    b": a comment\n\n"
    b'data: {"a":"\xc3\xa9\xe2\x82\xac"}\n\n'
    b"event: message_start\ndata: one\ndata: two\n\n"
    b"id: 7\nretry: 10\n\n"
    b"data:bare\n\n"
    b"data\n\n"
    b"data: [DONE]\n\n"
)
SEEN = [
    Event(b"", b'{"a":"\xc3\xa9\xe2\x82\xac"}'),
    Event(b"message_start", b"one\ntwo"),
    Event(b"", b"bare"),
    Event(b"", b""),
    Event(b"", b"[DONE]"),
]


def heard(stream: bytes, cuts: list[int]) -> list[Event]:
    """Feed a stream in pieces and return its events."""
    cutter = Cutter()
    found: list[Event] = []
    edges = [0, *sorted(cuts), len(stream)]
    for begin, end in pairwise(edges):
        found += events(cutter.feed(stream[begin:end]))
    assert cutter.rest().strip(b"\n") == b""
    return found


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_every_split_gives_the_same_events(line_end: bytes, cuts: list[int]):
    """Inside a character, inside a line end, one byte at a time: nothing is lost or doubled."""
    assert heard(STREAM.replace(b"\n", line_end), cuts) == SEEN


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_one_byte_at_a_time_gives_the_same_events(line_end: bytes):
    """The hardest split of all."""
    stream = STREAM.replace(b"\n", line_end)
    assert heard(stream, list(range(len(stream)))) == SEEN


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_what_is_handed_out_ends_with_an_event(cuts: list[int]):
    """And all of it together is what came."""
    cutter = Cutter()
    edges = [0, *sorted(cuts), len(STREAM)]
    handed = [cutter.feed(STREAM[begin:end]) for begin, end in pairwise(edges)]
    assert b"".join(handed) + cutter.rest() == STREAM
    assert all(piece.endswith(b"\n\n") for piece in handed if piece)


def test_a_byte_order_mark_is_passed_over():
    """As the standard says."""
    assert events(b"\xef\xbb\xbfdata: x\n\n") == [Event(b"", b"x")]


def test_an_event_longer_than_may_be_held_passes_as_it_comes():
    """Memory is bounded; after its end whole events are cut again."""
    cutter = Cutter()
    piece = b"x" * 65536
    handed = [cutter.feed(b"data: ")]
    for _ in range(3 * MOST_HELD // len(piece)):
        handed.append(cutter.feed(piece))
    assert cutter.overlong
    assert sum(map(len, handed)) > 2 * MOST_HELD
    handed.append(cutter.feed(b"\n\ndata: y\n"))
    assert not cutter.overlong
    assert cutter.feed(b"\n") == b"data: y\n\n"
