"""What a client asks: read from its body, bounded, or refused with the field named."""

import json
from typing import Any

import pytest

from seawall.llm import bounds
from seawall.llm.extras import Extras, extras
from seawall.llm.seam import Asked, NotUnderstood, Operation
from seawall.llm.understand import understand

PATHS = {
    "chat": b"/chat/completions", "responses": b"/responses", "embeddings": b"/embeddings",
    "completions": b"/completions", "moderations": b"/moderations", "images": b"/images/generations",
    "audio": b"/audio/speech", "messages": b"/v1/messages", "count_tokens": b"/v1/messages/count_tokens",
}  # fmt: skip
HELLO = [{"role": "user", "content": "Hello"}]


def asked(operation: Operation, **fields: Any) -> Asked:
    """Understand a JSON body."""
    dialect = "anthropic" if operation in ("messages", "count_tokens") else "openai"
    return understand(dialect, operation, PATHS[operation], b"application/json", json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("operation", "fields", "most", "choices"),
    [
        ("chat", {}, None, 1),
        ("chat", {"max_tokens": 5}, 5, 1),
        ("chat", {"max_completion_tokens": 7, "n": 3}, 7, 3),
        ("chat", {"max_tokens": 5, "max_completion_tokens": 900}, 900, 1),
        ("chat", {"max_tokens": None, "n": None}, None, 1),
        ("responses", {"input": "x", "max_output_tokens": 16}, 16, 1),
        ("completions", {"prompt": "x", "max_tokens": 5, "n": 2, "best_of": 4}, 5, 4),
        ("completions", {"prompt": ["x", "y", "z"], "n": 2}, None, 6),
        ("completions", {"prompt": [1, 2, 3]}, None, 1),
        ("completions", {"prompt": [[1, 2], [3]]}, None, 2),
        ("messages", {"max_tokens": 64}, 64, 1),
        ("messages", {"max_tokens": 64, "thinking": {"type": "enabled", "budget_tokens": 2048}}, 2048, 1),
        ("images", {"prompt": "x", "n": 4}, None, 4),
        ("embeddings", {"input": ["a", "b"]}, None, 1),
    ],
)
def test_every_field_that_limits_the_output_is_read(
    operation: Operation, fields: dict[str, Any], most: int | None, choices: int
):
    """The largest counts, since a provider takes one of them; several answers are several outputs."""
    found = asked(operation, model="m", **fields)
    assert (found.max_output, found.choices, found.model) == (most, choices, "m")


@pytest.mark.parametrize(
    ("operation", "fields", "param"),
    [
        ("chat", {}, "model"),
        ("chat", {"model": ""}, "model"),
        ("chat", {"model": 7}, "model"),
        ("chat", {"model": "m" * 257}, "model"),
        ("chat", {"model": "m", "max_tokens": 0}, "max_tokens"),
        ("chat", {"model": "m", "max_tokens": -5}, "max_tokens"),
        ("chat", {"model": "m", "max_completion_tokens": 1e30}, "max_completion_tokens"),
        ("chat", {"model": "m", "max_tokens": "100"}, "max_tokens"),
        ("chat", {"model": "m", "n": True}, "n"),
        ("chat", {"model": "m", "stream": "yes"}, "stream"),
        ("chat", {"model": "m", "stream_options": []}, "stream_options"),
        ("responses", {"model": "m", "background": True}, "background"),
        ("messages", {"model": "m", "thinking": {"budget_tokens": "many"}}, "budget_tokens"),
    ],
)
def test_a_field_that_is_wrong_is_named(operation: Operation, fields: dict[str, Any], param: str):
    """Before anything was sent."""
    with pytest.raises(NotUnderstood) as refused:
        asked(operation, **fields)
    assert refused.value.param == param
    assert param in refused.value.message


@pytest.mark.parametrize(
    ("operation", "fields", "streams"),
    [
        ("chat", {"stream": True}, True),
        ("chat", {"stream": None}, False),
        ("chat", {"stream_format": "sse"}, False),
        ("audio", {"input": "x", "stream_format": "sse"}, True),
        ("audio", {"input": "x", "stream_format": "audio"}, False),
    ],
)
def test_who_wants_a_stream(operation: Operation, fields: dict[str, Any], streams: bool):
    """Speech says so in a field of its own."""
    assert asked(operation, model="m", **fields).stream == streams


