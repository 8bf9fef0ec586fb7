"""Event streams in any pieces, against botocore's decoder; what is broken is told, and nothing grows without bound."""

import struct
from binascii import crc32
from itertools import pairwise

import pytest
from bedrock_frames import event, exception, frame
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.llm.bedrock.eventstream import Event, EventStream

NAMES = st.text("abcdefghij:-", min_size=1, max_size=20)
VALUES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.text(max_size=30)
TYPES = st.sampled_from([":event-type", ":message-type"])
MESSAGES = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=300)), min_size=1, max_size=8
)


def cut(data, places):
    """Return the pieces of `data` cut at places."""
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


def botocore_reads(data):
    """Return what botocore's decoder makes of a body, as our events."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    found = []
    for message in buffer:
        headers = {name: value for name, value in message.headers.items() if isinstance(value, str)}
        kind = headers.get(":message-type", "event")
        name = headers.get({"exception": ":exception-type", "error": ":error-code"}.get(kind, ":event-type"), "")
        payload = headers.get(":error-message", "").encode() if kind == "error" else message.payload
        found.append(Event(kind, name, payload))
    return found


@settings(deadline=None)
@given(
    messages=MESSAGES,
    types=st.dictionaries(TYPES, st.text(max_size=12), max_size=2),
    places=st.lists(st.integers(0, 10**6), max_size=12),
)
def test_any_messages_in_any_pieces_read_as_botocore_reads_them(messages, types, places):
    """Whatever the messages and wherever the body is cut, the events are those botocore's decoder gives."""
    data = b"".join(frame({**headers, **types}, payload) for headers, payload in messages)
    decoder = EventStream()
    found = [item for piece in cut(data, places) for item in decoder.feed(piece)]
    assert found == botocore_reads(data)
    assert not decoder.open


def test_one_byte_at_a_time():
    """A body that comes byte by byte gives the same events, exceptions and errors included."""
    data = event("messageStart", {"role": "assistant"}) + exception("throttlingException", "slow down")
    data += frame({":message-type": "error", ":error-code": "Internal", ":error-message": "no"}, b"")
    decoder = EventStream()
    found = [item for byte in data for item in decoder.feed(bytes([byte]))]
    assert [(one.kind, one.name) for one in found] == [
        ("event", "messageStart"), ("exception", "throttlingException"), ("error", "Internal"),
    ]  # fmt: skip
    assert found[2].payload == b"no"


@settings(max_examples=300, deadline=None)
@given(where=st.integers(0, 10**6), change=st.integers(1, 255))
def test_a_changed_byte_never_passes(where, change):
    """A single changed byte is told, or leaves a message that never ends; it never gives another event."""
    whole = event("contentBlockDelta", {"delta": {"text": "Hello"}, "contentBlockIndex": 0})
    broken = bytearray(whole)
    broken[where % len(whole)] ^= change
    decoder = EventStream()
    assert decoder.feed(whole + bytes(broken)) == EventStream().feed(whole)
    assert decoder.fault or decoder.open
    assert decoder.feed(whole) == []


@pytest.mark.parametrize(("total", "headers"), [(5 << 20, 0), (200 << 10, 129 << 10), (15, 0), (20, 5), (0, 0)])
def test_lengths_out_of_bounds(total, headers):
    """A length beyond the bounds is refused at the prelude, before a byte of the message is kept."""
    lengths = struct.pack(">II", total, headers)
    decoder = EventStream()
    assert decoder.feed(lengths + struct.pack(">I", crc32(lengths))) == []
    assert "out of bounds" in decoder.fault
    assert not decoder.open


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_headers_of_any_bytes_end_in_an_event_or_an_error(fields):
    """Headers of random bytes with right checksums are read or refused, never anything else."""
    lengths = struct.pack(">II", 16 + len(fields), len(fields))
    start = lengths + struct.pack(">I", crc32(lengths)) + fields
    decoder = EventStream()
    found = decoder.feed(start + struct.pack(">I", crc32(start)))
    assert len(found) == 1 or "header" in decoder.fault


def test_an_open_message_is_known():
    """A body that ends inside a message can be told from one that has ended."""
    decoder = EventStream()
    decoder.feed(event("messageStart", {"role": "assistant"})[:-1])
    assert decoder.open
