"""The quick way for plain answers takes nothing that is not one whole, well-formed answer."""

import pytest

from seawall.wire.plain import PlainAnswers

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"


def take(data: bytes, most: int = 100) -> tuple[int, list[tuple[bytes, bytes]], object] | None:
    """Return status, headers and body of a plain answer."""
    reply = PlainAnswers(most, 8).take(data)
    return None if reply is None else (reply.status, reply.headers, reply.body)


def test_a_whole_answer_of_known_length_is_plain() -> None:
    """Framing and Connection are left out of its headers; a second one is read from memory."""
    answers = PlainAnswers(100, 8)
    for _ in range(2):
        reply = answers.take(GOOD)
        assert reply is not None
        assert (reply.status, reply.headers, reply.body) == (200, [(b"content-type", b"text/plain")], b"hello")


def test_an_empty_answer_keeps_its_length() -> None:
    """An upstream that says 0 said 0."""
    reply = PlainAnswers(100, 8).take(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    assert reply is not None
    assert (reply.status, reply.body, reply.length) == (404, b"", 0)


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:-1], GOOD + b"x", GOOD + GOOD, GOOD[:20], b"",
        GOOD.replace(b"200 OK", b"204 No"), GOOD.replace(b"200 OK", b"304 No"), GOOD.replace(b"200 OK", b"100 Go"),
        GOOD.replace(b"200 OK", b"999 No"), GOOD.replace(b"200 OK", b"20 OK"), GOOD.replace(b"1.1", b"1.0"),
        GOOD.replace(b"HTTP", b"http"), GOOD.replace(b"keep-alive", b"close"),
        GOOD.replace(b"Connection: keep-alive", b"Keep-Alive: timeout=5"),
        GOOD.replace(b"Connection: keep-alive", b"Transfer-Encoding: chunked"),
        GOOD.replace(b"Connection: keep-alive", b"Content-Length: 5"),
        GOOD.replace(b"Connection: keep-alive", b"X-A : b"), GOOD.replace(b"Connection: keep-alive", b" folded"),
        GOOD.replace(b"Connection: keep-alive", b"X-A: a\nX-B: b"), GOOD.replace(b"Connection: keep-alive", b"X-A: \0"),
        GOOD.replace(b"Content-Length: 5", b"Content-Length: +5"), GOOD.replace(b"Content-Length: 5", b"X: 5"),
        GOOD.replace(b"\r\n", b"\n"), GOOD.replace(b"Connection: keep-alive", b"\r\n".join([b"A: 1"] * 9)),
    ],
)  # fmt: skip
def test_anything_else_is_left_to_the_full_parser(data: bytes) -> None:
    """Cut, doubled, chunked, closing, malformed, bodiless: httptools and its strictness look at it."""
    assert take(data) is None


def test_a_larger_body_is_not_collected() -> None:
    """It is handed over as it comes."""
    assert take(GOOD, most=4) is None
