"""Answers of Converse heard by the real SDKs, whole and streamed, in any pieces; usage, errors and broken streams."""

import json
from itertools import pairwise

import anthropic
import httpx2
import openai
import pytest
from bedrock_cases import (
    BLOCKS,
    CUT,
    EARLY,
    HEADERS,
    LATE,
    PLAIN_USAGE,
    REQUEST_ID,
    START,
    STREAM_HEADERS,
    TEXT,
    THINKING,
    TOOLS,
    USAGE,
    delta,
    last,
    stop_block,
    whole,
)  # fmt: skip
from bedrock_frames import event, frame, stream
from bedrock_model import judge, service
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.usage import NOTHING, Usage
from seawall.llm.speak import speak
from seawall.llm.understand import understand

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HELLO = [{"role": "user", "content": "Hello"}]
STREAMS = {"text": TEXT, "tools": TOOLS, "thinking": THINKING, "early": EARLY, "late": LATE, "cut": CUT}


def spoken_of(path, body):
    """Return a request of either SDK in Bedrock's words."""
    dialect, operation = ("anthropic", "messages") if path.endswith("/messages") else ("openai", "chat")
    asked = understand(dialect, operation, path.encode(), b"application/json", body)
    spoken = speak(asked, "bedrock", MODEL, 4096, True)
    judge(spoken)
    return spoken


def heard(spoken, status, headers, pieces):
    """Return status, headers, body and the `Heard` after a whole answer."""
    one = spoken.heard()
    status, fields = one.head(status, headers)
    body = b"".join([*(one.feed(piece) for piece in pieces), one.end()])
    return status, fields, body, one


class Bedrock(httpx2.BaseTransport):
    """What stands between an SDK and Bedrock: our translation, and a recorded answer."""

    def __init__(self, body, status=200, headers=None):
        self.body, self.status, self.headers = body, status, headers

    def handle_request(self, request):
        """Answer."""
        body = request.read()
        spoken = spoken_of(request.url.path, body)
        headers = self.headers or (STREAM_HEADERS if spoken.path.endswith(b"-stream") else HEADERS)
        status, fields, answer, _ = heard(spoken, self.status, headers, [self.body])
        return httpx2.Response(status, headers=fields, content=answer)


def chats(*answer, **more):
    """Return OpenAI's client in front of a recorded answer."""
    http = httpx2.Client(transport=Bedrock(*answer, **more))
    return openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http, max_retries=0).chat.completions


def claude(*answer, **more):
    """Return Anthropic's client in front of a recorded answer."""
    http = httpx2.Client(transport=Bedrock(*answer, **more))
    return anthropic.Anthropic(api_key="k", base_url="http://gateway", http_client=http, max_retries=0).messages


@pytest.mark.parametrize("name", ["text", "tools", "thinking"])
def test_the_corpus_is_what_botocore_reads(name):
    """Each recorded stream is one that boto3 itself reads, event by event, with nothing unknown in it."""
    shape = service().operation_model("ConverseStream").output_shape.members["stream"]
    parser = create_parser("rest-json")
    buffer = EventStreamBuffer()
    buffer.add_data(STREAMS[name])
    found = [next(iter(parser._event_stream_parser.parse(one.to_response_dict(), shape))) for one in buffer]
    assert found[0] == "messageStart"
    assert found[-1] == "metadata"
    assert "SDK_UNKNOWN_MEMBER" not in found


def test_a_whole_chat():
    """Text, reasoning, tool calls, stop reason and usage come as OpenAI's types."""
    answer = chats(whole(BLOCKS, "tool_use", USAGE)).create(model="fast", messages=HELLO)
    message = answer.choices[0].message
    assert (answer.id, answer.model, answer.created) == (f"chatcmpl-{REQUEST_ID}", "fast", 1795608000)
    assert message.content == "Four. Or so."
    assert message.reasoning_content == "Two and two"
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("tooluse_A", "weather", '{"city":"Berlin"}')
    ]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (130, 8, 138)
    assert answer.usage.prompt_tokens_details.cached_tokens == 80


