"""An answer in the client's own dialect: passed on untouched, and read as it passes."""

import json
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import Recording, label, named, recordings

from seawall.contracts.errors import UpstreamTimeout
from seawall.contracts.usage import NOTHING, Usage
from seawall.llm.meters import ReadingMeter
from seawall.llm.passing import Passing
from seawall.llm.sse import events

EVERY = recordings()
STREAMS = [one for one in EVERY if one.streams]
PLAIN = [one for one in EVERY if not one.streams]
MOST = 100_000


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a body at the given places."""
    edges = [0, *sorted(cuts), len(body)]
    return [body[begin:end] for begin, end in pairwise(edges) if begin < end]


def passed(one: Recording, cuts: list[int], *, hides: bool = False) -> tuple[Passing, bytes]:
    """Pass a recording on in pieces; return what heard it and what the client got."""
    heard = Passing(one.api, one.operation, hides_usage=hides)
    status, headers = heard.head(one.status, one.headers)
    assert status == one.status
    assert headers == [one.headers[0], one.headers[2]]
    got = b"".join([heard.feed(piece) for piece in pieces(one.body, cuts)])
    return heard, got + heard.end()


def metered(one: Recording, cuts: list[int], most: int = MOST) -> ReadingMeter:
    """Read a recording in pieces."""
    meter = ReadingMeter(one.api, one.operation, most)
    meter.head(one.status, one.headers)
    for piece in pieces(one.body, cuts):
        meter.feed(piece)
    return meter


def splits(body: bytes) -> list[list[int]]:
    """Return some ways to cut a body: not at all, every byte, and a hundred at random, always the same ones."""
    dice = random.Random(len(body))
    some = [[dice.randrange(len(body) + 1) for _ in range(dice.randrange(1, 9))] for _ in range(20)]
    return [[], list(range(len(body))), *some]


def usage_of(one: Recording) -> Usage | None:
    """Return what must be read from a recording."""
    if one.status >= 400:
        return NOTHING
    return Usage(**one.expected["usage"]) if "usage" in one.expected else None


@pytest.mark.parametrize("one", EVERY, ids=label)
def test_an_answer_passes_byte_for_byte(one: Recording):
    """However it was split; errors too."""
    for cuts in splits(one.body):
        heard, got = passed(one, cuts)
        assert got == one.body
        assert heard.content == ("begins" in one.expected or (not one.streams and one.status < 400))
        assert (heard.failure[0] if heard.failure else None) == one.expected.get("fails")


@pytest.mark.parametrize("one", STREAMS, ids=label)
def test_content_begins_with_the_first_word_and_not_before(one: Recording):
    """Roles, pings, comments and filter results are none; reasoning and a tool's name are."""
    heard = Passing(one.api, one.operation)
    heard.head(200, one.headers)
    begins = None
    number = 0
    for piece in one.body.replace(b"\r\n", b"\n").split(b"\n\n"):
        heard.feed(piece + b"\n\n")
        if heard.content and begins is None:
            begins = number
        number += len(events(piece + b"\n\n"))
    assert begins == one.expected.get("begins")


@pytest.mark.parametrize("one", [one for one in STREAMS if "hidden" in one.expected], ids=label)
def test_the_usage_chunk_that_only_we_asked_for_is_hidden(one: Recording):
    """That chunk alone, however the stream was split: every other byte passes."""
    for cuts in splits(one.body):
        _, got = passed(one, cuts, hides=True)
        kept = [event for event in one.events if not is_usage(event.data)]
        assert len(kept) == len(one.events) - 1
        assert events(got) == kept
        mark = b"\r\n\r\n" if b"\r" in one.body else b"\n\n"
        assert got == mark.join(block for block in one.body.split(mark) if got.count(block))


def is_usage(data: bytes) -> bool:
    """Whether an event is OpenAI's usage chunk."""
    said = {} if data == b"[DONE]" else json.loads(data)
    return said.get("choices") == [] and bool(said.get("usage"))


@pytest.mark.parametrize("one", [one for one in STREAMS if "hidden" not in one.expected], ids=label)
def test_nothing_else_is_ever_hidden(one: Recording):
    """Usage beside a choice, filter results without one, another operation's stream."""
    for cuts in splits(one.body)[:4]:
        assert passed(one, cuts, hides=True)[1] == one.body


