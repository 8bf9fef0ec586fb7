"""The turns of Anthropic's dialect as messages of a chat completion."""

from typing import Any

import orjson

from seawall.llm import fields
from seawall.llm.counterparts import only, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["messages_of"]

_OPENAI = "a chat completion"
Message = dict[str, Any]


def messages_of(document: Object) -> list[Message]:
    """Return the messages, the system prompt first.

    Raises:
        NotUnderstood: a turn has something that a chat completion cannot be given.
    """
    found: list[Message] = []
    system = _system(document.get("system"), "system")
    if system:
        found.append({"role": "system", "content": system})
    turns = fields.items(document.get("messages"), "messages")
    for number, one in enumerate(turns):
        where = f"messages[{number}]"
        turn = fields.mapping(one, where)
        only(turn, ("role", "content"), _OPENAI, f"{where}.")
        match turn.get("role"):
            case "user":
                found += _user(turn, where)
            case "assistant":
                found += _assistant(turn, where)
            case "system":
                found.append({"role": "system", "content": _system(turn.get("content"), f"{where}.content")})
            case _:
                raise refuse(f"{where}.role", _OPENAI, "must be user, assistant or system")
    if not turns:
        raise NotUnderstood("messages must hold at least one message", "messages")
    if turns[-1].get("role") == "assistant":
        raise refuse(f"messages[{len(turns) - 1}]", _OPENAI, "begins an answer, which only Anthropic goes on with")
    return found


def _system(system: Any, at: str) -> str:
    if system is None or isinstance(system, str):
        return system or ""
    texts = []
    for number, block in enumerate(fields.items(system, at)):
        where = f"{at}[{number}]"
        if fields.mapping(block, where).get("type") != "text":
            raise refuse(f"{where}.type", _OPENAI, "must be text")
        texts.append(fields.text(block, "text", f"{where}."))
    return "\n\n".join(texts)


def _blocks(turn: Object, where: str) -> list[tuple[dict[str, Any], str]]:
    """Return the blocks of a turn with their places."""
    content = turn.get("content")
    if isinstance(content, str):
        return [({"type": "text", "text": content}, f"{where}.content")]
    found = enumerate(fields.items(content, f"{where}.content"))
    return [(fields.mapping(one, f"{where}.content[{n}]"), f"{where}.content[{n}]") for n, one in found]


def _user(turn: Object, where: str) -> list[Message]:
    """Return the results of tools first, as they must follow their calls, then what the user says."""
    results: list[Message] = []
    parts: list[dict[str, Any]] = []
    for block, place in _blocks(turn, where):
        if block.get("type") == "tool_result":
            message, pictures = _result(block, place)
            results.append(message)
            parts += pictures
        else:
            parts.append(_part(block, place))
    if not parts:
        return results
    text_alone = len(parts) == 1 and parts[0]["type"] == "text"
    return [*results, {"role": "user", "content": parts[0]["text"] if text_alone else parts}]


def _result(block: Object, where: str) -> tuple[Message, list[dict[str, Any]]]:
    """Return a tool's message, and its pictures, which only a user's message may hold."""
    only(block, ("type", "tool_use_id", "content", "is_error", "cache_control"), _OPENAI, f"{where}.")
    parts = [_part(inner, place) for inner, place in _blocks(block, where)]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    if block.get("is_error"):
        texts.insert(0, "Error:")
    others = [part for part in parts if part["type"] != "text"]
    found = fields.text(block, "tool_use_id", f"{where}.")
    if others:
        others.insert(0, {"type": "text", "text": f"From the result of {found}:"})
    return {"role": "tool", "tool_call_id": found, "content": "\n".join(texts)}, others


def _part(block: Object, where: str) -> dict[str, Any]:
    match block:
        case {"type": "text", "text": str(text)}:
            only(block, ("type", "text", "cache_control"), _OPENAI, f"{where}.")
            return {"type": "text", "text": text}
        case {"type": "image", "source": {"type": "base64", "media_type": str(kind), "data": str(data)}}:
            return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
        case {"type": "image", "source": {"type": "url", "url": str(url)}}:
            return {"type": "image_url", "image_url": {"url": url}}
        case {"type": "document", "source": {"type": "text", "data": str(text)}}:
            only(block, ("type", "source", "cache_control", "title"), _OPENAI, f"{where}.")
            return {"type": "text", "text": text}
        case {"type": "document", "source": {"type": "base64", "media_type": str(kind), "data": str(data)}}:
            only(block, ("type", "source", "cache_control", "title"), _OPENAI, f"{where}.")
            name = str(block.get("title") or "document.pdf")
            return {"type": "file", "file": {"filename": name, "file_data": f"data:{kind};base64,{data}"}}
        case {"type": "image" | "document"}:
            raise refuse(f"{where}.source.type", _OPENAI, "is kept at Anthropic or must be fetched there")
    raise refuse(f"{where}.type", _OPENAI)


def _assistant(turn: Object, where: str) -> list[Message]:
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for block, place in _blocks(turn, where):
        match block:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "tool_use"}:
                calls.append(_call(block, place))
            case {"type": "thinking" | "redacted_thinking"}:
                pass  # no model of another provider takes back what Anthropic signed
            case _:
                raise refuse(f"{place}.type", _OPENAI, "must be text, thinking or tool_use")
    if not texts and not calls:
        return []
    message: Message = {"role": "assistant", "content": "".join(texts) if texts else None}
    if calls:
        message["tool_calls"] = calls
    return [message]


def _call(block: Object, where: str) -> dict[str, Any]:
    function = {
        "name": fields.text(block, "name", f"{where}."),
        "arguments": orjson.dumps(fields.mapping(block.get("input"), f"{where}.input")).decode(),
    }
    return {"id": fields.text(block, "id", f"{where}."), "type": "function", "function": function}
