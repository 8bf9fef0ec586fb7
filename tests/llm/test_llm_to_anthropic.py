"""OpenAI's clients in front of Anthropic: requests, answers, streams and errors, as the real SDKs read them."""

import json
from typing import Any

import openai
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from recordings import Recording, label, named, recordings
from sdk_clients import Seen, conforms, openai_client
from test_llm_understand import HELLO, asked

from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.usage import Usage
from seawall.llm.seam import NotUnderstood
from seawall.llm.speak import speak
from seawall.llm.sse import events
from seawall.llm.translating import LARGEST

# The SDK's accumulator raises for a refusal, as it does for OpenAI's own.
STREAMS = [
    one
    for one in recordings()
    if one.api == "anthropic" and one.streams and "usage" in one.expected and "refusal" not in one.name
]
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def said(**fields: Any) -> dict[str, Any]:
    """Return what Anthropic is asked."""
    found = asked("chat", **{"model": "smart", "messages": HELLO, **fields})
    spoken = speak(found, "anthropic", "claude-sonnet-4-5", 4096, True)
    body: dict[str, Any] = json.loads(spoken.body)
    streams = bool(fields.get("stream"))
    # The SDK speaks API version 2026-10-21, which has no sampling any more; what we speak, 2023-06-01, has.
    current = {name: value for name, value in body.items() if name not in ("temperature", "top_p")}
    conforms(MessageCreateParamsStreaming if streams else MessageCreateParamsNonStreaming, current)
    assert dict(spoken.headers)[b"anthropic-version"] == b"2023-06-01"
    assert spoken.path == b"/v1/messages"
    assert spoken.output_bound == body["max_tokens"]
    return body


def user(*content: Any) -> dict[str, Any]:
    """Return a message of the user."""
    return {"messages": [{"role": "user", "content": list(content)}]}