@pytest.mark.parametrize("key", ["model", "max_tokens", "n", "messages", "stream", "stream_options", "tools"])
def test_what_decides_the_bill_is_said_once(key: str):
    """Parsers differ about which of two counts, so neither is believed; escapes do not hide the second."""
    escaped = f"\\u{ord(key[0]):04x}{key[1:]}"
    body = f'{{"model":"m","{key}":null,"{escaped}":null}}'.replace('"model":"m","model":null', '"model":"m"')
    with pytest.raises(NotUnderstood, match="given twice"):
        understand("openai", "chat", b"/chat/completions", b"", body.encode())


@pytest.mark.parametrize("key", ["model", "max_tokens", "n", "messages", "stream", "stream_options", "tools"])
def test_what_decides_the_bill_is_not_said_twice_plainly_either(key: str):
    """Nor with other members between the two."""
    body = f'{{"model":"m","{key}":null,"user":"a","{key}":null}}'
    with pytest.raises(NotUnderstood, match="given twice"):
        understand("openai", "chat", b"/chat/completions", b"", body.encode())


def test_what_only_looks_like_a_key_is_said_by_nobody():
    """Texts, keys further in, and quotes that are escaped."""
    body = b'{"model":"m","n":1,"user":"model","metadata":{"n":"n","model":"\\"n\\""},"stop":["\\\\","n","\\"model"]}'
    found = understand("openai", "chat", b"/chat/completions", b"", body)
    assert (found.model, found.choices) == ("m", 1)


def test_what_decides_nothing_may_be_said_twice():
    """It passes as it came."""
    understand("openai", "chat", b"/chat/completions", b"", b'{"model":"m","user":"a","user":"b"}')


def test_text_costs_at_most_its_bytes():
    """Roles, tools and escapes are bytes of the body too."""
    found = asked("chat", model="m", messages=HELLO)
    assert found.input_bound == len(found.body)


PICTURE = "data:image/png;base64," + "A" * 100_000
SOUND = "A" * 24_000


@pytest.mark.parametrize(
    ("operation", "fields", "added"),
    [
        ("chat", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]},
         bounds.IMAGE - len(PICTURE)),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/"}}]}]},
         bounds.IMAGE - 9),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
         bounds.FILE),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": SOUND}}]}]},
         1001 - len(SOUND)),
        ("chat", {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, bounds.AUDIO),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, None),
        ("chat", {"messages": HELLO, "web_search_options": {}}, None),
        ("responses", {"input": "x", "previous_response_id": "r"}, bounds.FILE),
        ("responses", {"input": "x", "tools": [{"type": "function", "name": "f"}]}, 0),
        ("responses", {"input": "x", "tools": [{"type": "web_search"}]}, None),
        ("responses", {"input": "x", "tools": [{"type": "web_search"}], "max_tool_calls": 2}, 2 * bounds.FILE),
        ("responses", {"input": "x", "tools": [{"type": "file_search"}], "max_tool_calls": True}, None),
        ("responses", {"input": "x", "tools": [{"type": "mcp"}], "max_tool_calls": 2}, None),
        ("messages", {"messages": HELLO, "tools": [{"type": "web_search_20250305", "max_uses": 3}]},
         bounds.TOOL_PROMPT + bounds.OWN_TOOL + 3 * bounds.FILE),
        ("messages", {"messages": HELLO, "tools": [{"type": "code_execution_20250825", "max_uses": 3}]}, None),
        ("responses", {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PICTURE}]}]},
         bounds.IMAGE - len(PICTURE)),
        ("responses", {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, 0),
        ("responses", {"input": [{"type": "item_reference", "id": "i"}]}, bounds.FILE),
        ("messages", {"messages": HELLO, "tools": [{"name": "f", "input_schema": {}}]}, bounds.TOOL_PROMPT),
        ("messages", {"messages": HELLO, "tools": [{"type": "bash_20250124", "name": "bash"}]},
         bounds.TOOL_PROMPT + bounds.OWN_TOOL),
        ("messages", {"messages": HELLO, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, None),
        ("messages", {"messages": HELLO, "mcp_servers": [{"url": "http://x/"}]}, None),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]}]}]},
         bounds.IMAGE - len(PICTURE)),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "document", "source": {
            "type": "text", "media_type": "text/plain", "data": "x"}}]}]}, 0),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "document", "source": {
            "type": "base64", "media_type": "application/pdf", "data": "AAAA"}}]}]}, bounds.FILE - 4),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}, None),
    ],
)  # fmt: skip
def test_what_is_no_text_has_a_named_bound_or_none(operation: Operation, fields: dict[str, Any], added: int | None):
    """Data is not counted as text; what a provider adds unseen has no bound."""
    found = asked(operation, model="m", **fields)
    assert found.input_bound == (None if added is None else len(found.body) + added)


