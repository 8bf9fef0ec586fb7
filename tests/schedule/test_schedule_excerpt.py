"""What is published of an answer."""

import orjson
import pytest

from seawall.schedule.excerpt import LARGEST, Unfit, message

BODY = orjson.dumps({"current": {"t": 3.5}, "list": [10, {"a/b": 1, "m~n": 2, "": 3}]})


@pytest.mark.parametrize(
    ("select", "data"),
    [
        (None, orjson.loads(BODY)),
        ("", orjson.loads(BODY)),
        ("/current", {"t": 3.5}),
        ("/current/t", 3.5),
        ("/list/0", 10),
        ("/list/1/a~1b", 1),
        ("/list/1/m~0n", 2),
        ("/list/1/", 3),
    ],
)
def test_a_pointer_selects_a_part(select: str | None, data: object) -> None:
    """RFC 6901: keys, indexes, escaped signs, the empty key, the whole."""
    found = orjson.loads(message("home.weather", BODY, select, 1_767_225_600.25))
    assert found == {"channel": "home.weather", "time": "2026-01-01T00:00:00.250Z", "data": data}


@pytest.mark.parametrize(
    "select", ["/nothing", "/list/2", "/list/01", "/list/-", "/list/٣", "/current/t/x", "/list/-1"]
)
def test_a_pointer_to_nothing_is_told_without_the_answer(select: str) -> None:
    """Missing keys, indexes past the end or in another notation, members of what has none."""
    with pytest.raises(Unfit, match="the answer has nothing at"):
        message("c", BODY, select, 0.0)


def test_what_is_no_json_is_not_published() -> None:
    """Its text holds nothing of the body."""
    with pytest.raises(Unfit, match="^the answer is not JSON$"):
        message("c", b"<html>secret", None, 0.0)


def test_a_message_has_8_kib_at_most() -> None:
    """One byte more is refused, the envelope counted."""
    room = LARGEST - len(message("c", b'""', None, 0.0))
    assert len(message("c", b'"' + b"x" * room + b'"', None, 0.0)) == LARGEST
    with pytest.raises(Unfit, match="8193 bytes, 8192 at most"):
        message("c", b'"' + b"x" * (room + 1) + b'"', None, 0.0)


def test_a_message_is_one_line() -> None:
    """Line ends inside texts are escaped, so that an event stream cannot be broken up."""
    assert b"\n" not in message("c", orjson.dumps({"a": "x\ny\r\n"}), None, 0.0)