def picture(url: str, **more: str) -> dict[str, Any]:
    """Return a picture's part."""
    return {"type": "image_url", "image_url": {"url": url, **more}}


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, {}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"max_tokens": 5, "max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"safety_identifier": "u2", "user": "u1"}, {"metadata": {"user_id": "u2"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}},
         {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
        ({"n": 1, "presence_penalty": 0, "logprobs": False, "logit_bias": {}, "store": False, "modalities": ["text"],
          "seed": None, "metadata": {"a": "b"}, "prompt_cache_key": "k"}, {}),
        ({"tools": [TOOL]}, {"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]}),
        ({"tools": [{"type": "function", "function": {"name": "g", "strict": True}}], "tool_choice": "required"},
         {"tools": [{"name": "g", "strict": True, "input_schema": {"type": "object", "properties": {}}}],
          "tool_choice": {"type": "any"}}),
    ],
)  # fmt: skip
def test_what_maps_is_mapped(fields: dict[str, Any], made: dict[str, Any]):
    """Into exactly this, in fields that Anthropic's SDK knows."""
    turns = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    assert said(**fields) == {"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": turns, **made}


@pytest.mark.parametrize(
    ("choice", "parallel", "made"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
        ({"type": "function", "function": {"name": "f"}}, True, {"type": "tool", "name": "f"}),
    ],
)
def test_every_choice_of_tools(choice: Any, parallel: bool | None, made: dict[str, Any] | None):
    """Which may, must or must not be called, and how many at once."""
    assert said(tools=[TOOL], tool_choice=choice, parallel_tool_calls=parallel).get("tool_choice") == made


def test_a_conversation_with_tools_and_pictures():
    """System first, one turn for one side's messages in a row, ids kept, results where Anthropic wants them."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    bare = {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}
    signed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    body = said(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, picture(PNG)]},
            {"role": "user", "content": [picture("https://x/y.png", detail="low")]},
            {"role": "assistant", "content": "", "reasoning_content": "hm", "thinking_blocks": [signed],
             "tool_calls": [call, bare]},
            {"role": "tool", "tool_call_id": "call_1", "content": "1", "name": "f"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "2"}]},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": None, "refusal": "No."},
            {"role": "user", "content": [{"type": "file", "file": {
                "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}]},
        ],
        tools=[TOOL],
    )  # fmt: skip
    text = lambda words: {"type": "text", "text": words}  # noqa: E731 - a word for it
    assert body["system"] == [text("Be brief."), text("Be kind.")]
    assert body["messages"] == [
        {"role": "user", "content": [
            text("Look"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        ]},
        {"role": "assistant", "content": [
            signed,
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_2", "name": "g", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": [text("1")]},
            {"type": "tool_result", "tool_use_id": "call_2", "content": [text("2")]},
            text("And?"),
        ]},
        {"role": "assistant", "content": [text("No.")]},
        {"role": "user", "content": [{"type": "document", "title": "a.pdf", "source": {
            "type": "base64", "media_type": "application/pdf", "data": "JVBE"}}]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 1.5}, "temperature"),
        ({"presence_penalty": 0.1}, "presence_penalty"),
        ({"frequency_penalty": -1}, "frequency_penalty"),
        ({"seed": 0}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"store": True}, "store"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "a", "format": "mp3"}}, "audio"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"verbosity": "low"}, "verbosity"),
        ({"invented": 1}, "invented"),
        ({"reasoning_effort": "minimal"}, "reasoning_effort"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "user", "content": "x", "name": "Al"}]}, "messages[0].name"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": ["x"]}, "messages[0]"),
        (user({"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}),
         "messages[0].content[0].input_audio"),
        (user(picture("data:image/bmp;base64,AA")), "messages[0].content[0].image_url.url"),
        (user({"type": "file", "file": {"file_id": "f"}}), "messages[0].content[0].file.file_id"),
        (user({"type": "hologram"}), "messages[0].content[0].type"),
        ({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}, *HELLO]},
         "messages[0].content"),
        ({"messages": [*HELLO, {"role": "assistant", "function_call": {"name": "f", "arguments": ""}}]},
         "messages[1].function_call"),
        ({"messages": [*HELLO, {"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}]}]},
         "messages[1].tool_calls[0].function.arguments"),
        ({"messages": [*HELLO, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
    ],
)  # fmt: skip
def test_what_does_not_map_is_refused_by_name(fields: dict[str, Any], param: str):
    """Never left out in silence."""
    with pytest.raises(NotUnderstood) as refused:
        said(**fields)
    assert refused.value.param == param
    assert param in refused.value.message


def answered(name: str, **fields: Any) -> tuple[Seen, Any]:
    """Ask with OpenAI's SDK, answer with a recording of Anthropic's; return what the SDK made of it."""
    one = named("anthropic", name)
    seen = Seen("anthropic", one.status, one.headers, one.body)
    client = openai_client(seen)
    return seen, client.chat.completions.create(model="smart", messages=HELLO, **fields)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "finish", "content"),
    [
        ("messages.json", "stop", "Hi! My name is Claude."),
        ("messages_tools.json", "tool_calls", "I'll look both up."),
        ("messages_thinking.json", "stop", "9.9 is larger."),
        ("messages_refusal.json", "content_filter", "I can't"),
        ("messages_stop_sequence.json", "stop", "One two "),
        ("messages_max_tokens.json", "length", "One two"),
    ],
)
def test_an_answer_is_a_completion_to_the_sdk(name: str, finish: str, content: str):
    """With every reason to stop, under the client's own name for the model."""
    _, completion = answered(name)
    assert (completion.model, completion.choices[0].finish_reason) == ("smart", finish)
    assert completion.choices[0].message.content == content


def test_tool_calls_come_with_their_ids_and_arguments():
    """As many as there are."""
    _, completion = answered("messages_tools.json")
    calls = completion.choices[0].message.tool_calls
    assert [(one.id, one.function.name, json.loads(one.function.arguments)) for one in calls] == [
        ("toolu_01A09q90qw90lq917835lq9", "get_weather", {"city": "Paris"}),
        ("toolu_01B09q90qw90lq917835lqA", "get_weather", {"city": "Oslo", "unit": "c"}),
    ]


def test_usage_counts_the_cache_as_openai_does():
    """Inside the prompt's tokens; reasoning inside the completion's."""
    _, completion = answered("messages_cache.json")
    assert completion.usage.prompt_tokens == 13021
    assert completion.usage.prompt_tokens_details.cached_tokens == 10000
    assert completion.usage.total_tokens == 13026
    _, completion = answered("messages_thinking.json")
    assert completion.usage.completion_tokens_details.reasoning_tokens == 48


def test_signed_reasoning_comes_back_as_it_went():
    """Anthropic wants it back with a tool's results, to the byte."""
    _, completion = answered("messages_thinking.json")
    message = completion.choices[0].message.model_dump(exclude_none=True)
    assert message["reasoning_content"] == "Compare tenths first."
    back = said(messages=[*HELLO, message, *HELLO])["messages"][1]["content"]
    assert back == json.loads(named("anthropic", "messages_thinking.json").body)["content"]


@pytest.mark.parametrize("one", STREAMS, ids=label)
def test_a_stream_says_what_the_whole_answer_would(one: Recording):
    """The SDK's own accumulator puts the chunks together."""
    seen = Seen("anthropic", 200, one.headers, one.body)
    with openai_client(seen).chat.completions.stream(
        model="smart", messages=HELLO, stream_options={"include_usage": True}
    ) as stream:  # type: ignore[arg-type, unused-ignore]
        completion = stream.get_final_completion()
    told = [json.loads(event.data) for event in one.events]
    expected = Usage(**one.expected["usage"])
    texts = [event["delta"]["text"] for event in told if event.get("delta", {}).get("type") == "text_delta"]
    assert completion.choices[0].message.content == "".join(texts)
    assert completion.usage
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == expected[:2]
    assert seen.spoken
    meter = seen.spoken.meter()
    meter.head(200, one.headers)
    meter.feed(one.body)
    assert meter.usage() == expected


def test_streamed_tool_calls_are_put_together():
    """Text before them, several of them, one without arguments."""
    one = named("anthropic", "messages_stream_tools.sse")
    with openai_client(Seen("anthropic", 200, one.headers, one.body)).chat.completions.stream(
        model="smart", messages=HELLO
    ) as stream:  # type: ignore[arg-type, unused-ignore]
        completion = stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls or []
    assert [(one.id, one.function.name, one.function.arguments) for one in calls] == [
        ("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather", '{"city": "Paris"}'),
        ("toolu_01T1x1fJ34qAmk2tNTrN7Up7", "get_time", "{}"),
    ]
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage is None


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_400.json", 400, openai.BadRequestError),
        ("error_401.json", 401, openai.AuthenticationError),
        ("error_429.json", 429, openai.RateLimitError),
        ("error_500.json", 500, openai.InternalServerError),
        ("error_529.json", 503, openai.InternalServerError),
    ],
)
def test_an_error_is_the_sdks_own(name: str, status: int, kind: type[openai.APIStatusError]):
    """The class its callers catch, with the provider's words."""
    with pytest.raises(kind) as raised:
        answered(name)
    assert raised.value.status_code == status
    assert json.loads(named("anthropic", name).body)["error"]["message"] in str(raised.value)
    assert raised.value.request_id == "req_1"