@pytest.mark.parametrize("one", EVERY, ids=label)
def test_usage_is_read_from_wherever_it_stands(one: Recording):
    """The same however the answer was split, and as often as it is asked."""
    for cuts in splits(one.body):
        meter = metered(one, cuts)
        assert meter.usage() == usage_of(one)
        assert meter.usage() == usage_of(one)
        assert meter.price() is None


@pytest.mark.parametrize("one", STREAMS, ids=label)
def test_a_meter_may_be_asked_at_any_time(one: Recording):
    """In the middle of an event too: nothing is lost by it, nothing counted twice."""
    meter = ReadingMeter(one.api, one.operation, MOST)
    meter.head(200, one.headers)
    for piece in pieces(one.body, list(range(0, len(one.body), 7))):
        meter.feed(piece)
        meter.usage()
    assert (meter.usage(), meter.seen()) == (usage_of(one), metered(one, []).seen())


def test_usage_without_the_last_blank_line_is_read():
    """The connection ended a byte early."""
    meter = ReadingMeter("openai", "chat", MOST)
    meter.head(200, [(b"content-type", b"text/event-stream")])
    meter.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}')
    assert meter.usage() == Usage(input=3, output=4)


def test_a_stream_with_line_ends_of_two_kinds_loses_nothing():
    """Rather a usage chunk too many than a word too few."""
    word = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    last = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\r\n\r\n'
    heard = Passing("openai", "chat", hides_usage=True)
    heard.head(200, [(b"content-type", b"text/event-stream")])
    assert heard.feed(word + last) == word + last


@pytest.mark.parametrize("one", [one for one in STREAMS if "counted" in one.expected], ids=label)
def test_a_streams_text_is_counted_as_it_passes(one: Recording):
    """Three bytes a token, each event at least one; never above what was reserved."""
    for cuts in splits(one.body):
        assert metered(one, cuts).seen() == one.expected["counted"]
    assert metered(one, [], most=1).seen() <= 1


@pytest.mark.parametrize(
    ("written", "tokens"),
    [('say \\"no\\" now', 5), ("a path \\\\", 3), ('\\\\\\" and on and on', 6), ("", 0)],
)
def test_a_quote_in_a_text_does_not_end_it(written: str, tokens: int):
    """Escaped ones are text, escaped backslashes before a quote are no escape; what follows is no text."""
    meter = ReadingMeter("openai", "chat", MOST)
    meter.head(200, [(b"content-type", b"text/event-stream")])
    meter.feed(
        f'data: {{"choices":[{{"delta":{{"content":"{written}"}},"more":"more and more and more"}}]}}\n\n'.encode()
    )
    assert meter.seen() == tokens


@settings(max_examples=60)
@given(st.data())
def test_a_cut_stream_has_shown_at_most_what_a_whole_one_has(data: st.DataObject):
    """Wherever it is cut, nothing is raised, and the count only grows."""
    one = data.draw(st.sampled_from(EVERY))
    cut = data.draw(st.integers(0, len(one.body)))
    meter = metered(one._replace(body=one.body[:cut]), [])
    meter.usage()
    assert 0 <= meter.seen() <= (metered(one, []).seen() if one.streams else MOST)


@settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from(EVERY))
def test_garbage_passes_and_reports_nothing(body: bytes, one: Recording):
    """A meter never raises for what it cannot read, nor does what passes it on."""
    noise = one._replace(body=body, expected={"operation": one.operation})
    heard, got = passed(noise, [len(body) // 2])
    assert got == body
    metered(noise, [len(body) // 2]).usage()
    assert heard.failure is None or isinstance(heard.failure[0], int)


@pytest.mark.parametrize("status", [502, 504, 520])
def test_an_error_from_something_in_between_says_nothing_about_the_bill(status: int):
    """The provider may have worked: the row is an estimate."""
    one = named("openai", "error_500.json")
    meter = ReadingMeter("openai", "chat", MOST)
    meter.head(status, one.headers)
    meter.feed(one.body)
    assert meter.usage() is None


def test_a_long_answer_is_read_from_its_end_and_not_kept():
    """Ten megabytes of a picture leave a quarter of one in memory."""
    meter = ReadingMeter("openai", "images", MOST)
    meter.head(200, [(b"content-type", b"application/json")])
    meter.feed(b'{"created":1,"data":[{"b64_json":"')
    for _ in range(160):
        meter.feed(b"A" * 65536)
    meter.feed(b'"}],"usage":{"input_tokens":5,"output_tokens":7,"input_tokens_details":{"text_tokens":5}}}')
    assert sum(map(len, meter._pieces)) <= 256 * 1024
    assert meter.usage() == Usage(input=5, output=7)


def test_a_long_answer_in_one_piece_is_read_too():
    """Without parsing it whole."""
    body = b'{"data":"' + b"A" * 1_000_000 + b'","usage":{"prompt_tokens":5,"total_tokens":5}}'
    meter = ReadingMeter("openai", "embeddings", 0)
    meter.head(200, [(b"content-type", b"application/json")])
    meter.feed(body)
    assert meter.usage() == Usage(input=5)


@pytest.mark.parametrize(
    ("operation", "body", "most", "seen"),
    [("images", b"{", 8000, 8000), ("audio", b"\x00" * 2000, 500, 10), ("audio", b"\x00" * 2000, 5, 5)],
)
def test_what_is_no_text_is_counted_by_what_it_is(operation: Any, body: bytes, most: int, seen: int):
    """A picture that was cut is a whole one; sound is counted by its bytes."""
    meter = ReadingMeter("openai", operation, most)
    meter.head(200, [(b"content-type", b"application/octet-stream")])
    meter.feed(body)
    assert meter.seen() == seen


@pytest.mark.parametrize(
    ("name", "operation", "api"),
    [
        ("chat_stream.sse", "chat", "openai"),
        ("responses_stream.sse", "responses", "openai"),
        ("messages_stream.sse", "messages", "anthropic"),
    ],
)
def test_a_stream_that_breaks_ends_in_a_proper_error_event(name: str, operation: Any, api: Any):
    """After whole events only: half a one would be read as garbage before the error was seen."""
    one = named(api, name)
    for cut in (0, 100, len(one.body) // 2, len(one.body) - 1):
        heard = Passing(api, operation)
        heard.head(200, one.headers)
        got = heard.feed(one.body[:cut]) + heard.broken(UpstreamTimeout("idle", "no byte for 30 s"))
        *whole, last = events(got)
        assert whole == one.events[: len(whole)]
        error = json.loads(last.data)["error"]
        assert error["message"] == "The answer broke off: no byte for 30 s"
        assert error["type"] == ("timeout_error" if api == "anthropic" else "server_error")
        assert last.kind == (b"" if operation == "chat" else b"error")
        assert heard.end() == b""


def test_a_plain_answer_that_breaks_has_no_event():
    """The connection's end is all that can be said."""
    heard = Passing("openai", "chat")
    heard.head(200, [(b"content-type", b"application/json")])
    assert heard.broken(UpstreamTimeout("idle")) == b""


def test_an_event_too_long_to_hold_passes_and_a_break_in_it_is_still_told():
    """Memory is bounded; the half event is ended first."""
    heard = Passing("openai", "chat", hides_usage=True)
    heard.head(200, [(b"content-type", b"text/event-stream")])
    got = heard.feed(b'data: {"x":"') + b"".join(heard.feed(b"y" * 65536) for _ in range(40))
    assert len(got) > 1_000_000
    assert heard.content
    assert heard.broken(UpstreamTimeout("idle")).startswith(b"\n\ndata: {")


def test_an_answer_compressed_against_our_word_passes_at_once():
    """Nobody waits for an event in it, and nothing is read from it: its row is an estimate."""
    headers = [(b"content-type", b"text/event-stream"), (b"content-encoding", b"gzip")]
    heard, meter = Passing("openai", "chat", hides_usage=True), ReadingMeter("openai", "chat", MOST)
    assert heard.head(200, headers) == (200, headers)
    meter.head(200, headers)
    assert heard.feed(b"\x1f\x8b\x08") == b"\x1f\x8b\x08"
    meter.feed(b"\x1f\x8b\x08")
    assert heard.content
    assert meter.usage() is None


def test_quotas_of_the_gateways_own_key_are_not_the_clients():
    """Nor is framing."""
    heard = Passing("openai", "chat")
    kept = [(b"content-type", b"application/json"), (b"openai-processing-ms", b"5"), (b"retry-after", b"2")]
    gone = [(b"x-ratelimit-remaining-tokens", b"5"), (b"anthropic-ratelimit-tokens-reset", b"x"),
            (b"content-length", b"2"), (b"transfer-encoding", b"chunked"), (b"connection", b"close")]  # fmt: skip
    assert heard.head(429, [*kept, *gone]) == (429, kept)
