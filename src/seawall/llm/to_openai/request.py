"""A message of Anthropic's dialect as a request of OpenAI's chat completions."""

from collections.abc import Mapping
from typing import Any

from seawall.llm import fields
from seawall.llm.counterparts import only, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import Asked
from seawall.llm.to_openai.turns import messages_of

__all__ = ["chat_of_message"]

_OPENAI = "a chat completion"
_MOST_STOPS = 4
# Thinking budgets, in tokens, and the effort that is nearest.
_EFFORTS = ((2_048, "low"), (8_192, "medium"))
_TIERS: Mapping[str, str] = {"auto": "auto", "standard_only": "default"}
# `cache_control` marks what Anthropic shall keep; OpenAI keeps by itself what it has seen.
_KNOWN = frozenset((
    "model", "messages", "system", "max_tokens", "temperature", "top_p", "stop_sequences", "stream", "tools",
    "tool_choice", "thinking", "output_config", "metadata", "service_tier", "cache_control",
))  # fmt: skip
_TOOL = ("type", "name", "description", "input_schema", "strict", "cache_control")


def chat_of_message(asked: Asked, model: str, most: int, stream_usage: bool) -> dict[str, Any]:
    """Return the body of a chat completion request.

    Args:
        asked: a message of Anthropic's dialect.
        model: as the provider knows it.
        most: output tokens at most.
        stream_usage: the provider understands `stream_options`.

    Raises:
        NotUnderstood: something in it has no counterpart; the message names the field.
    """
    document = fields.mapping(asked.document, "The body")
    only(document, _KNOWN, _OPENAI)
    body: dict[str, Any] = {"model": model, "messages": messages_of(document), "max_completion_tokens": most}
    if asked.stream:
        body["stream"] = True
        if stream_usage:
            body["stream_options"] = {"include_usage": True}
    for name in ("temperature", "top_p"):
        value = fields.number(document, name)
        if value is not None:
            body[name] = value
    stops = fields.items(document.get("stop_sequences"), "stop_sequences")
    if len(stops) > _MOST_STOPS:
        raise refuse("stop_sequences", _OPENAI, f"takes {_MOST_STOPS} at most")
    if stops:
        body["stop"] = stops
    _tools(document, body)
    _reasoning(document, body)
    _books(document, body)
    return body


def _tools(document: Object, body: dict[str, Any]) -> None:
    tools = fields.items(document.get("tools"), "tools")
    if not tools:
        return
    body["tools"] = [_tool(one, f"tools[{number}]") for number, one in enumerate(tools)]
    choice = document.get("tool_choice")
    if choice is None:
        return
    match choice:
        case {"type": "auto" | "none" as word}:
            body["tool_choice"] = word
        case {"type": "any"}:
            body["tool_choice"] = "required"
        case {"type": "tool", "name": str(name)}:
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        case _:
            raise refuse("tool_choice", _OPENAI, "must be auto, any, none or one tool")
    if choice.get("disable_parallel_tool_use"):
        body["parallel_tool_calls"] = False


def _tool(one: Any, where: str) -> dict[str, Any]:
    tool = fields.mapping(one, where)
    if tool.get("type") not in (None, "custom"):
        raise refuse(f"{where}.type", _OPENAI, "is a tool of Anthropic's own")
    only(tool, _TOOL, _OPENAI, f"{where}.")
    function: dict[str, Any] = {
        "name": fields.text(tool, "name", f"{where}."),
        "parameters": fields.mapping(tool.get("input_schema"), f"{where}.input_schema"),
    }
    for name in ("description", "strict"):
        if tool.get(name):
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _reasoning(document: Object, body: dict[str, Any]) -> None:
    """Put in effort and the shape of the answer."""
    match document.get("thinking"):
        case None | {"type": "disabled" | "adaptive"}:
            pass  # how much it thinks is then the model's own affair
        case {"type": "enabled", "budget_tokens": int(budget)}:
            body["reasoning_effort"] = next((word for most, word in _EFFORTS if budget <= most), "high")
        case _:
            raise refuse("thinking.type", _OPENAI, "must be enabled, adaptive or disabled")
    config = document.get("output_config")
    if config is None:
        return
    config = fields.mapping(config, "output_config")
    only(config, ("effort", "format"), _OPENAI, "output_config.")
    if config.get("effort"):
        body["reasoning_effort"] = config["effort"]
    shape = config.get("format")
    if shape is not None:
        schema = fields.mapping(
            fields.mapping(shape, "output_config.format").get("schema"), "output_config.format.schema"
        )
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }


def _books(document: Object, body: dict[str, Any]) -> None:
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        body["user"] = metadata["user_id"]
    tier = document.get("service_tier")
    if tier is not None:
        if tier not in _TIERS:
            raise refuse("service_tier", _OPENAI, "must be auto or standard_only")
        body["service_tier"] = _TIERS[tier]