def test_a_whole_message():
    """Text, thinking with its signature, tool calls, stop reason and cache usage come as Anthropic's types."""
    answer = claude(whole(BLOCKS, "tool_use", USAGE)).create(model="fast", max_tokens=9, messages=HELLO)
    assert [block.type for block in answer.content] == ["thinking", "redacted_thinking", "text", "text", "tool_use"]
    assert (answer.content[0].thinking, answer.content[0].signature) == ("Two and two", "c2lnbmVk")
    assert answer.content[1].data == "aGlkZGVu"
    assert answer.content[4].input == {"city": "Berlin"}
    assert (answer.stop_reason, answer.id) == ("tool_use", f"msg_{REQUEST_ID}")
    used = answer.usage
    assert (used.input_tokens, used.output_tokens) == (30, 8)
    assert (used.cache_read_input_tokens, used.cache_creation_input_tokens) == (80, 20)


@pytest.mark.parametrize(("reason", "finish", "stop"), [
    ("end_turn", "stop", "end_turn"), ("tool_use", "tool_calls", "tool_use"), ("max_tokens", "length", "max_tokens"),
    ("stop_sequence", "stop", "stop_sequence"), ("guardrail_intervened", "content_filter", "refusal"),
    ("content_filtered", "content_filter", "refusal"), ("malformed_model_output", "stop", "end_turn"),
    ("malformed_tool_use", "stop", "end_turn"),
    ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
])  # fmt: skip
def test_every_stop_reason(reason, finish, stop):
    """Each stop reason of Bedrock's description has a word in both dialects, whole and streamed."""
    assert reason in service().shape_for("StopReason").enum
    body = whole([{"text": "x"}], reason, additionalModelResponseFields={"stop_sequence": "END"})
    streamed = stream(START, delta(0, text="x"), stop_block(0), last(
        reason, additionalModelResponseFields={"stop_sequence": "END"}))  # fmt: skip
    assert chats(body).create(model="fast", messages=HELLO).choices[0].finish_reason == finish
    said = claude(body).create(model="fast", max_tokens=9, messages=HELLO)
    with claude(streamed).stream(model="fast", max_tokens=9, messages=HELLO) as events:
        again = events.get_final_message()
    assert (said.stop_reason, again.stop_reason) == (stop, stop)
    expected = "END" if reason == "stop_sequence" else None
    assert (said.stop_sequence, again.stop_sequence) == (expected, expected)
    chunks = list(chats(streamed).create(model="fast", messages=HELLO, stream=True))
    assert chunks[-1].choices[0].finish_reason == finish


def test_every_stop_reason_is_covered():
    """A stop reason that Bedrock adds fails here, so that somebody gives it a word."""
    covered = test_every_stop_reason.pytestmark[0].args[1]
    assert {case[0] for case in covered} == set(service().shape_for("StopReason").enum)


def test_a_streamed_chat():
    """Text comes in pieces, tool calls as OpenAI's client joins them, the usage chunk only where it is wanted."""
    chunks = list(chats(TEXT).create(model="fast", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, wörld 🌊"
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    with chats(TOOLS).stream(model="fast", messages=HELLO, stream_options={"include_usage": True}) as events:
        final = events.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("tooluse_A", "weather", {"city": "Berlin"}), ("tooluse_B", "clock", {}),
    ]  # fmt: skip
    assert final.choices[0].message.content == "Let me look."
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage.total_tokens == 17


def test_a_streamed_message():
    """Blocks open and close with indexes in a row, thinking keeps its signature, usage comes at the end."""
    with claude(THINKING).stream(model="fast", max_tokens=9, messages=HELLO) as events:
        final = events.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "redacted_thinking", "text"]
    assert (final.content[0].thinking, final.content[0].signature) == ("Two and two", "c2lnbmVk")
    assert final.content[2].text == "Four."
    assert (final.usage.input_tokens, final.usage.output_tokens, final.usage.cache_read_input_tokens) == (30, 8, 80)
    with claude(TOOLS).stream(model="fast", max_tokens=9, messages=HELLO) as events:
        final = events.get_final_message()
    assert [block.input for block in final.content[1:]] == [{"city": "Berlin"}, {}]
    assert final.stop_reason == "tool_use"


