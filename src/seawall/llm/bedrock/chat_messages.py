"""The messages of a chat completion as Converse takes them: a system prompt and turns of blocks."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from seawall.llm import fields
from seawall.llm.bedrock.parts import Block, Turns, data_url, document, image, only, refuse
from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["turns_of"]

_AUDIO = frozenset(("mp3", "wav", "opus", "flac", "aac", "pcm"))


def turns_of(body: Object) -> tuple[list[Block], Turns]:
    """Return the system prompt and the turns. System messages further down join the system prompt, in their order.

    Raises:
        NotUnderstood: a message has something that Converse cannot be given.
    """
    system: list[Block] = []
    turns = Turns()
    for number, message in enumerate(fields.items(body.get("messages"), "messages")):
        where = f"messages[{number}]"
        message = fields.mapping(message, where)
        if message.get("name") and message.get("role") != "tool":
            raise refuse(f"{where}.name", "knows no names of who speaks")
        match message.get("role"):
            case "system" | "developer":
                system += [_text_only(block, where) for block in _content(message, where)]
            case "user":
                turns.add("user", _content(message, where))
            case "assistant":
                turns.add("assistant", _assistant(message, where))
            case "tool":
                turns.add("user", [_result(message, where)])
            case _:
                raise refuse(f"{where}.role", "knows system, developer, user, assistant and tool only")
    if not turns.messages:
        raise NotUnderstood("messages must hold at least one message of the user with content", "messages")
    return system, turns


def _text_only(block: Block, where: str) -> Block:
    if "text" not in block:
        raise refuse(f"{where}.content", "takes text only in a system prompt")
    return block


def _content(message: Object, where: str) -> list[Block]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [{"text": content}] if content else []
    blocks = []
    for number, part in enumerate(fields.items(content, f"{where}.content")):
        place = f"{where}.content[{number}]"
        part = fields.mapping(part, place)
        kind = part.get("type")
        make = _PARTS.get(kind) if isinstance(kind, str) else None
        if make is None:
            raise refuse(f"{place}.type", "takes text, pictures, files and sound only")
        block = make(part, place)
        if block is not None:
            blocks.append(block)
    return blocks


def _text(part: Object, where: str) -> Block | None:
    text = part.get("text", part.get("refusal"))
    if not isinstance(text, str):
        raise NotUnderstood(f"{where}.text must be a text", f"{where}.text")
    return {"text": text} if text else None  # Converse refuses an empty one


def _image(part: Object, where: str) -> Block:
    inner = fields.mapping(part.get("image_url"), f"{where}.image_url")
    place = f"{where}.image_url.url"
    kind, data = data_url(fields.text(inner, "url", f"{where}.image_url."), place)
    return image(kind, data, place)


def _file(part: Object, where: str) -> Block:
    inner = fields.mapping(part.get("file"), f"{where}.file")
    only(inner, ("file_data", "filename"), f"{where}.file.")
    place = f"{where}.file.file_data"
    kind, data = data_url(fields.text(inner, "file_data", f"{where}.file."), place)
    return document(kind, data, _name(where), place)


def _sound(part: Object, where: str) -> Block:
    inner = fields.mapping(part.get("input_audio"), f"{where}.input_audio")
    if inner.get("format") not in _AUDIO:
        raise refuse(f"{where}.input_audio.format", f"must be one of {', '.join(sorted(_AUDIO))}")
    source = {"bytes": fields.text(inner, "data", f"{where}.input_audio.")}
    return {"audio": {"format": inner["format"], "source": source}}


_PARTS: Mapping[str, Callable[[Object, str], Block | None]] = {
    "text": _text,
    "refusal": _text,
    "image_url": _image,
    "file": _file,
    "input_audio": _sound,
}


def _name(where: str) -> str:
    """Return a document's name: its place, since a file's own name may hold an instruction to the model."""
    return "document " + "-".join(number for number in where.replace("]", "[").split("[") if number.isdigit())


def _assistant(message: Object, where: str) -> list[Block]:
    if message.get("audio") is not None:
        raise refuse(f"{where}.audio", "knows no spoken answers by their id")
    blocks = _content(message, where)
    if message.get("refusal") and not blocks:
        blocks.append({"text": fields.text(message, "refusal", f"{where}.")})
    for number, call in enumerate(fields.items(message.get("tool_calls"), f"{where}.tool_calls")):
        blocks.append(_call(fields.mapping(call, f"{where}.tool_calls[{number}]"), f"{where}.tool_calls[{number}]"))
    if message.get("function_call") is not None:
        raise refuse(f"{where}.function_call", "is the old form of tool_calls")
    return blocks


def _call(call: Object, where: str) -> Block:
    if call.get("type", "function") != "function":
        raise refuse(f"{where}.type", "takes functions only")
    function = fields.mapping(call.get("function"), f"{where}.function")
    arguments: Any = function.get("arguments") or "{}"
    try:
        parsed = orjson.loads(arguments)
    except (orjson.JSONDecodeError, TypeError):
        parsed = None
    if not isinstance(parsed, dict):
        place = f"{where}.function.arguments"
        raise NotUnderstood(f"{place} must be a JSON object as a text", place)
    name = fields.text(function, "name", f"{where}.function.")
    return {"toolUse": {"toolUseId": fields.text(call, "id", f"{where}."), "name": name, "input": parsed}}


def _result(message: Object, where: str) -> Block:
    return {
        "toolResult": {
            "toolUseId": fields.text(message, "tool_call_id", f"{where}."),
            "content": _content(message, where) or [{"text": "(no output)"}],
        }
    }
