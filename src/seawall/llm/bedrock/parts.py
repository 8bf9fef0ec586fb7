"""Pieces of a Converse request that both dialects need: pictures, documents, turns, and fields nobody can translate."""

from collections.abc import Collection, Mapping
from typing import Any

from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["Block", "Turns", "anthropic_model", "data_url", "document", "image", "only", "refuse", "tool_config"]

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
Block = dict[str, Any]


class Turns:
    """The messages of a conversation as Converse takes them: user and assistant in turn, none of them empty."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def add(self, role: str, blocks: list[Block]) -> None:
        """Add what one side says; it joins what the same side said just before."""
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    @property
    def uses_tools(self) -> bool:
        """Whether a tool was called or has answered; Converse then wants to know the tools."""
        return any("toolUse" in block or "toolResult" in block for one in self.messages for block in one["content"])


def only(document: Object, known: Collection[str], where: str = "") -> None:
    """Refuse a field that is not known.

    Args:
        document: an object of the request.
        known: names of fields that are translated, or mean nothing for the answer.
        where: the object's place, such as `messages[0].`, for the message.

    Raises:
        NotUnderstood: there is another one, and it says something.
    """
    for name, value in document.items():
        if name not in known and value not in (None, False, [], {}, ""):
            raise refuse(where + name)


def refuse(field: str, why: str = "has no counterpart there") -> NotUnderstood:
    """Return the error for what Bedrock's Converse cannot be asked."""
    return NotUnderstood(f"{field} cannot be asked of Bedrock: it {why}; leave it out, or choose another model", field)


def data_url(url: str, where: str) -> tuple[str, str]:
    """Return media type and base64 of a `data:` URL (RFC 2397).

    Raises:
        NotUnderstood: it is another URL; nothing is fetched on a client's behalf.
    """
    head, comma, data = url.partition(",")
    kind, _, coding = head.removeprefix("data:").rpartition(";")
    if not url.startswith("data:") or not comma or coding != "base64":
        raise refuse(where, "must hold the data itself (data:image/png;base64,…), nothing is fetched")
    return kind.partition(";")[0].lower(), data


def image(kind: str, data: Any, where: str) -> Block:
    """Return the block of a picture.

    Args:
        kind: media type.
        data: base64.
        where: its place, for the message.

    Raises:
        NotUnderstood: Converse does not take the type, or it is no base64.
    """
    if kind not in _IMAGES:
        raise refuse(where, "must be PNG, JPEG, GIF or WebP")
    return {"image": {"format": _IMAGES[kind], "source": {"bytes": _base64(data, where)}}}


def document(kind: str, data: Any, name: str, where: str) -> Block:
    """Return the block of a document.

    Args:
        kind: media type.
        data: base64.
        name: unlike those of other documents; letters, digits, single blanks, hyphens, brackets.
        where: its place, for the message.

    Raises:
        NotUnderstood: Converse does not take the type, or it is no base64.
    """
    if kind not in _DOCUMENTS:
        raise refuse(where, "must be PDF, CSV, Word, Excel, HTML, Markdown or plain text")
    return {"document": {"format": _DOCUMENTS[kind], "name": name, "source": {"bytes": _base64(data, where)}}}


def _base64(data: Any, where: str) -> str:
    if not isinstance(data, str) or not data or not data.isascii() or data.encode().translate(None, _BASE64):
        raise NotUnderstood(f"{where} must be base64 without line breaks", where)
    return data


def anthropic_model(model: str) -> bool:
    """Whether Converse passes a request on to a model of Anthropic, which takes fields of its own."""
    return "anthropic." in model


def tool_config(tools: list[Block], choice: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the part of the request that says which tools there are."""
    return {"tools": tools} if choice is None else {"tools": tools, "toolChoice": choice}
