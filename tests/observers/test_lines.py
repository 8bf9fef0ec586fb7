"""Lines are bounded, one line each, and say which fields were cut."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.observers.lines import LARGEST, Fields, Stamp, json_line, text_line

BASE: Fields = {
    "timestamp": "2026-01-01T00:00:00.000Z",
    "level": "info",
    "service": "seawall",
    "event": "e",
    "message": "m",
}


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600.0, "2026-01-01T00:00:00.000Z"),
        (1_767_225_600.9999, "2026-01-01T00:00:00.999Z"),
        (1_767_225_601.25, "2026-01-01T00:00:01.250Z"),
    ],
)
def test_a_stamp_is_rfc3339_in_utc_with_milliseconds(wall: float, text: str) -> None:
    """Milliseconds are cut, not rounded into a second that does not exist."""
    stamp = Stamp()
    assert [stamp(1.0), stamp(wall), stamp(wall)][1:] == [text, text]


def test_a_long_field_is_cut_and_named() -> None:
    """Only the long field is cut; what was cut stands in `cut`."""
    line = json_line({**BASE, "request_id": "r" * 5000, "status": 200})
    shown = orjson.loads(line)
    assert len(line) <= LARGEST
    assert shown["cut"] == ["request_id"]
    assert shown["request_id"] == "r" * 512 + "…"
    assert shown["status"] == 200


def test_too_many_fields_leave_the_lines_own_and_a_mark() -> None:
    """A line of a thousand fields still is a line."""
    line = json_line({**BASE, **{f"field{number}": "x" * 20 for number in range(1000)}})
    assert len(line) <= LARGEST
    assert orjson.loads(line) == {**BASE, "cut": ["*"]}


def test_what_json_cannot_hold_is_still_a_line() -> None:
    """Lone surrogates, huge integers and odd objects do not make the log fail."""
    shown = orjson.loads(json_line({**BASE, "a": "\ud800x", "b": 1 << 80, "c": {1}, "d": [object]}))
    assert shown["a"] == "?x"
    assert shown["b"] == str(1 << 80)


@given(
    st.dictionaries(st.text(max_size=200), st.text(max_size=3000) | st.integers() | st.lists(st.text()), max_size=40)
)
def test_no_fields_make_a_line_longer_than_its_bound_or_two_lines(fields: dict[str, object]) -> None:
    """Whatever the fields hold: at most 2 KiB, one newline at the end, JSON that parses."""
    for render in (json_line, text_line):
        line = render({**fields, **BASE})
        assert len(line) <= LARGEST
        assert line.count(b"\n") == 1
        assert line.endswith(b"\n")
    assert orjson.loads(json_line({**fields, **BASE}))["event"] == "e"


def test_text_shows_no_control_character() -> None:
    """A client cannot clear an operator's terminal or forge a line."""
    line = text_line({**BASE, "request_id": "x\x1b[2J\r\nfake line", "method": "GET", "empty": "", "none": None})
    assert line.decode() == ("2026-01-01T00:00:00.000Z info    e m request_id=x\\x1b[2J\\r\\nfake line method=GET\n")
