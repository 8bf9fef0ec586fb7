"""Anthropic's clients in front of OpenAI: requests, answers, streams and errors, as the real SDKs read them."""

import json
from typing import Any

import anthropic
import pytest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from recordings import Recording, label, named, recordings
from sdk_clients import Seen, anthropic_client, conforms
from test_llm_understand import HELLO, asked

from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.usage import Usage
from seawall.llm.seam import NotUnderstood
from seawall.llm.speak import speak
from seawall.llm.sse import events

STREAMS = [
    one
    for one in recordings()
    if one.api == "openai" and one.name.startswith("chat_stream") and "usage" in one.expected
]
TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}


def said(*, stream_usage: bool = True, **fields: Any) -> dict[str, Any]:
    """Return what OpenAI is asked."""
    found = asked("messages", **{"model": "smart", "messages": HELLO, "max_tokens": 64, **fields})
    spoken = speak(found, "openai", "gpt-5-mini", 4096, stream_usage)
    body: dict[str, Any] = json.loads(spoken.body)
    conforms(CompletionCreateParamsStreaming if fields.get("stream") else CompletionCreateParamsNonStreaming, body)
    assert spoken.path == b"/chat/completions"
    assert spoken.output_bound == body["max_completion_tokens"]
    return body


def user(*content: Any) -> dict[str, Any]:
    """Return a turn of the user."""
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, {}),
        ({"max_tokens": None}, {"max_completion_tokens": 4096}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"stop_sequences": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 9000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning_effort": "max"}),
        ({"thinking": {"type": "disabled"}, "cache_control": {"type": "ephemeral"}}, {}),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
         {"response_format": {"type": "json_schema",
                              "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}}}),
        ({"tools": [{**TOOL, "type": "custom", "strict": True}]},
         {"tools": [{"type": "function", "function": {
             "name": "f", "description": "d", "strict": True, "parameters": {"type": "object"}}}]}),
    ],
)  # fmt: skip
def test_what_maps_is_mapped(fields: dict[str, Any], made: dict[str, Any]):
    """Into exactly this, in fields that OpenAI's SDK knows."""
    expected = {"model": "gpt-5-mini", "max_completion_tokens": 64, "messages": HELLO}
    assert said(**fields) == expected | made


def test_usage_is_not_asked_of_servers_that_refuse_it():
    """`stream_usage = false`."""
    assert "stream_options" not in said(stream=True, stream_usage=False)


@pytest.mark.parametrize(
    ("choice", "made", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "none"}, "none", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}, None),
        (None, None, None),
    ],
)
def test_every_choice_of_tools(choice: Any, made: Any, parallel: bool | None):
    """Which may, must or must not be called, and how many at once."""
    body = said(tools=[TOOL], tool_choice=choice)
    assert (body.get("tool_choice"), body.get("parallel_tool_calls")) == (made, parallel)


