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


DATED = b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nContent-Length: %d\r\n%b\r\n%b"


def test_an_answer_of_lasting_lines_comes_with_its_lines_ready() -> None:
    """From the second on, which is known whole; each has a list of its own, so that nobody changes another's."""
    answers = PlainAnswers(100, 8)
    replies = [answers.take(DATED % (2, b"", b"ok")) for _ in range(3)]
    assert replies[0] is not None
    assert replies[1] is not None
    assert replies[2] is not None
    assert replies[1].ready is not None
    headers, lines, count = replies[1].ready
    assert headers is replies[1].headers
    assert (lines, count) == (b"server: x\r\ndate: Wed, 25 Nov 2026 12:00:00 GMT\r\n", 2)
    replies[1].headers.clear()
    assert replies[2].headers == replies[0].headers


def test_cookies_and_keys_are_not_remembered() -> None:
    """An answer with one line that is not kept is never ready, and an equal head is parsed again."""
    answers = PlainAnswers(100, 8)
    for _ in range(3):
        reply = answers.take(DATED % (2, b"Set-Cookie: s3cret=1\r\n", b"ok"))
        assert reply is not None
        assert reply.ready is None
    assert not [head for head in answers._heads if b"s3cret" in head]


def test_an_equal_head_before_another_body_is_no_plain_answer() -> None:
    """The length that was read is compared each time."""
    answers = PlainAnswers(100, 8)
    for _ in range(2):
        assert answers.take(DATED % (2, b"", b"ok")) is not None
    assert answers.take(DATED % (2, b"", b"okay")) is None
    assert answers.take(DATED % (2, b"", b"o")) is None
