"""A chat completion of OpenAI's dialect as a Converse request."""

import math
from typing import Any

import orjson

from seawall.llm import fields
from seawall.llm.bedrock.chat_messages import turns_of
from seawall.llm.bedrock.parts import Block, Turns, only, refuse, tool_config
from seawall.llm.counterparts import CHAT_FIELDS, EFFORTS
from seawall.llm.fields import Object
from seawall.llm.seam import Asked, NotUnderstood

__all__ = ["converse_of_chat"]

_TIERS = frozenset(("default", "flex", "priority"))


def converse_of_chat(asked: Asked, most: int) -> dict[str, Any]:
    """Return the body of a Converse request.

    Args:
        asked: a chat completion.
        most: output tokens at most.

    Raises:
        NotUnderstood: something in it has no counterpart; the message names the field.
    """
    document = fields.mapping(asked.document, "The body")
    only(document, CHAT_FIELDS)
    _refuse_values(document, asked.choices)
    system, turns = turns_of(document)
    body: dict[str, Any] = {"messages": turns.messages, "inferenceConfig": _inference(document, most)}
    if system:
        body["system"] = system
    tools = _tools(document, turns)
    if tools is not None:
        body["toolConfig"] = tools
    output = _output(document)
    if output:
        body["outputConfig"] = output
    tier = document.get("service_tier")
    if tier in _TIERS:
        body["serviceTier"] = {"type": tier}
    elif tier not in (None, "auto"):
        raise refuse("service_tier", "knows auto, default, flex and priority only")
    return body


def _refuse_values(document: Object, choices: int) -> None:
    """Refuse values that ask for something; those that ask for nothing are let pass."""
    if choices != 1:
        raise refuse("n", "gives one answer")
    for name in ("presence_penalty", "frequency_penalty"):
        if fields.number(document, name):
            raise refuse(name)
    if document.get("modalities") not in (None, ["text"]):
        raise refuse("modalities", "gives text only")
    if document.get("parallel_tool_calls") is False:
        raise refuse("parallel_tool_calls", "cannot be told to call one tool only")


def _inference(document: Object, most: int) -> dict[str, Any]:
    config: dict[str, Any] = {"maxTokens": most}
    for name, theirs in (("temperature", "temperature"), ("top_p", "topP")):
        value = fields.number(document, name)
        if value is not None:
            if not 0 <= value <= 1 or not math.isfinite(value):
                raise refuse(name, "goes from 0 to 1 there")
            config[theirs] = value
    stop = document.get("stop")
    stops = [stop] if isinstance(stop, str) else fields.items(stop, "stop")
    if not all(isinstance(item, str) and item for item in stops):
        raise NotUnderstood('stop must be a text or a list of texts (for example ["END"])', "stop")
    if stops:
        config["stopSequences"] = stops
    return config


def _tools(document: Object, turns: Turns) -> dict[str, Any] | None:
    tools = [
        _tool(fields.mapping(tool, f"tools[{number}]"), f"tools[{number}]")
        for number, tool in enumerate(fields.items(document.get("tools"), "tools"))
    ]
    choice = document.get("tool_choice")
    if not tools:
        if choice not in (None, "auto", "none"):
            raise NotUnderstood("tool_choice needs tools", "tool_choice")
        return None
    if choice == "none":
        if turns.uses_tools:
            raise refuse("tool_choice", "wants the tools free to be called once one was")
        return None
    return tool_config(tools, _choice(choice))


def _choice(choice: Any) -> dict[str, Any] | None:
    match choice:
        case None | "auto":
            return None
        case "required":
            return {"any": {}}
        case {"type": "function", "function": {"name": str(name)}}:
            return {"tool": {"name": name}}
        case _:
            raise refuse("tool_choice", "knows auto, none, required and one function by name only")


def _tool(tool: Object, where: str) -> Block:
    if tool.get("type") != "function":
        raise refuse(f"{where}.type", "takes functions only")
    function = fields.mapping(tool.get("function"), f"{where}.function")
    only(function, ("name", "description", "parameters", "strict"), f"{where}.function.")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    spec: dict[str, Any] = {
        "name": fields.text(function, "name", f"{where}.function."),
        "inputSchema": {"json": fields.mapping(schema, f"{where}.function.parameters")},
    }
    if function.get("description"):
        spec["description"] = fields.text(function, "description", f"{where}.function.")
    if fields.flag(function, "strict"):
        spec["strict"] = True
    return {"toolSpec": spec}


def _output(document: Object) -> dict[str, Any]:
    config: dict[str, Any] = {}
    effort = document.get("reasoning_effort")
    if effort is not None:
        if effort not in EFFORTS:
            raise refuse("reasoning_effort", "knows low, medium, high, xhigh and max only")
        config["effort"] = effort
    wanted = fields.mapping(document.get("response_format") or {"type": "text"}, "response_format")
    match wanted.get("type"):
        case "text":
            pass
        case "json_schema":
            schema = fields.mapping(wanted.get("json_schema"), "response_format.json_schema")
            config["textFormat"] = text_format(schema, "response_format.json_schema")
        case _:
            raise refuse("response_format", "gives JSON by a schema only (type json_schema)")
    return config


def text_format(schema: Object, where: str) -> dict[str, Any]:
    """Return how the answer's text is bound to a JSON schema; Converse takes the schema as a text."""
    definition = {"schema": orjson.dumps(fields.mapping(schema.get("schema"), f"{where}.schema")).decode()}
    for name in ("name", "description"):
        if schema.get(name):
            definition[name] = fields.text(schema, name, f"{where}.")
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}