@pytest.mark.parametrize(("status", "kind", "error", "ours"), [
    (400, b"ValidationException:http://internal.amazon.com/", openai.BadRequestError, anthropic.BadRequestError),
    (403, b"AccessDeniedException", openai.PermissionDeniedError, anthropic.PermissionDeniedError),
    (404, b"ResourceNotFoundException", openai.NotFoundError, anthropic.NotFoundError),
    (429, b"com.amazon#ThrottlingException", openai.RateLimitError, anthropic.RateLimitError),
    (500, b"InternalServerException", openai.InternalServerError, anthropic.InternalServerError),
    (503, b"ServiceUnavailableException", openai.InternalServerError, anthropic.InternalServerError),
])  # fmt: skip
def test_errors_before_an_answer(status, kind, error, ours):
    """A refused call comes as the error its SDK has for the status, with Bedrock's message and the error's name."""
    headers = [*HEADERS, (b"x-amzn-errortype", kind), (b"retry-after", b"3")]
    with pytest.raises(error, match="why") as refused:
        chats(b'{"message": "why"}', status, headers).create(model="fast", messages=HELLO)
    assert refused.value.code in kind.decode()
    assert refused.value.response.headers["retry-after"] == "3"
    with pytest.raises(ours, match="why"):
        claude(b'{"message": "why"}', status, headers).create(model="fast", max_tokens=9, messages=HELLO)


def test_an_exception_before_content_may_fail_over():
    """An exception first thing in a stream is told as a failure with its status, and as an error to the client."""
    for path in ("/v1/chat/completions", "/v1/messages"):
        body = json.dumps({"model": "fast", "messages": HELLO, "max_tokens": 9, "stream": True}).encode()
        _, _, _, one = heard(spoken_of(path, body), 200, STREAM_HEADERS, [EARLY])
        assert one.failure == (429, "throttlingException: Too many requests, please wait before trying again.")
        assert not one.content
    with pytest.raises(openai.APIError, match="Too many requests"):
        list(chats(EARLY).create(model="fast", messages=HELLO, stream=True))


def test_an_empty_text_is_no_content():
    """Some models begin with one; what fails then may still fail over."""
    body = json.dumps({"model": "fast", "messages": HELLO, "stream": True}).encode()
    pieces = [START, delta(0, text=""), EARLY[len(START) :]]
    _, _, _, one = heard(spoken_of("/v1/chat/completions", body), 200, STREAM_HEADERS, pieces)
    assert not one.content
    assert one.failure[0] == 429


def test_an_exception_after_content_ends_the_stream_in_an_error():
    """After content there is no failing over; the client gets what came and then a proper error of its dialect."""
    seen = []
    with pytest.raises(openai.APIError, match="The model broke"):
        for chunk in chats(LATE).create(model="fast", messages=HELLO, stream=True):
            seen.append(chunk.choices[0].delta.content)
    assert "".join(seen) == "Hel"
    with (
        pytest.raises(anthropic.APIStatusError, match="The model broke"),
        claude(LATE).stream(model="fast", max_tokens=9, messages=HELLO) as events,
    ):
        events.get_final_message()


@pytest.mark.parametrize("broken", [CUT, stream(START, delta(0, text="x")), stream(START, b"no frame at all")])
def test_a_stream_that_ends_too_early_is_an_error(broken):
    """A stream without its end, or with bytes that are no event, never looks like a complete answer."""
    with pytest.raises(openai.APIError, match="Bedrock's answer"):
        list(chats(broken).create(model="fast", messages=HELLO, stream=True))


def test_a_connection_that_broke():
    """The wire's error becomes the dialect's error event, once; nothing for a whole answer."""
    body = json.dumps({"model": "fast", "messages": HELLO, "stream": True}).encode()
    one = spoken_of("/v1/chat/completions", body).heard()
    one.head(200, STREAM_HEADERS)
    one.feed(stream(START, delta(0, text="x")))
    said = one.broken(UpstreamBroken("reset"))
    assert json.loads(said.removeprefix(b"data: "))["error"]["code"] == "upstream-broken"
    assert one.broken(UpstreamBroken("reset")) == one.end() == b""
    other = spoken_of("/v1/chat/completions", body).heard()
    other.head(200, HEADERS)
    assert other.broken(UpstreamBroken("reset")) == b""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"output": 1}'])
