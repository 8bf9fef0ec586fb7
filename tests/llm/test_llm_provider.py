"""The scripted provider against the real SDKs: it speaks what they understand, and bills what it sent."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import anthropic
import boto3
import botocore.config
import openai
import pytest
from botocore.exceptions import EventStreamError

from providing import ProviderProcess, script


@pytest.fixture
def gpt(provider: ProviderProcess) -> Iterator[openai.OpenAI]:
    """Return OpenAI's client."""
    with openai.OpenAI(api_key="k", base_url=f"http://{provider.address}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(provider: ProviderProcess) -> Iterator[anthropic.Anthropic]:
    """Return Anthropic's client."""
    with anthropic.Anthropic(api_key="k", base_url=f"http://{provider.address}", max_retries=0) as client:
        yield client


def says(**fields: Any) -> list[Any]:
    """Return messages that hold a script."""
    return [{"role": "user", "content": f"Hello {script(**fields)}"}]


def only(provider: ProviderProcess) -> dict[str, Any]:
    """Return the one row of the bill."""
    (row,) = provider.bill()["rows"]
    return row


def test_chat_costs_what_its_usage_says(gpt: openai.OpenAI, provider: ProviderProcess):
    """By the provider's own prices, to the last digit."""
    done = gpt.chat.completions.create(model="gpt-5-mini", messages=says(output=20, cached=100, reasoning=5))
    assert done.usage
    row = only(provider)
    assert (row["input"], row["output"], row["cached"]) == (done.usage.prompt_tokens, 20, 100)
    expected = (Decimal(row["input"] - 100) * Decimal("0.25") + 100 * Decimal("0.025") + 20 * 2) / 1_000_000
    assert Decimal(row["cost"]) == Decimal(provider.bill()["total"]) == expected
    assert row["complete"]
    assert row["reported"]


def test_chat_streams(gpt: openai.OpenAI, provider: ProviderProcess):
    """Chunk by chunk, usage where it is asked for, tool calls in pieces."""
    chunks = list(
        gpt.chat.completions.create(
            model="gpt-5-mini", messages=says(output=6), stream=True, stream_options={"include_usage": True}
        )
    )
    assert sum(1 for chunk in chunks if chunk.choices and chunk.choices[0].delta.content) == 6
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == only(provider)["output"] == 6
    with gpt.chat.completions.stream(model="gpt-5-mini", messages=says(output=2, tools=2)) as stream:
        made = stream.get_final_completion().choices[0]
    assert [json.loads(one.function.arguments)["n"] for one in made.message.tool_calls or []] == [0, 1]
    assert made.finish_reason == "tool_calls"


def test_a_limit_is_kept(gpt: openai.OpenAI, claude: anthropic.Anthropic):
    """However much the script wants."""
    done = gpt.chat.completions.create(model="gpt-5", messages=says(output=50), max_completion_tokens=7)
    assert done.usage
    assert (done.usage.completion_tokens, done.choices[0].finish_reason) == (7, "length")
    said = claude.messages.create(model="claude-haiku-4-5", max_tokens=7, messages=says(output=50))
    assert (said.usage.output_tokens, said.stop_reason) == (7, "max_tokens")


def test_messages_cost_what_their_usage_says(claude: anthropic.Anthropic, provider: ProviderProcess):
    """Cache reads and both kinds of writes by their own prices."""
    said = claude.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=99,
        messages=says(output=10, input=1000, cached=100, written=300, written_1h=200),
    )
    assert said.usage.input_tokens == 600
    tokens = 600 * 3 + 10 * 15 + 100 * Decimal("0.30") + 100 * Decimal("3.75") + 200 * 6
    assert Decimal(only(provider)["cost"]) == tokens / 1_000_000


def test_messages_stream(claude: anthropic.Anthropic, provider: ProviderProcess):
    """Thinking, text and tools, as the SDK puts them together."""
    tools: Any = [{"name": "get", "input_schema": {"type": "object"}}]
    with claude.messages.stream(
        model="claude-haiku-4-5", max_tokens=99, messages=says(output=9, reasoning=4, tools=1), tools=tools
    ) as stream:
        said = stream.get_final_message()
    assert [block.type for block in said.content] == ["thinking", "text", "tool_use"]
    assert said.usage.output_tokens == only(provider)["output"] == 9


