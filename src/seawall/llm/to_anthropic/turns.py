"""The messages of a chat completion as Anthropic takes them: a system prompt and turns of blocks."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from seawall.llm import fields
from seawall.llm.counterparts import data_url, only, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["turns_of"]

_ANTHROPIC = "Anthropic"
_PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
_PART = ("type", "text", "refusal", "image_url", "file")
# `reasoning_content` is what a stream showed; Anthropic takes back only what it signed, in `thinking_blocks`.
_MESSAGE = (
    "role", "content", "tool_calls", "tool_call_id", "refusal", "reasoning_content", "thinking_blocks", "annotations",
)  # fmt: skip
Block = dict[str, Any]


def turns_of(document: Object) -> tuple[list[Block], list[dict[str, Any]]]:
    """Return the system prompt and the turns; one side's messages in a row are one turn.

    Raises:
        NotUnderstood: a message has something that Anthropic cannot be given.
    """
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for number, one in enumerate(fields.items(document.get("messages"), "messages")):
        where = f"messages[{number}]"
        message = fields.mapping(one, where)
        role = message.get("role")
        only(message, (*_MESSAGE, "name") if role == "tool" else _MESSAGE, _ANTHROPIC, f"{where}.")
        match role:
            case "system" | "developer":
                system += _text_only(_content(message, where), where)
            case "user":
                _add(turns, "user", _content(message, where))
            case "assistant":
                _add(turns, "assistant", _assistant(message, where))
            case "tool":
                _add(turns, "user", [_result(message, where)])
            case _:
                raise refuse(f"{where}.role", _ANTHROPIC, "must be system, developer, user, assistant or tool")
    if not turns:
        raise NotUnderstood("messages must hold at least one message of the user with content", "messages")
    return system, turns


def _add(turns: list[dict[str, Any]], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _text_only(blocks: list[Block], where: str) -> list[Block]:
    if any(block["type"] != "text" for block in blocks):
        raise refuse(f"{where}.content", _ANTHROPIC, "takes text only in a system prompt")
    return blocks


def _content(message: Object, where: str) -> list[Block]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks = []
    for number, one in enumerate(fields.items(content, f"{where}.content")):
        place = f"{where}.content[{number}]"
        part = fields.mapping(one, place)
        only(part, _PART, _ANTHROPIC, f"{place}.")
        kind = part.get("type")
        make = _PARTS.get(kind) if isinstance(kind, str) else None
        if make is None:
            raise refuse(f"{place}.type", _ANTHROPIC, "must be text, image_url or file")
        block = make(part, place)
        if block is not None:
            blocks.append(block)
    return blocks


def _text(part: Object, where: str) -> Block | None:
    text = part.get("text", part.get("refusal"))
    if not isinstance(text, str):
        raise NotUnderstood(f"{where}.text must be a text", f"{where}.text")
    return {"type": "text", "text": text} if text else None  # Anthropic refuses an empty one


def _picture(part: Object, where: str) -> Block:
    inner = fields.mapping(part.get("image_url"), f"{where}.image_url")
    url = fields.text(inner, "url", f"{where}.image_url.")
    if url.startswith(("http://", "https://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, data = data_url(url) or ("", "")
    kind = "image/jpeg" if kind == "image/jpg" else kind
    if kind not in _PICTURES:
        raise refuse(f"{where}.image_url.url", _ANTHROPIC, "must be a URL, or PNG, JPEG, GIF or WebP in a data: URL")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _file(part: Object, where: str) -> Block:
    inner = fields.mapping(part.get("file"), f"{where}.file")
    only(inner, ("file_data", "filename"), _ANTHROPIC, f"{where}.file.")
    kind, data = data_url(fields.text(inner, "file_data", f"{where}.file.")) or ("", "")
    if kind != "application/pdf":
        raise refuse(f"{where}.file.file_data", _ANTHROPIC, "must be a PDF in a data: URL")
    block: Block = {"type": "document", "source": {"type": "base64", "media_type": kind, "data": data}}
    if inner.get("filename"):
        block["title"] = inner["filename"]
    return block


_PARTS: Mapping[str, Callable[[Object, str], Block | None]] = {
    "text": _text,
    "refusal": _text,
    "image_url": _picture,
    "file": _file,
}


def _assistant(message: Object, where: str) -> list[Block]:
    blocks = list(fields.items(message.get("thinking_blocks"), f"{where}.thinking_blocks"))
    blocks += _content(message, where)
    if message.get("refusal"):
        blocks.append({"type": "text", "text": fields.text(message, "refusal", f"{where}.")})
    for number, one in enumerate(fields.items(message.get("tool_calls"), f"{where}.tool_calls")):
        place = f"{where}.tool_calls[{number}]"
        blocks.append(_call(fields.mapping(one, place), place))
    return blocks


def _call(call: Object, where: str) -> Block:
    if call.get("type", "function") != "function":
        raise refuse(f"{where}.type", _ANTHROPIC, "must be function")
    function = fields.mapping(call.get("function"), f"{where}.function")
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except (orjson.JSONDecodeError, TypeError):
        arguments = None
    if not isinstance(arguments, dict):
        place = f"{where}.function.arguments"
        raise NotUnderstood(f"{place} must be a JSON object as a text", place)
    name = fields.text(function, "name", f"{where}.function.")
    return {"type": "tool_use", "id": fields.text(call, "id", f"{where}."), "name": name, "input": arguments}


def _result(message: Object, where: str) -> Block:
    found = fields.text(message, "tool_call_id", f"{where}.")
    return {"type": "tool_result", "tool_use_id": found, "content": _content(message, where)}