def test_an_error_before_content_may_be_another_targets_turn():
    """Its status is known, and what the client would get is a proper error."""
    one = named("anthropic", "messages_stream_error_first.sse")
    spoken = speak(asked("chat", model="smart", messages=HELLO, stream=True), "anthropic", "claude", 10, True)
    heard = spoken.heard()
    heard.head(200, one.headers)
    got = heard.feed(one.body) + heard.end()
    assert (heard.content, heard.failure) == (False, (529, "Overloaded"))
    assert json.loads(events(got)[-1].data)["error"]["message"] == "Overloaded"


@pytest.mark.parametrize("name", ["messages_stream_error_late.sse", "messages_stream_cut.sse"])
def test_a_stream_that_fails_after_content_raises_in_the_sdk(name: str):
    """An error event, or an end that was none: never a silent half answer."""
    with pytest.raises(openai.APIError):
        list(answered(name, stream=True)[1])


def test_a_stream_that_breaks_raises_in_the_sdk():
    """The break's own words."""
    one = named("anthropic", "messages_stream.sse")
    spoken = speak(asked("chat", model="smart", messages=HELLO, stream=True), "anthropic", "claude", 10, True)
    heard = spoken.heard()
    heard.head(200, one.headers)
    got = heard.feed(one.body[:900]) + heard.broken(UpstreamBroken("reset by the peer"))
    assert "reset by the peer" in json.loads(events(got)[-1].data)["error"]["message"]
    assert heard.feed(one.body[900:]) + heard.end() + heard.broken(UpstreamBroken("again")) == b""


@pytest.mark.parametrize("one", STREAMS, ids=label)
def test_a_translated_stream_is_the_same_however_it_was_split(one: Recording):
    """One byte at a time too."""
    spoken = speak(asked("chat", model="smart", messages=HELLO, stream=True), "anthropic", "claude", 10, True)
    results = []
    for size in (1, 7, 100, len(one.body)):
        heard = spoken.heard()
        heard.head(200, one.headers)
        pieces = [heard.feed(one.body[at : at + size]) for at in range(0, len(one.body), size)]
        results.append(b"".join(pieces) + heard.end())
    assert len(set(results)) == 1


def test_an_answer_too_long_to_hold_is_refused():
    """Memory is bounded."""
    heard = speak(asked("chat", model="smart", messages=HELLO), "anthropic", "claude", 10, True).heard()
    heard.head(200, [(b"content-type", b"application/json")])
    for _ in range(LARGEST // 1_000_000 + 1):
        assert heard.feed(b" " * 1_000_000) == b""
    assert b"cannot be translated" in heard.end()


def test_a_compressed_answer_is_told_to_be_unreadable():
    """It was asked not to be."""
    heard = speak(asked("chat", model="smart", messages=HELLO), "anthropic", "claude", 10, True).heard()
    status, _ = heard.head(200, [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")])
    said = json.loads(heard.feed(b"\x1f\x8b") + heard.end())
    assert status == 502
    assert "compressed" in said["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"garbage", b'{"type":"other"}'])
def test_an_answer_that_is_none_is_an_error(body: bytes):
    """And raises nothing."""
    heard = speak(asked("chat", model="smart", messages=HELLO), "anthropic", "claude", 10, True).heard()
    heard.head(200, [(b"content-type", b"application/json")])
    assert json.loads(heard.feed(body) + heard.end())["error"]["message"] == "The provider's answer is no message"
