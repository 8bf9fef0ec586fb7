"""Answers told in plain text: what a line may say, in which order they come, and what is no line."""

import pytest

from seawall.testing.exchange import End, Exchange
from seawall.testing.told import Told

GET = Exchange(b"GET", b"/a", [])


def told(*lines: str) -> list[list[object]]:
    """Return the programs that answer a request for each line, and one more."""
    one = Told(lambda: 0.0)
    assert one.tell("\n".join(lines)) == len(lines)
    return [list(one.answer(GET) or ()) for _ in range(len(lines) + 1)]


def test_each_line_is_an_answer_and_then_there_is_none():
    """With a Date and a body of their own where the line has none."""
    first, second, none = told('< 200 | X: 1 | "hello"', "wait 2 | 404")
    assert first == [
        b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX: 1\r\ncontent-length: 5\r\n\r\nhello", End.KEEP
    ]  # fmt: skip
    assert second[0] == 2.0
    assert second[1].endswith(b"\r\n\r\nanswer 2")
    assert none == []


def test_moments_cuts_and_what_is_down():
    """A date from when it was told; a body that ends too soon; an origin that stays down."""
    dated, cut, down, still = told("200 | -Date | Expires: {60}", "200 | ~cut 3", "down")
    assert b"Expires: Thu, 01 Jan 1970 00:01:00 GMT\r\n" in dated[0]
    assert b"date" not in dated[0]
    assert cut[0].endswith(b"\r\n\r\nans")
    assert cut[1] is End.FIN
    assert down == still == [End.FIN]


@pytest.mark.parametrize(
    "line", ["", "100", "600", "x", "200 | X", "200 | ~cut x", "wait 2", "wait -1 | 200", "wait x"]
)
def test_what_is_no_line_is_told(line: str):
    """Nothing of it is taken."""
    with pytest.raises(ValueError, match="an answer is"):
        Told().tell(f"200\n| {line}")
