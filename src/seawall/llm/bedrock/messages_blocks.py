"""The content of Anthropic's messages as blocks of Converse."""

from collections.abc import Callable, Mapping
from typing import Any

from seawall.llm import fields
from seawall.llm.bedrock.parts import Block, Turns, document, image, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["cached", "system_of", "turns_of"]


def turns_of(body: Object) -> Turns:
    """Return the turns of the conversation.

    Raises:
        NotUnderstood: a message has something that Converse cannot be given.
    """
    turns = Turns()
    for number, message in enumerate(fields.items(body.get("messages"), "messages")):
        where = f"messages[{number}]"
        message = fields.mapping(message, where)
        role = message.get("role")
        if role not in ("user", "assistant"):
            raise refuse(f"{where}.role", "knows user and assistant only")
        turns.add(role, _content(message.get("content"), f"{where}.content"))
    if not turns.messages:
        raise NotUnderstood("messages must hold at least one message with content", "messages")
    return turns


def system_of(body: Object) -> list[Block]:
    """Return the system prompt."""
    system = body.get("system")
    if isinstance(system, list) and any(isinstance(part, dict) and part.get("type") != "text" for part in system):
        raise refuse("system", "takes text only in a system prompt")
    return _content(system, "system")


def cached(block: Block, part: Object, where: str) -> list[Block]:
    """Return a block, and the point after it up to which Bedrock caches, where the client marked one."""
    mark = part.get("cache_control")
    if mark is None:
        return [block]
    mark = fields.mapping(mark, f"{where}.cache_control")
    if mark.get("type") != "ephemeral" or mark.get("ttl") not in (None, "5m", "1h"):
        raise refuse(f"{where}.cache_control", "knows ephemeral for 5m or 1h only")
    point = {"type": "default"} if mark.get("ttl") is None else {"type": "default", "ttl": mark["ttl"]}
    return [block, {"cachePoint": point}]


def _content(content: Any, where: str) -> list[Block]:
    if content is None or isinstance(content, str):
        return [{"text": content}] if content else []
    blocks: list[Block] = []
    for number, part in enumerate(fields.items(content, where)):
        place = f"{where}[{number}]"
        part = fields.mapping(part, place)
        kind = part.get("type")
        make = _PARTS.get(kind) if isinstance(kind, str) else None
        if make is None:
            raise refuse(f"{place}.type", f"takes {', '.join(_PARTS)} only")
        block = make(part, place)
        if block is not None:
            blocks += cached(block, part, place)
    return blocks


def _text(part: Object, where: str) -> Block | None:
    if not isinstance(part.get("text"), str):
        raise NotUnderstood(f"{where}.text must be a text", f"{where}.text")
    return {"text": part["text"]} if part["text"] else None  # Converse refuses an empty one


def _image(part: Object, where: str) -> Block:
    source = fields.mapping(part.get("source"), f"{where}.source")
    if source.get("type") != "base64":
        raise refuse(f"{where}.source.type", "must hold the data itself (base64), nothing is fetched")
    return image(str(source.get("media_type")), source.get("data"), f"{where}.source.data")


def _document(part: Object, where: str) -> Block:
    source = fields.mapping(part.get("source"), f"{where}.source")
    citations = part.get("citations")
    if isinstance(citations, dict) and citations.get("enabled"):
        raise refuse(f"{where}.citations", "tells citations in another shape")
    name = "document " + "-".join(number for number in where.replace("]", "[").split("[") if number.isdigit())
    match source.get("type"):
        case "base64":
            block = document(str(source.get("media_type")), source.get("data"), name, f"{where}.source.data")
        case "text":
            text = fields.text(source, "data", f"{where}.source.")
            block = {"document": {"format": "txt", "name": name, "source": {"text": text}}}
        case _:
            raise refuse(f"{where}.source.type", "must hold the data itself (base64 or text), nothing is fetched")
    if part.get("context"):
        block["document"]["context"] = fields.text(part, "context", f"{where}.")
    return block


def _tool_use(part: Object, where: str) -> Block:
    return {
        "toolUse": {
            "toolUseId": fields.text(part, "id", f"{where}."),
            "name": fields.text(part, "name", f"{where}."),
            "input": fields.mapping(part.get("input", {}), f"{where}.input"),
        }
    }


def _tool_result(part: Object, where: str) -> Block:
    content = _content(part.get("content"), f"{where}.content")
    if any("toolUse" in block or "cachePoint" in block for block in content):
        raise refuse(f"{where}.content", "takes text, pictures and documents in a tool's answer only")
    result: dict[str, Any] = {
        "toolUseId": fields.text(part, "tool_use_id", f"{where}."),
        "content": content or [{"text": "(no output)"}],
    }
    if fields.flag(part, "is_error"):
        result["status"] = "error"
    return {"toolResult": result}


def _thinking(part: Object, where: str) -> Block:
    text: dict[str, Any] = {"text": part.get("thinking", "")}
    if part.get("signature"):
        text["signature"] = fields.text(part, "signature", f"{where}.")
    return {"reasoningContent": {"reasoningText": text}}


def _redacted(part: Object, where: str) -> Block:
    return {"reasoningContent": {"redactedContent": fields.text(part, "data", f"{where}.")}}


_PARTS: Mapping[str, Callable[[Object, str], Block | None]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
