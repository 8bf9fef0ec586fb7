"""A request in the provider's own dialect: the client's bytes but for three splices."""

import json
from typing import Any

import pytest
from test_llm_understand import HELLO, PATHS, asked, form

from seawall.llm.same import IMAGE_OUTPUT, SPOKEN_OUTPUT
from seawall.llm.seam import Asked, NotUnderstood, Operation, Spoken
from seawall.llm.speak import speak
from seawall.llm.understand import understand


def same(found: Asked, model: str = "m", *, stream_usage: bool = True) -> Spoken:
    """Say it to a provider of the client's dialect."""
    return speak(found, found.dialect, model, 4096, stream_usage)


def test_a_request_that_needs_no_change_is_the_clients_own_bytes():
    """Order, blanks, escapes and all."""
    body = b'{ "messages" : [ ], "max_tokens":1e0,"model":"m", "mod":"\\u0041" }'.replace(b"1e0", b"1")
    found = understand("openai", "chat", PATHS["chat"], b"application/json", body)
    assert same(found).body is body


def test_all_three_splices_change_nothing_else():
    """Model, cap and usage; what the client wrote keeps its bytes."""
    body = b'{"messages":[{"role":"user","content":"\\u00e9 \xc3\xa9"}],"stream":true , "model": "fast","x":1.10}'
    spoken = same(understand("openai", "chat", PATHS["chat"], b"", body), "gpt-5-mini")
    assert spoken.body == (
        b'{"max_completion_tokens":4096,"stream_options":{"include_usage":true},'
        + body[1:].replace(b"fast", b"gpt-5-mini")
    )


def test_splices_stand_where_they_belong_in_any_order():
    """The option before the model, the model before the option, limits that are null."""
    for body in (
        b'{"stream_options":{},"stream":true,"max_completion_tokens":null,"model":"fast"}',
        b'{"model":"fast","max_completion_tokens":null,"stream":true,"stream_options":{}}',
    ):
        spoken = same(understand("openai", "chat", PATHS["chat"], b"", body), "gpt-5-mini")
        changed = body.replace(b"fast", b"gpt-5-mini").replace(b"null", b"4096")
        assert spoken.body == changed.replace(b"{}", b'{"include_usage":true}')


@pytest.mark.parametrize(
    ("operation", "fields", "added", "bound"),
    [
        ("chat", {}, {"max_completion_tokens": 4096}, 4096),
        ("chat", {"n": 3}, {"max_completion_tokens": 4096}, 3 * 4096),
        ("chat", {"max_tokens": 100, "n": 2}, {}, 200),
        ("chat", {"max_completion_tokens": 100}, {}, 100),
        ("chat", {"max_tokens": None}, {"max_completion_tokens": 4096}, 4096),
        ("chat", {"max_completion_tokens": None}, {"max_completion_tokens": 4096}, 4096),
        ("chat", {"max_tokens": 9, "prediction": {"type": "content", "content": "abc"}}, {}, 9 + 34),
        ("responses", {"input": "x"}, {"max_output_tokens": 4096}, 4096),
        ("completions", {"prompt": "x"}, {"max_tokens": 16}, 16),
        ("completions", {"prompt": ["x", "y"], "best_of": 3}, {"max_tokens": 16}, 96),
        ("messages", {"messages": HELLO}, {"max_tokens": 4096}, 4096),
        ("messages", {"max_tokens": 5, "thinking": {"budget_tokens": 4000}}, {}, 4000),
        ("count_tokens", {"messages": HELLO}, {}, 0),
        ("embeddings", {"input": "x"}, {}, 0),
        ("moderations", {"input": "x"}, {}, 0),
        ("images", {"prompt": "x", "n": 2}, {}, 2 * IMAGE_OUTPUT),
        ("audio", {"input": "x", "voice": "alloy"}, {}, SPOKEN_OUTPUT),
    ],
)
def test_a_cap_is_put_in_where_the_client_set_none(
    operation: Operation, fields: dict[str, Any], added: dict[str, int], bound: int
):
    """And what the body allows is what may be reserved, all choices together."""
    found = asked(operation, model="m", **fields)
    spoken = same(found)
    assert json.loads(spoken.body) == {**json.loads(found.body), **added}
    assert spoken.output_bound == bound


