"""A chat completion as a request of Anthropic's Messages API."""

from collections.abc import Mapping
from typing import Any

from seawall.llm import fields
from seawall.llm.counterparts import CHAT_FIELDS, EFFORTS, only, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import Asked
from seawall.llm.to_anthropic.tools import choice_of, tools_of
from seawall.llm.to_anthropic.turns import turns_of

__all__ = ["ANTHROPIC", "message_of_chat"]

ANTHROPIC = "Anthropic"
_TIERS: Mapping[str, str] = {"auto": "auto", "default": "standard_only"}


def message_of_chat(asked: Asked, model: str, most: int) -> dict[str, Any]:
    """Return the body of a message request.

    Args:
        asked: a chat completion.
        model: as Anthropic knows it.
        most: output tokens at most.

    Raises:
        NotUnderstood: something in it has no counterpart; the message names the field.
    """
    document = fields.mapping(asked.document, "The body")
    only(document, CHAT_FIELDS, ANTHROPIC)
    _refuse_values(document, asked.choices)
    system, turns = turns_of(document)
    body: dict[str, Any] = {"model": model, "max_tokens": most, "messages": turns}
    if system:
        body["system"] = system
    if asked.stream:
        body["stream"] = True
    _sampling(document, body)
    tools = tools_of(document)
    if tools:
        body["tools"] = tools
        choice = choice_of(document)
        if choice:
            body["tool_choice"] = choice
    _thinking(document, body)
    _books(document, body)
    return body


def _refuse_values(document: Object, choices: int) -> None:
    """Refuse values that ask for something; those that ask for nothing are let pass."""
    if choices != 1:
        raise refuse("n", ANTHROPIC, "gives one answer only")
    if document.get("modalities") not in (None, [], ["text"]):
        raise refuse("modalities", ANTHROPIC, "answers in text only")
    for name in ("presence_penalty", "frequency_penalty"):
        if fields.number(document, name):
            raise refuse(name, ANTHROPIC)


def _sampling(document: Object, body: dict[str, Any]) -> None:
    temperature = fields.number(document, "temperature")
    if temperature is not None:
        if temperature > 1:
            raise refuse("temperature", ANTHROPIC, "must be between 0 and 1")
        body["temperature"] = temperature
    top_p = fields.number(document, "top_p")
    if top_p is not None:
        body["top_p"] = top_p
    stop = document.get("stop")
    found = [stop] if isinstance(stop, str) else fields.items(stop, "stop")
    if found:
        body["stop_sequences"] = found


def _thinking(document: Object, body: dict[str, Any]) -> None:
    """Put in effort and the shape of the answer."""
    config: dict[str, Any] = {}
    effort = document.get("reasoning_effort")
    if effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif effort in EFFORTS:
        config["effort"] = effort
    elif effort is not None:
        raise refuse("reasoning_effort", ANTHROPIC, f"must be none, {', '.join(sorted(EFFORTS))}")
    shape = document.get("response_format")
    if shape is not None:
        shape = fields.mapping(shape, "response_format")
        if shape.get("type") == "json_schema":
            inner = fields.mapping(shape.get("json_schema"), "response_format.json_schema")
            schema = fields.mapping(inner.get("schema"), "response_format.json_schema.schema")
            config["format"] = {"type": "json_schema", "schema": schema}
        elif shape.get("type") != "text":
            raise refuse("response_format.type", ANTHROPIC, "must be text or json_schema")
    if config:
        body["output_config"] = config


def _books(document: Object, body: dict[str, Any]) -> None:
    user = document.get("safety_identifier") or document.get("user")
    if isinstance(user, str):
        body["metadata"] = {"user_id": user}
    tier = document.get("service_tier")
    if tier is not None:
        if tier not in _TIERS:
            raise refuse("service_tier", ANTHROPIC, "must be auto or default")
        body["service_tier"] = _TIERS[tier]
