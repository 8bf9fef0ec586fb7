"""Recordings and translations against the SDKs' own types, checked strictly: the SDKs themselves believe anything."""

import json
from functools import cache
from typing import Any

import pytest
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from openai.types import Completion, CreateEmbeddingResponse, ImagesResponse
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from recordings import Recording, label, recordings
from test_llm_understand import HELLO, asked

from seawall.llm.speak import speak
from seawall.llm.sse import events

WHOLE: dict[str, Any] = {
    "chat": ChatCompletion, "responses": Response, "embeddings": CreateEmbeddingResponse, "completions": Completion,
    "images": ImagesResponse, "audio": Transcription, "messages": Message, "count_tokens": MessageTokensCount,
}  # fmt: skip
# An older completion's stream is left out: its chunks have no reason to stop until the last, which their type denies.
EVENTS: dict[str, Any] = {
    "chat": ChatCompletionChunk,
    "responses": ResponseStreamEvent,
    "messages": RawMessageStreamEvent,
}
GOOD = [one for one in recordings() if one.status == 200 and "error" not in one.name]
CHECKED = [one for one in GOOD if one.operation in (EVENTS if one.streams else WHOLE) and "cut" not in one.name]


@cache
def kind(operation: str, streams: bool) -> TypeAdapter[Any]:
    """Return what checks an answer or an event of an operation."""
    return TypeAdapter((EVENTS if streams else WHOLE)[operation])


def told(body: bytes) -> list[Any]:
    """Return what the events of a stream say; a ping is nothing to the SDK."""
    said = [json.loads(event.data) for event in events(body) if event.data not in (b"[DONE]", b'{"type":"ping"}')]
    return [one for one in said if one.get("type") != "ping"]


@pytest.mark.parametrize("one", CHECKED, ids=label)
def test_a_recording_is_what_its_provider_promises(one: Recording):
    """By the types of the provider's SDK; fields of other servers that speak like it are let pass."""
    check = kind(one.operation, one.streams)
    for said in told(one.body) if one.streams else [json.loads(one.body)]:
        check.validate_python(said)


@pytest.mark.parametrize("one", [one for one in GOOD if one.operation in ("chat", "messages")], ids=label)
def test_a_translation_is_what_the_other_dialect_promises(one: Recording):
    """Every field that its SDK's types need, in the right form; also where the stream is cut."""
    client, target = ("messages", "openai") if one.operation == "chat" else ("chat", "anthropic")
    found = asked(client, model="m", messages=HELLO, max_tokens=9, stream=one.streams)  # type: ignore[arg-type]
    heard = speak(found, target, "m", 9, True).heard()  # type: ignore[arg-type]
    heard.head(200, one.headers)
    got = heard.feed(one.body)
    if "cut" not in one.name:
        got += heard.end()
    check = kind(client, one.streams)
    answers = told(got) if one.streams else [json.loads(got)]
    assert answers
    for said in answers:
        check.validate_python(said)