@pytest.mark.parametrize(
    ("operation", "fields", "found"),
    [
        ("chat", {"messages": HELLO}, Extras()),
        ("chat", {"service_tier": "auto"}, Extras()),
        ("chat", {"service_tier": "flex"}, Extras()),
        ("chat", {"service_tier": "priority"}, Extras("priority")),
        ("responses", {"service_tier": "fast"}, Extras("fast")),
        ("messages", {"speed": "fast", "service_tier": "priority"}, Extras("priority and fast")),
        ("messages", {"speed": 7, "tools": 7}, Extras()),
        ("messages", {"inference_geo": "us"}, Extras(beyond="inference_geo")),
        ("chat", {"web_search_options": {}}, Extras(beyond="web_search_options")),
        ("responses", {"tools": [{"type": "code_interpreter"}, 7]}, Extras(beyond="code_interpreter")),
        ("responses", {"tools": [{"type": "web_search"}], "max_tool_calls": 3}, Extras(tools=3)),
        ("responses", {"tools": [{"type": "web_search"}]}, Extras()),
        ("responses", {"tools": [{"type": "function"}], "max_tool_calls": 3}, Extras()),
        ("messages", {"tools": [{"type": "web_search_20250305", "max_uses": 2}, {"type": "custom"}]}, Extras(tools=2)),
        ("messages", {"tools": [{"type": "web_fetch_20250910", "max_uses": 2}]}, Extras(tools=2)),
    ],
)
def test_what_is_asked_for_beyond_tokens_at_the_list_price(operation: Operation, fields: dict[str, Any], found: Extras):
    """A dearer tier, tools billed by the call as far as the request bounds them, and what has no price by name."""
    assert extras(operation, fields) == found


def form(*parts: tuple[str, bytes], boundary: str = "b0undary") -> tuple[bytes, bytes]:
    """Return content type and body of a form; a name with a semicolon is a file's."""
    pieces = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in parts
    ]
    return f'multipart/form-data; boundary="{boundary}"'.encode(), b"".join(pieces) + f"--{boundary}--\r\n".encode()


def test_a_recording_is_asked_about_in_a_form():
    """Model and stream are read; the file is not."""
    kind, body = form(("model", b"whisper-1"), ('file"; filename="a.mp3', b"\r\n--b0 \x00\xff"), ("stream", b"true"))
    found = understand("openai", "audio", b"/audio/transcriptions", kind, body)
    assert (found.model, found.stream, found.document, found.body) == ("whisper-1", True, None, body)
    assert found.input_bound is not None
    assert found.input_bound >= bounds.AUDIO


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([("prompt", b"x")], "model must name"),
        ([("model", b"a"), ("model", b"b")], "given twice"),
        ([("model", b"a")] * 65, "more than 64"),
        ([('file"; filename="x', b"y")], "no text field"),
    ],
)
def test_a_form_that_says_no_model_is_refused(parts: list[tuple[str, bytes]], says: str):
    """With the reason."""
    kind, body = form(*parts)
    with pytest.raises(NotUnderstood, match=says):
        understand("openai", "audio", b"/audio/transcriptions", kind, body)


@pytest.mark.parametrize("kind", [b"multipart/form-data", b'multipart/form-data; boundary=""'])
def test_a_form_needs_its_boundary(kind: bytes):
    """It cannot be cut without."""
    with pytest.raises(NotUnderstood, match="boundary"):
        understand("openai", "audio", b"/audio/transcriptions", kind, form(("model", b"a"))[1])


def test_a_form_that_is_cut_off_is_refused():
    """Its last part has no end."""
    kind, body = form(("model", b"a"))
    with pytest.raises(NotUnderstood, match="cut off"):
        understand("openai", "audio", b"/audio/transcriptions", kind, body[:-20])