def test_everything_else_answers(gpt: openai.OpenAI, claude: anthropic.Anthropic, provider: ProviderProcess):
    """Responses, embeddings, completions, moderations, pictures, recordings, speech, models, counting."""
    response = gpt.responses.create(model="gpt-5-mini", input=script(output=5, searches=1))
    assert response.usage
    assert (response.output_text.count(" "), response.usage.output_tokens) == (4, 5)
    events = list(gpt.responses.create(model="gpt-5-mini", input=script(output=5), stream=True))
    assert events[-1].type == "response.completed"
    assert (
        len(gpt.embeddings.create(model="text-embedding-3-small", input=["a", "b"], encoding_format="float").data) == 2
    )
    done = gpt.completions.create(model="gpt-3.5-turbo-instruct", prompt=["a", "b"], n=2)
    assert len(done.choices) == 4
    assert not gpt.moderations.create(input="x").results[0].flagged
    assert gpt.images.generate(model="gpt-image-1", prompt="x", n=2).usage
    heard = gpt.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", b"ID3"), prompt=script(output=3))
    assert heard.text == "Sea wall and"
    assert len(gpt.audio.speech.create(model="tts-1", voice="alloy", input=script(output=3)).content) == 600
    assert gpt.models.list().data[0].id == "gpt-5-mini"
    assert claude.messages.count_tokens(model="claude-haiku-4-5", messages=says(input=77)).input_tokens == 77
    free = [row for row in provider.bill()["rows"] if row["operation"] in ("moderations", "count_tokens", "models")]
    assert {row["input"] + row["output"] for row in free} == {0}


@pytest.mark.parametrize(("status", "kind"), [(429, openai.RateLimitError), (503, openai.InternalServerError)])
def test_an_error_instead_of_an_answer_is_not_billed(
    gpt: openai.OpenAI, provider: ProviderProcess, status: int, kind: type[openai.APIStatusError]
):
    """With its Retry-After, and only as often as the script says."""
    asked = says(status=status, retry_after="3", times=1, key="once")
    with pytest.raises(kind) as raised:
        gpt.chat.completions.create(model="gpt-5-mini", messages=asked)
    assert raised.value.response.headers["retry-after"] == "3"
    assert gpt.chat.completions.create(model="gpt-5-mini", messages=asked).choices
    assert (provider.bill()["requests"], only(provider)["output"]) == (2, 8)


def test_an_error_inside_a_stream_is_billed_up_to_there(
    gpt: openai.OpenAI, claude: anthropic.Anthropic, provider: ProviderProcess
):
    """Before any content, or after some."""
    with pytest.raises(openai.APIError, match="as the scenario says"):
        list(gpt.chat.completions.create(model="gpt-5-mini", messages=says(error_at=0), stream=True))
    with pytest.raises(anthropic.APIError, match="as the scenario says"):
        list(claude.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=says(error_at=3), stream=True))
    assert [row["output"] for row in provider.bill()["rows"]] == [0, 3]


def test_a_cut_is_billed_by_what_was_sent(gpt: openai.OpenAI, provider: ProviderProcess):
    """A stream by its tokens; a plain answer that nobody got whole by its input."""
    with pytest.raises(openai.APIConnectionError):
        list(gpt.chat.completions.create(model="gpt-5-mini", messages=says(output=20, cut=5), stream=True))
    with pytest.raises(openai.APIConnectionError):
        gpt.chat.completions.create(model="gpt-5-mini", messages=says(output=20, cut=30))
    with pytest.raises(openai.APIConnectionError):
        gpt.chat.completions.create(model="gpt-5-mini", messages=says(reset=True))
    rows = provider.bill()["rows"]
    assert [(row["output"], row["complete"], row["input"] > 0) for row in rows] == [(5, False, True), (0, False, True)]


def test_a_client_that_leaves_is_billed_by_what_it_got(gpt: openai.OpenAI, provider: ProviderProcess):
    """The provider stops when it notices."""
    stream = gpt.chat.completions.create(model="gpt-5-mini", messages=says(output=1000, pace=0.002), stream=True)
    for number, _ in enumerate(stream):
        if number == 5:
            break
    stream.close()
    gpt.close()
    sent = only(provider)["output"]
    assert 5 <= sent < 1000


def test_bedrocks_wire_format_is_boto3s(provider: ProviderProcess):
    """Whole and streamed, tools too, and an exception inside a stream."""
    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=f"http://{provider.address}",
        aws_access_key_id="a", aws_secret_access_key="s", config=botocore.config.Config(retries={"max_attempts": 0}),
    )  # fmt: skip
    model = "amazon.nova-lite-v1:0"
    said = lambda **fields: [{"role": "user", "content": [{"text": script(**fields)}]}]  # noqa: E731 - a word for it
    whole = client.converse(modelId=model, messages=said(output=4, tools=1))
    assert [*map(list, whole["output"]["message"]["content"])] == [["text"], ["toolUse"]]
    assert whole["stopReason"] == "tool_use"
    events = list(client.converse_stream(modelId=model, messages=said(output=4))["stream"])
    assert "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 4
    failing = client.converse_stream(modelId=model, messages=said(error_at=2))["stream"]
    with pytest.raises(EventStreamError, match="as the scenario says"):
        list(failing)
    failing.close()
    assert [(row["model"], row["output"]) for row in provider.bill()["rows"]] == [(model, 4), (model, 4), (model, 2)]
    client.close()


def test_a_script_with_a_typo_is_an_error(gpt: openai.OpenAI):
    """A test must not pass because its fault never happened."""
    with pytest.raises(openai.BadRequestError, match="has no outputs"):
        gpt.chat.completions.create(model="gpt-5-mini", messages=says(outputs=5))