def test_a_conversation_with_tools_and_pictures():
    """Results follow their calls, pictures in them come as the user's, reasoning stays behind."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    body = said(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "Be kind."}],
        messages=[
            {"role": "user", "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                {"type": "document", "title": "a.pdf", "source": PDF},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Plain."}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Wait."},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "g", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "t2", "is_error": True,
                 "content": [{"type": "text", "text": "two"}, image]},
                {"type": "text", "text": "And?"}]},
            {"role": "system", "content": "Now be quick."},
            {"role": "user", "content": "Well?"},
        ],
        tools=[TOOL],
    )  # fmt: skip
    call = lambda key, name, text: {  # noqa: E731 - a word for it
        "id": key, "type": "function", "function": {"name": name, "arguments": text}}  # fmt: skip
    assert body["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"type": "text", "text": "Plain."}]},
        {"role": "assistant", "content": "Wait.", "tool_calls": [call("t1", "f", '{"a":1}'), call("t2", "g", "{}")]},
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": "Error:\ntwo"},
        {"role": "user", "content": [
            {"type": "text", "text": "From the result of t2:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
            {"type": "text", "text": "And?"}]},
        {"role": "system", "content": "Now be quick."},
        {"role": "user", "content": "Well?"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"top_k": 5}, "top_k"),
        ({"stop_sequences": list("abcde")}, "stop_sequences"),
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
        ({"speed": "fast"}, "speed"),
        ({"invented": 0}, "invented"),
        ({"service_tier": "batch"}, "service_tier"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"output_config": {"task_budget": 5}}, "output_config.task_budget"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [TOOL], "tool_choice": {"type": "other"}}, "tool_choice"),
        ({"messages": []}, "messages"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "It begins"}]}, "messages[1]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        (user({"type": "search_result", "content": []}), "messages[0].content[0].type"),
        (user({"type": "image", "source": {"type": "file", "file_id": "f"}}), "messages[0].content[0].source.type"),
        (user({"type": "document", "source": PDF, "citations": {"enabled": True}}), "messages[0].content[0].citations"),
        ({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}, *HELLO]},
         "messages[0].content[0].type"),
        ({"system": [{"type": "image"}]}, "system[0].type"),
    ],
)  # fmt: skip
def test_what_does_not_map_is_refused_by_name(fields: dict[str, Any], param: str):
    """Never left out in silence."""
    with pytest.raises(NotUnderstood) as refused:
        said(**fields)
    assert refused.value.param == param
    assert param in refused.value.message


def test_tokens_cannot_be_counted_by_openai():
    """Nor are they guessed."""
    with pytest.raises(NotUnderstood, match="count_tokens of the anthropic dialect"):
        speak(asked("count_tokens", model="smart", messages=HELLO), "openai", "gpt-5-mini", 1, True)


def answered(name: str, **fields: Any) -> Any:
    """Ask with Anthropic's SDK, answer with a recording of OpenAI's; return what the SDK made of it."""
    one = named("openai", name)
    client = anthropic_client(Seen("openai", one.status, one.headers, one.body))
    return client.messages.create(model="smart", max_tokens=64, messages=HELLO, **fields)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "reason", "kinds"),
    [
        ("chat.json", "end_turn", ["text"]),
        ("chat_tools.json", "tool_use", ["tool_use", "tool_use"]),
        ("chat_refusal.json", "refusal", ["text"]),
        ("chat_deepseek.json", "end_turn", ["thinking", "text"]),
    ],
)
def test_an_answer_is_a_message_to_the_sdk(name: str, reason: str, kinds: list[str]):
    """With every reason to stop, under the client's own name for the model."""
    message = answered(name)
    assert (message.model, message.stop_reason) == ("smart", reason)
    assert [block.type for block in message.content] == kinds


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_tokens"), ("content_filter", "refusal")])
def test_other_reasons_to_stop(finish: str, reason: str):
    """Cut off, or filtered."""
    one = named("openai", "chat.json")
    seen = Seen("openai", 200, one.headers, one.body.replace(b'"stop"', f'"{finish}"'.encode()))
    message = anthropic_client(seen).messages.create(model="smart", max_tokens=64, messages=HELLO)  # type: ignore[arg-type, unused-ignore]
    assert message.stop_reason == reason


def test_tool_calls_come_with_their_ids_and_arguments():
    """As many as there are; arguments that are no object are handed on under a name that says so."""
    message = answered("chat_tools.json")
    assert [(one.id, one.name, one.input) for one in message.content] == [
        ("call_abc123", "get_weather", {"city": "Paris"}),
        ("call_def456", "get_weather", {"city": "Oslo", "unit": "c"}),
    ]
    one = named("openai", "chat_tools.json")
    seen = Seen("openai", 200, one.headers, one.body.replace(b'"{\\"city\\":\\"Paris\\"}"', b'"{\\"city"'))
    message = anthropic_client(seen).messages.create(model="smart", max_tokens=64, messages=HELLO)  # type: ignore[arg-type, unused-ignore]
    assert message.content[0].input == {"invalid_arguments": '{"city'}


def test_usage_counts_the_cache_as_anthropic_does():
    """Beside the input's tokens."""
    usage = answered("chat.json").usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (93, 1024, 46)
    assert usage.output_tokens_details.thinking_tokens == 20


@pytest.mark.parametrize("one", [one for one in STREAMS if one.name != "chat_stream_n.sse"], ids=label)
def test_a_stream_says_what_the_whole_answer_would(one: Recording):
    """The SDK's own accumulator puts the events together."""
    seen = Seen("openai", 200, one.headers, one.body)
    with anthropic_client(seen).messages.stream(model="smart", max_tokens=64, messages=HELLO) as stream:  # type: ignore[arg-type, unused-ignore]
        message = stream.get_final_message()
    told = [json.loads(event.data) for event in one.events if event.data != b"[DONE]"]
    deltas = [chunk["choices"][0]["delta"] for chunk in told if chunk["choices"]]
    words = "".join(delta.get("content") or "" for delta in deltas)
    assert "".join(block.text for block in message.content if block.type == "text") == words
    expected = Usage(**one.expected["usage"])
    cached = message.usage.cache_read_input_tokens or 0
    assert (message.usage.input_tokens + cached, message.usage.output_tokens) == expected[:2]
    assert seen.spoken
    meter = seen.spoken.meter()
    meter.head(200, one.headers)
    meter.feed(one.body)
    assert meter.usage() == expected


def test_streamed_tool_calls_are_put_together():
    """Several of them, by their indexes."""
    one = named("openai", "chat_stream_tools.sse")
    seen = Seen("openai", 200, one.headers, one.body)
    with anthropic_client(seen).messages.stream(model="smart", max_tokens=64, messages=HELLO) as stream:  # type: ignore[arg-type, unused-ignore]
        message = stream.get_final_message()
    assert [(one.id, one.name, one.input) for one in message.content if one.type == "tool_use"] == [
        ("call_DdmO9pD3xa9XTPNJ32zg2hcA", "get_weather", {"city": "Paris"}),
        ("call_0pD3xa9XTPNJ32zg2hcAxx", "get_weather", {"city": "Oslo"}),
    ]
    assert message.stop_reason == "tool_use"