def test_a_whole_answer_that_is_none(body):
    """What is no answer of Converse is a failure, never an empty answer."""
    asked = json.dumps({"model": "fast", "messages": HELLO}).encode()
    _, _, said, one = heard(spoken_of("/v1/chat/completions", asked), 200, HEADERS, [body])
    assert one.failure == (502, "Bedrock's answer cannot be read: it is no answer of Converse")
    assert not one.content
    assert json.loads(said)["error"]["type"] == "server_error"


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(STREAMS)), path=st.sampled_from(["/v1/chat/completions", "/v1/messages"]),
       places=st.lists(st.integers(0, 10**5), max_size=10))  # fmt: skip
def test_pieces_do_not_matter(name, path, places):
    """However the body is cut, the client gets the same bytes, and the meter reads the same."""
    data = STREAMS[name]
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[start:end] for start, end in pairwise(marks)]
    body = json.dumps({"model": "fast", "messages": HELLO, "max_tokens": 9, "stream": True}).encode()
    spoken = spoken_of(path, body)
    once, many = heard(spoken, 200, STREAM_HEADERS, [data]), heard(spoken, 200, STREAM_HEADERS, pieces)
    assert once[:3] == many[:3]
    assert (once[3].content, once[3].failure) == (many[3].content, many[3].failure)
    assert metered(spoken, 200, STREAM_HEADERS, [data]) == metered(spoken, 200, STREAM_HEADERS, pieces)


def metered(spoken, status, headers, pieces):
    """Return usage and tokens seen."""
    meter = spoken.meter()
    meter.head(status, headers)
    for piece in pieces:
        meter.feed(piece)
    return meter.usage(), meter.seen()


def test_what_was_used():
    """Cached tokens are part of the input; a cut stream has none reported and what it showed counted, within bounds."""
    body = json.dumps({"model": "fast", "messages": HELLO, "max_tokens": 7}).encode()
    spoken = spoken_of("/v1/messages", body)
    full = Usage(input=130, output=8, cache_read=80, cache_write=20, cache_write_1h=20)
    assert metered(spoken, 200, STREAM_HEADERS, [THINKING])[0] == full
    assert metered(spoken, 200, HEADERS, [whole(BLOCKS, "tool_use", USAGE)])[0] == full
    assert metered(spoken, 200, HEADERS, [whole(BLOCKS)])[0] == Usage(input=12, output=5)
    assert metered(spoken, 200, STREAM_HEADERS, [CUT]) == (None, 2)
    assert metered(spoken, 200, STREAM_HEADERS, [LATE]) == (None, 1)
    assert metered(spoken, 200, STREAM_HEADERS, [stream(START, delta(0, text="long " * 99))]) == (None, 7)
    assert metered(spoken, 429, HEADERS, [b"{}"])[0] == NOTHING
    assert metered(spoken, 408, HEADERS, [b"{}"])[0] is None
    assert spoken.meter().price() is None


def test_cached_tokens_that_are_within_the_input():
    """Where the total says that the cached tokens are within the input, they are not added once more."""
    within = {**PLAIN_USAGE, "cacheReadInputTokens": 10}
    body = json.dumps({"model": "fast", "messages": HELLO}).encode()
    found, _ = metered(spoken_of("/v1/chat/completions", body), 200, HEADERS, [whole([{"text": "x"}], usage=within)])
    assert found == Usage(input=12, output=5, cache_read=10)


def test_unknown_events_pass_unnoticed():
    """An event or a block that Bedrock adds one day takes nothing else with it."""
    data = stream(
        START, event("somethingNew", {"x": 1}), frame({":event-type": "odd"}, b"\xff"), delta(0, somethingNew={"x": 1}),
        delta(1, text="x"), stop_block(1), last("end_turn"))  # fmt: skip
    chunks = list(chats(data).create(model="fast", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "x"
    answer = chats(whole([{"somethingNew": {}}, {"citationsContent": {"content": [{"text": "cited"}]}}]))
    assert answer.create(model="fast", messages=HELLO).choices[0].message.content == "cited"
