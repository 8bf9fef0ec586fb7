"""A message of Anthropic's dialect as a Converse request."""

import math
from typing import Any

from seawall.llm import fields
from seawall.llm.bedrock.chat import text_format
from seawall.llm.bedrock.messages_blocks import cached, system_of, turns_of
from seawall.llm.bedrock.parts import Block, Turns, anthropic_model, only, refuse, tool_config
from seawall.llm.fields import Object
from seawall.llm.seam import Asked, NotUnderstood

__all__ = ["converse_of_messages"]

_KNOWN = frozenset((
    "model", "messages", "system", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "stream", "tools",
    "tool_choice", "thinking", "output_config", "metadata", "service_tier",
))  # fmt: skip
# Converse passes these on to models of Anthropic as they are.
_OWN = ("top_k", "thinking")


def converse_of_messages(asked: Asked, model: str, most: int) -> dict[str, Any]:
    """Return the body of a Converse request.

    Args:
        asked: a message of Anthropic's dialect.
        model: as Bedrock knows it.
        most: output tokens at most.

    Raises:
        NotUnderstood: something in it has no counterpart; the message names the field.
    """
    document = fields.mapping(asked.document, "The body")
    only(document, _KNOWN)
    turns = turns_of(document)
    inference = _inference(document, most)
    body: dict[str, Any] = {"messages": turns.messages, "inferenceConfig": inference}
    system = system_of(document)
    if system:
        body["system"] = system
    tools = _tools(document, turns)
    if tools is not None:
        body["toolConfig"] = tools
    own = _own(document, model)
    if own:
        body["additionalModelRequestFields"] = own
    if "stopSequences" in inference and anthropic_model(model):
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]  # Converse itself does not say which
    output = _output(document)
    if output:
        body["outputConfig"] = output
    return body


def _inference(document: Object, most: int) -> dict[str, Any]:
    config: dict[str, Any] = {"maxTokens": most}
    for name, theirs in (("temperature", "temperature"), ("top_p", "topP")):
        value = fields.number(document, name)
        if value is not None:
            if not 0 <= value <= 1 or not math.isfinite(value):
                raise NotUnderstood(f"{name} must be from 0 to 1 (for example 0.7)", name)
            config[theirs] = value
    stops = fields.items(document.get("stop_sequences"), "stop_sequences")
    if not all(isinstance(item, str) and item for item in stops):
        raise NotUnderstood('stop_sequences must be a list of texts (for example ["END"])', "stop_sequences")
    if stops:
        config["stopSequences"] = stops
    return config


def _own(document: Object, model: str) -> dict[str, Any]:
    """Return fields of Anthropic's that Converse has no word for."""
    thinking = document.get("thinking")
    wanted = {name: document[name] for name in fields.given(document, _OWN)}
    if isinstance(thinking, dict) and thinking.get("type") == "disabled":
        del wanted["thinking"]
    if wanted and not anthropic_model(model):
        raise refuse(next(iter(wanted)), "is known to models of Anthropic only")
    return wanted


def _output(document: Object) -> dict[str, Any]:
    given = document.get("output_config")
    if given is None:
        return {}
    wanted = fields.mapping(given, "output_config")
    only(wanted, ("effort", "format"), "output_config.")
    config: dict[str, Any] = {}
    if wanted.get("effort") is not None:
        config["effort"] = fields.text(wanted, "effort", "output_config.")
    if wanted.get("format") is not None:
        form = fields.mapping(wanted["format"], "output_config.format")
        if form.get("type") != "json_schema":
            raise refuse("output_config.format.type", "knows json_schema only")
        config["textFormat"] = text_format(form, "output_config.format")
    return config


def _tools(document: Object, turns: Turns) -> dict[str, Any] | None:
    tools: list[Block] = []
    for number, tool in enumerate(fields.items(document.get("tools"), "tools")):
        tools += _tool(fields.mapping(tool, f"tools[{number}]"), f"tools[{number}]")
    if not tools:
        return None
    choice = fields.mapping(document.get("tool_choice") or {"type": "auto"}, "tool_choice")
    if choice.get("disable_parallel_tool_use"):
        raise refuse("tool_choice.disable_parallel_tool_use", "cannot be told to call one tool only")
    match choice.get("type"):
        case "auto":
            return tool_config(tools, None)
        case "any":
            return tool_config(tools, {"any": {}})
        case "tool":
            return tool_config(tools, {"tool": {"name": fields.text(choice, "name", "tool_choice.")}})
        case "none" if not turns.uses_tools:
            return None
        case _:
            raise refuse("tool_choice", "knows auto, any and one tool by name, and none until one was called")


def _tool(tool: Object, where: str) -> list[Block]:
    if tool.get("type", "custom") != "custom":
        raise refuse(f"{where}.type", "takes tools of the client only (type custom)")
    only(tool, ("type", "name", "description", "input_schema", "cache_control", "strict"), f"{where}.")
    spec: dict[str, Any] = {
        "name": fields.text(tool, "name", f"{where}."),
        "inputSchema": {"json": fields.mapping(tool.get("input_schema"), f"{where}.input_schema")},
    }
    if tool.get("description"):
        spec["description"] = fields.text(tool, "description", f"{where}.")
    if fields.flag(tool, "strict"):
        spec["strict"] = True
    return cached({"toolSpec": spec}, tool, where)