def test_streamed_reasoning_is_a_thinking_block():
    """Before the text, and closed before it."""
    one = named("openai", "chat_stream_reasoning.sse")
    seen = Seen("openai", 200, one.headers, one.body)
    with anthropic_client(seen).messages.stream(model="smart", max_tokens=64, messages=HELLO) as stream:  # type: ignore[arg-type, unused-ignore]
        kinds = [event.type for event in stream if event.type.startswith("content_block_st")]
        message = stream.get_final_message()
    assert kinds == ["content_block_start", "content_block_stop"] * 2
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_a_streamed_refusal_is_told_as_one():
    """Its words are text, its end is a refusal."""
    one = named("openai", "chat_stream.sse")
    seen = Seen("openai", 200, one.headers, one.body.replace(b'{"content":', b'{"refusal":'))
    with anthropic_client(seen).messages.stream(model="smart", max_tokens=64, messages=HELLO) as stream:  # type: ignore[arg-type, unused-ignore]
        message = stream.get_final_message()
    assert message.stop_reason == "refusal"
    assert [block.text for block in message.content if block.type == "text"] == ["A lighthouse by the sea."]


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_400.json", 400, anthropic.BadRequestError),
        ("error_401.json", 401, anthropic.AuthenticationError),
        ("error_429.json", 429, anthropic.RateLimitError),
        ("error_500.json", 500, anthropic.InternalServerError),
    ],
)
def test_an_error_is_the_sdks_own(name: str, status: int, kind: type[anthropic.APIStatusError]):
    """The class its callers catch, with the provider's words, in Anthropic's shape."""
    with pytest.raises(kind) as raised:
        answered(name)
    assert raised.value.status_code == status
    body: Any = raised.value.body
    assert body["error"]["message"] == json.loads(named("openai", name).body)["error"]["message"]
    assert raised.value.request_id == "req_1"


@pytest.mark.parametrize(
    ("name", "status"), [("chat_stream_error_first.sse", 500), ("chat_stream_error_code.sse", 429)]
)
def test_an_error_before_content_may_be_another_targets_turn(name: str, status: int):
    """Its status is known, and what the client would get is a proper error."""
    one = named("openai", name)
    heard = speak(asked("messages", model="m", messages=HELLO, stream=True), "openai", "gpt", 10, True).heard()
    heard.head(200, one.headers)
    got = heard.feed(one.body) + heard.end()
    assert heard.failure
    assert (heard.content, heard.failure[0]) == (False, status)
    assert events(got)[-1].kind == b"error"


@pytest.mark.parametrize("name", ["chat_stream_error_late.sse", "chat_stream_cut.sse"])
def test_a_stream_that_fails_after_content_raises_in_the_sdk(name: str):
    """An error event, or an end that was none: never a silent half answer."""
    with pytest.raises(anthropic.APIError):
        list(answered(name, stream=True))


def test_a_stream_that_breaks_ends_in_an_error_event():
    """With the break's own words, and nothing after it."""
    one = named("openai", "chat_stream.sse")
    heard = speak(asked("messages", model="m", messages=HELLO, stream=True), "openai", "gpt", 10, True).heard()
    heard.head(200, one.headers)
    got = heard.feed(one.body[:900]) + heard.broken(UpstreamBroken("reset by the peer"))
    last = events(got)[-1]
    assert last.kind == b"error"
    assert "reset by the peer" in json.loads(last.data)["error"]["message"]
    assert heard.feed(one.body[900:]) + heard.end() == b""


@pytest.mark.parametrize("one", STREAMS, ids=label)
def test_a_translated_stream_is_the_same_however_it_was_split(one: Recording):
    """One byte at a time too."""
    spoken = speak(asked("messages", model="m", messages=HELLO, stream=True), "openai", "gpt", 10, True)
    results = []
    for size in (1, 7, 100, len(one.body)):
        heard = spoken.heard()
        heard.head(200, one.headers)
        pieces = [heard.feed(one.body[at : at + size]) for at in range(0, len(one.body), size)]
        results.append(b"".join(pieces) + heard.end())
    assert len(set(results)) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices":[]}', b'{"choices":[{"message":null}]}'])
def test_an_answer_that_is_none_is_an_error(body: bytes):
    """And raises nothing."""
    heard = speak(asked("messages", model="m", messages=HELLO), "openai", "gpt", 10, True).heard()
    heard.head(200, [(b"content-type", b"application/json")])
    said = json.loads(heard.feed(body) + heard.end())
    assert said["error"]["message"] == "The provider's answer is no chat completion"
