"""Requests of both dialects as Converse requests, judged by Bedrock's own service description and boto3's bytes."""

import json

import boto3
import pytest
from bedrock_model import judge
from botocore.config import Config

from seawall.llm.seam import NotUnderstood
from seawall.llm.speak import speak
from seawall.llm.understand import understand

PNG = "iVBORw0KGgo="
NOVA, CLAUDE = "amazon.nova-lite-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": SCHEMA}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Berlin"}'}}
HELLO = [{"role": "user", "content": "Hello"}]


def chat(model=NOVA, most=4096, **document):
    """Return a chat completion in Bedrock's words."""
    body = json.dumps({"model": "fast", "messages": HELLO, **document}).encode()
    asked = understand("openai", "chat", b"/chat/completions", b"application/json", body)
    return speak(asked, "bedrock", model, most, True)


def message(model=CLAUDE, most=4096, **document):
    """Return a message of Anthropic's dialect in Bedrock's words."""
    body = json.dumps({"model": "fast", "max_tokens": 100, "messages": HELLO, **document}).encode()
    asked = understand("anthropic", "messages", b"/v1/messages", b"application/json", body)
    return speak(asked, "bedrock", model, most, True)


def said(spoken):
    """Return the body of a request that Bedrock's description accepts."""
    judge(spoken)
    return json.loads(spoken.body)


def sent_by_boto3(model, params, operation="converse"):
    """Return method, path and body that boto3 puts on the wire for the same call."""
    client = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
                          config=Config(retries={"max_attempts": 0}))  # fmt: skip
    seen = []

    class Seen(Exception):
        pass

    def look(request, **_):
        seen.append(request)
        raise Seen

    client.meta.events.register("before-send", look)
    with pytest.raises(Seen):
        getattr(client, operation)(modelId=model, **params)
    request = seen[0]
    return request.method, request.url.partition("amazonaws.com")[2], json.loads(request.body)


ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
SERVED = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"


@pytest.mark.parametrize("model", [NOVA, CLAUDE, ARN, SERVED, "meta.llama3-1-8b-instruct-v1:0"])
@pytest.mark.parametrize("stream", [False, True])
def test_path_and_body_are_those_boto3_sends(model, stream):
    """Model ids with colons, inference profiles and ARNs go into the path byte for byte as boto3 writes them."""
    spoken = chat(model, stream=stream, temperature=0.5, tools=[TOOL], messages=[
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"},
                                     {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]},
    ])  # fmt: skip
    params = judge(spoken)
    del params["modelId"]
    method, path, body = sent_by_boto3(model, params, "converse_stream" if stream else "converse")
    assert (spoken.method.decode(), spoken.path.decode()) == (method, path)
    assert json.loads(spoken.body) == body


def test_a_chat_with_everything():
    """System, pictures, files, tools, tool calls and results, limits and formats each find their place."""
    spoken = chat(
        CLAUDE, max_completion_tokens=77, temperature=0.2, top_p=0.9, stop="END", tools=[TOOL], tool_choice="required",
        reasoning_effort="low", service_tier="priority", user="u1", metadata={"a": "b"},
        response_format={"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}},
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look"}, {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PNG}", "detail": "low"}},
                {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "x.pdf"}},
                {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
            {"role": "tool", "tool_call_id": "call_2", "content": ""},
            {"role": "user", "content": "And now?"},
            {"role": "system", "content": "Be kind."},
        ])  # fmt: skip
    assert said(spoken) == {
        "system": [{"text": "Be brief."}, {"text": "Be kind."}],
        "messages": [
            {"role": "user", "content": [
                {"text": "Look"}, {"image": {"format": "jpeg", "source": {"bytes": PNG}}},
                {"document": {"format": "pdf", "name": "document 1-3", "source": {"bytes": PNG}}},
                {"audio": {"format": "wav", "source": {"bytes": PNG}}}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Berlin"}}},
                {"toolUse": {"toolUseId": "call_2", "name": "weather", "input": {"city": "Berlin"}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Sunny"}]}},
                {"toolResult": {"toolUseId": "call_2", "content": [{"text": "(no output)"}]}}, {"text": "And now?"}]},
        ],
        "inferenceConfig": {"maxTokens": 77, "temperature": 0.2, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "description": "Of a city",
                                               "inputSchema": {"json": SCHEMA}}}], "toolChoice": {"any": {}}},
        "outputConfig": {"effort": "low", "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
            "name": "place", "schema": json.dumps(SCHEMA, separators=(",", ":"))}}}},
        "serviceTier": {"type": "priority"},
    }  # fmt: skip
    assert spoken.output_bound == 77