@pytest.mark.parametrize(
    ("operation", "fields", "understood", "options"),
    [
        ("chat", {"stream": True}, True, {"include_usage": True}),
        ("chat", {"stream": True}, False, None),
        ("chat", {"stream": True, "stream_options": None}, True, {"include_usage": True}),
        ("chat", {"stream": True, "stream_options": {"include_obfuscation": False}}, True,
         {"include_obfuscation": False, "include_usage": True}),
        ("chat", {"stream": True, "stream_options": {"include_usage": False}}, True, {"include_usage": True}),
        ("chat", {"stream": True, "stream_options": {"include_usage": True}}, True, {"include_usage": True}),
        ("chat", {"stream": False}, True, None),
        ("completions", {"stream": True, "prompt": "x"}, True, {"include_usage": True}),
        ("responses", {"stream": True, "input": "x"}, True, None),
        ("messages", {"stream": True}, True, None),
    ],
)  # fmt: skip
def test_usage_is_asked_for_where_a_stream_would_not_tell_it(
    operation: Operation, fields: dict[str, Any], understood: bool, options: dict[str, bool] | None
):
    """Chat and completions only, and not of servers that refuse the option."""
    spoken = same(asked(operation, model="m", max_tokens=5, **fields), stream_usage=understood)
    assert json.loads(spoken.body).get("stream_options") == options


def test_the_usage_chunk_is_hidden_from_whom_did_not_ask_and_from_nobody_else():
    """The one we asked for, not the client's own."""
    chunk = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    for fields, shown in (({}, b""), ({"stream_options": {"include_usage": True}}, chunk)):
        heard = same(asked("chat", model="m", stream=True, **fields)).heard()
        heard.head(200, [(b"content-type", b"text/event-stream")])
        assert heard.feed(chunk) == shown


@pytest.mark.parametrize(
    ("operation", "path", "below"),
    [
        ("chat", b"/chat/completions", b"/chat/completions"),
        ("chat", b"/v1/chat/completions", b"/chat/completions"),
        ("messages", b"/messages?beta=true", b"/v1/messages?beta=true"),
        ("messages", b"/v1/messages", b"/v1/messages"),
        ("count_tokens", b"/v1/messages/count_tokens", b"/v1/messages/count_tokens"),
    ],
)
def test_the_path_is_the_providers(operation: Operation, path: bytes, below: bytes):
    """OpenAI's address ends in /v1, Anthropic's does not."""
    dialect = "anthropic" if operation in ("messages", "count_tokens") else "openai"
    found = understand(dialect, operation, path, b"", b'{"model":"m"}')
    assert same(found).path == below
    headers = dict(same(found).headers)
    assert headers[b"accept-encoding"] == b"identity"
    assert (b"anthropic-version" in headers) == (dialect == "anthropic")


def test_a_forms_model_is_replaced_where_it_stands():
    """The file's bytes are not looked at."""
    kind, body = form(('file"; filename="a.mp3', b"RIFF\x00model\r\n"), ("model", b"whisper"), ("language", b"en"))
    found = understand("openai", "audio", b"/audio/transcriptions", kind, body)
    spoken = same(found, "whisper-1")
    assert spoken.body == body.replace(b"whisper", b"whisper-1")
    assert dict(spoken.headers)[b"content-type"] == kind
    assert same(found, "whisper").body is body


def test_each_attempt_is_heard_and_metered_anew():
    """Nothing of one attempt reaches the next."""
    spoken = same(asked("chat", model="m"))
    assert spoken.heard() is not spoken.heard()
    assert spoken.meter() is not spoken.meter()


def test_what_no_target_can_be_asked_is_said_plainly():
    """With the operation, both dialects, and what to do."""
    with pytest.raises(NotUnderstood, match="embeddings of the openai dialect cannot be asked of anthropic"):
        speak(asked("embeddings", model="m", input="x"), "anthropic", "claude", 4096, True)
