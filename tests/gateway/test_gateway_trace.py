"""W3C Trace Context section 3: what is valid is passed on, what is not starts anew."""

import pytest

from seawall.gateway.trace import parse_traceparent, parse_tracestate

TRACE = b"0af7651916cd43dd8448eb211c80319c"
SPAN = b"b7ad6b7169203331"


def test_a_valid_traceparent_is_taken_apart() -> None:
    """Version 00 has exactly four fields."""
    assert parse_traceparent(b"00-" + TRACE + b"-" + SPAN + b"-01") == (TRACE.decode(), SPAN.decode(), "01")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00-" + TRACE + b"-" + SPAN,
        b"ff-" + TRACE + b"-" + SPAN + b"-01",
        b"00-" + b"0" * 32 + b"-" + SPAN + b"-01",
        b"00-" + TRACE + b"-" + b"0" * 16 + b"-01",
        b"00-" + TRACE.upper() + b"-" + SPAN + b"-01",
        b"00-" + TRACE + b"-" + SPAN + b"-01-extra",
        b"00_" + TRACE + b"-" + SPAN + b"-01",
        b"0x-" + TRACE + b"-" + SPAN + b"-01",
        b"01-" + TRACE + b"-" + SPAN + b"-01x",
        b"00-" + TRACE + b"-" + SPAN + b"-0g",
    ],
)
def test_an_invalid_traceparent_is_ignored(value: bytes) -> None:
    """Version ff, zero ids, upper case and anything longer under version 00 (section 3.2.2)."""
    assert parse_traceparent(value) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """Section 3.2.4: a higher version may append fields behind another dash."""
    assert parse_traceparent(b"cc-" + TRACE + b"-" + SPAN + b"-01-what") == (TRACE.decode(), SPAN.decode(), "01")
    assert parse_traceparent(b"cc-" + TRACE + b"-" + SPAN + b"-01") is not None


def test_tracestate_is_normalized_and_passed_on() -> None:
    """Blanks around members and empty members are allowed and dropped."""
    assert parse_tracestate(b"a=1 , b@c=2,, d=3\t") == b"a=1,b@c=2,d=3"


def test_thirty_two_members_pass_and_thirty_three_do_not() -> None:
    """Section 3.3.1.1."""
    members = [b"k%d=v" % number for number in range(33)]
    assert parse_tracestate(b",".join(members[:32])) is not None
    assert parse_tracestate(b",".join(members)) is None


@pytest.mark.parametrize("value", [b"", b"a", b"A=1", b"a=1,a=2", b"a=", b"a=\x7f", b"=1", b"a=b=c", b"a=\xc3"])
def test_a_broken_tracestate_is_dropped_whole(value: bytes) -> None:
    """Duplicate keys, upper case and values outside printable ASCII."""
    assert parse_tracestate(value) is None