def test_a_message_with_everything():
    """Anthropic's system, cache marks, thinking, pictures, documents, tools and results each find their place."""
    mark = {"type": "ephemeral"}
    spoken = message(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {**mark, "ttl": "1h"}}], temperature=1, top_k=5,
        stop_sequences=["END"], thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000,
        tools=[{"name": "weather", "description": "Of a city", "input_schema": SCHEMA, "cache_control": mark}],
        tool_choice={"type": "tool", "name": "weather"}, metadata={"user_id": "u1"},
        messages=[
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": PNG}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PNG}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Notes"}},
                {"type": "text", "text": "Look", "cache_control": mark}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, {"type": "redacted_thinking", "data": PNG},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Berlin"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [
                    {"type": "text", "text": "No"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]}]},
        ])  # fmt: skip
    assert said(spoken) == {
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": [
                {"image": {"format": "webp", "source": {"bytes": PNG}}},
                {"document": {"format": "pdf", "name": "document 0-1", "source": {"bytes": PNG}}},
                {"document": {"format": "txt", "name": "document 0-2", "source": {"text": "Notes"}}},
                {"text": "Look"}, {"cachePoint": {"type": "default"}}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": PNG}},
                {"toolUse": {"toolUseId": "toolu_1", "name": "weather", "input": {"city": "Berlin"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "toolu_1", "status": "error", "content": [
                {"text": "No"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]}}]},
        ],
        "inferenceConfig": {"maxTokens": 2000, "temperature": 1, "stopSequences": ["END"]},
        "toolConfig": {"tools": [
            {"toolSpec": {"name": "weather", "description": "Of a city", "inputSchema": {"json": SCHEMA}}},
            {"cachePoint": {"type": "default"}}], "toolChoice": {"tool": {"name": "weather"}}},
        "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }  # fmt: skip


def test_the_output_is_bounded_where_the_client_set_no_limit():
    """The gateway's own limit goes into the request, and is what is reserved."""
    spoken = chat(most=321)
    assert said(spoken)["inferenceConfig"] == {"maxTokens": 321}
    assert spoken.output_bound == 321


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"n": 2}, "n"),
        ({"seed": 7}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"temperature": 1.5}, "temperature"),
        ({"made_up": 1}, "made_up"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "none"}, "reasoning_effort"),
        ({"service_tier": "scale"}, "service_tier"),
        ({"stop": [3]}, "stop"),
        ({"store": True}, "store"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"messages": []}, "messages"),
        ({"web_search_options": {"x": 1}}, "web_search_options"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "name": "bob"}]}, "messages[0].name"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages[0].content[0].file.file_id",
        ),
        (
            {
                "messages": [
                    *HELLO,
                    {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "w", "arguments": "[1]"}}]},
                ]
            },
            "messages[1].tool_calls[0].function.arguments",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
    ],
)
def test_what_a_chat_cannot_ask_is_named(document, field):
    """What Converse cannot be asked is refused before anything is sent, by the name of its field."""
    with pytest.raises(NotUnderstood) as refused:
        chat(**document)
    assert refused.value.param == field
    assert field in refused.value.message


IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
CITED = {"type": "document", "citations": {"enabled": True}, "source": {"type": "text", "data": "x"}}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
        ({"temperature": 2}, "temperature"),
        ({"model": NOVA, "top_k": 5}, "top_k"),
        ({"model": NOVA, "thinking": {"type": "adaptive"}}, "thinking"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0].type"),
        (
            {
                "tools": [{"name": "w", "input_schema": SCHEMA}],
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            },
            "tool_choice.disable_parallel_tool_use",
        ),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content[0].source.type"),
        ({"messages": [{"role": "user", "content": [CITED]}]}, "messages[0].content[0].citations"),
        ({"messages": [{"role": "user", "content": [{"type": "server_tool_use"}]}]}, "messages[0].content[0].type"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
    ],
)
def test_what_a_message_cannot_ask_is_named(document, field):
    """The same for Anthropic's dialect; what only models of Anthropic know is refused for another model."""
    model = document.pop("model", CLAUDE)
    with pytest.raises(NotUnderstood) as refused:
        message(model, **document)
    assert refused.value.param == field
    assert field in refused.value.message


def test_tools_that_may_not_be_called():
    """Converse has no word for "none": without calls so far the tools are left out, with some it is refused."""
    assert "toolConfig" not in said(chat(tools=[TOOL], tool_choice="none"))
    used = [
        *HELLO,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    with pytest.raises(NotUnderstood, match="tool_choice"):
        chat(tools=[TOOL], tool_choice="none", messages=used)
    assert "toolConfig" not in said(
        message(tools=[{"name": "w", "input_schema": SCHEMA}], tool_choice={"type": "none"})
    )


def test_other_operations_are_refused():
    """Embeddings cannot be asked of Converse."""
    asked = understand("openai", "embeddings", b"/embeddings", b"application/json", b'{"model": "m", "input": "x"}')
    with pytest.raises(NotUnderstood, match="embeddings"):
        speak(asked, "bedrock", NOVA, 10, True)
