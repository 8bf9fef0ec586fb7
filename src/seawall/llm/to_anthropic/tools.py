"""Tools of a chat completion as Anthropic takes them, and which of them may or must be called."""

from typing import Any

from seawall.llm import fields
from seawall.llm.counterparts import only, refuse
from seawall.llm.fields import Object

__all__ = ["choice_of", "tools_of"]

_ANTHROPIC = "Anthropic"


def tools_of(document: Object) -> list[dict[str, Any]]:
    """Return the tools.

    Raises:
        NotUnderstood: one is no function.
    """
    return [_tool(one, f"tools[{number}]") for number, one in enumerate(fields.items(document.get("tools"), "tools"))]


def _tool(one: Any, where: str) -> dict[str, Any]:
    tool = fields.mapping(one, where)
    if tool.get("type") != "function":
        raise refuse(f"{where}.type", _ANTHROPIC, "must be function")
    function = fields.mapping(tool.get("function"), f"{where}.function")
    only(function, ("name", "description", "parameters", "strict"), _ANTHROPIC, f"{where}.function.")
    made: dict[str, Any] = {
        "name": fields.text(function, "name", f"{where}.function."),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("strict"):
        made["strict"] = True
    return made


def choice_of(document: Object) -> dict[str, Any] | None:
    """Return which tools may or must be called, None where the client leaves it open.

    Raises:
        NotUnderstood: it is a choice that Anthropic does not know.
    """
    choice = document.get("tool_choice")
    alone = document.get("parallel_tool_calls") is False
    made: dict[str, Any]
    match choice:
        case None | "auto":
            made = {"type": "auto"}
        case "required":
            made = {"type": "any"}
        case "none":
            return {"type": "none"}
        case {"type": "function", "function": {"name": str(name)}}:
            made = {"type": "tool", "name": name}
        case _:
            raise refuse("tool_choice", _ANTHROPIC, "must be auto, none, required or one function")
    if alone:
        made["disable_parallel_tool_use"] = True
    return made if alone or choice is not None else None
