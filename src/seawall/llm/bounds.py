"""How many input tokens a request may cost at most, before anybody has counted them (semantics 8.1).

A token is at least one byte of text, so a body's own length bounds its text, its roles and its tools; what is not text
has a named bound instead. Where a provider adds input that nobody here can see (its own tools in a loop, say), there
is no bound, and the call is refused under a cap. What such a tool costs beside tokens stands in extras.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from seawall.llm.extras import ASKED_AGAIN, SEARCHES, calls_at_most
from seawall.llm.seam import Operation

__all__ = ["AUDIO", "FILE", "IMAGE", "OWN_TOOL", "TOOL_PROMPT", "input_bound"]

# The dearest picture known: gpt-4o-mini, high detail, 2,833 tokens and 5,667 for each of eight tiles.
IMAGE = 50_000
# A file, a stored conversation: never more than the largest window of a model that reads files.
FILE = 1_050_000
# A recording that is uploaded: the window of the models that write down speech.
AUDIO = 16_384
# Bytes of base64 for one token of a recording in a message: 8 kbit/s, the leanest MP3, at 32 tokens a second.
_AUDIO_BYTES = 24
# What Anthropic puts before a request that has tools (346 to 700 tokens by model and choice).
TOOL_PROMPT = 1_024
# What a tool of Anthropic's own that runs at the client adds (bash 245, editor 700, computer 735).
OWN_TOOL = 1_024

_PLAIN = frozenset((
    "text", "refusal", "input_text", "output_text", "summary_text", "reasoning_text", "thinking", "redacted_thinking",
    "tool_use", "server_tool_use", "web_search_tool_result", "search_result", "tool_reference",
    "function_call", "custom_tool_call", "reasoning",
))  # fmt: skip
_NESTED = frozenset(("tool_result", "message", "function_call_output", "custom_tool_call_output"))
_CLIENT_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")


class _Unbounded(Exception):
    """Something in the request has no bound."""


def input_bound(operation: Operation, document: Mapping[str, Any], size: int) -> int | None:
    """Return the most input tokens a request may cost, None where there is no bound.

    Args:
        operation: by which route it came.
        document: the parsed body.
        size: bytes of the body.
    """
    try:
        return size + _ADDED.get(operation, _nothing)(document)
    except _Unbounded:
        return None


def _nothing(document: Mapping[str, Any]) -> int:
    return 0


def _chat(document: Mapping[str, Any]) -> int:
    if document.get("web_search_options") is not None:
        raise _Unbounded
    return _messages(document.get("messages"))


def _anthropic(document: Mapping[str, Any]) -> int:
    if document.get("mcp_servers") or document.get("container"):
        raise _Unbounded
    tools = document.get("tools")
    added = sum(map(_anthropic_tool, tools), TOOL_PROMPT) if isinstance(tools, list) and tools else 0
    return added + _messages(document.get("messages")) + _content(document.get("system"))


def _anthropic_tool(tool: Any) -> int:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind in (None, "custom"):
        return 0
    if isinstance(kind, str) and kind.startswith(_CLIENT_TOOLS):
        return OWN_TOOL
    uses = calls_at_most(tool, "max_uses") if isinstance(kind, str) and kind.startswith(ASKED_AGAIN) else None
    if uses is None:
        raise _Unbounded  # it runs at the provider, which asks the model again with what it found
    return OWN_TOOL + uses * FILE


def _responses(document: Mapping[str, Any]) -> int:
    searches = False
    for tool in document.get("tools") or ():
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind in SEARCHES:
            searches = True
        elif kind not in ("function", "custom"):
            raise _Unbounded
    calls = calls_at_most(document, "max_tool_calls") if searches else 0
    if calls is None:
        raise _Unbounded
    stored = sum(FILE for name in ("previous_response_id", "conversation", "prompt") if document.get(name) is not None)
    return stored + calls * FILE + _content(document.get("input"))


def _moderations(document: Mapping[str, Any]) -> int:
    return _content(document.get("input"))


def _messages(messages: Any) -> int:
    added = 0
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            content = message.get("content")
            if not isinstance(content, str):
                added += _content(content)
            if message.get("audio") is not None:  # an earlier spoken answer, by its id
                added += AUDIO
    return added


def _content(content: Any) -> int:
    if not isinstance(content, list):
        return _part(content) if isinstance(content, dict) else 0
    return sum(_part(part) for part in content if isinstance(part, dict))


def _part(part: dict[str, Any]) -> int:
    kind = part.get("type")
    if kind in _PLAIN:
        return 0
    if kind in _NESTED or (kind is None and "role" in part):
        return _content(part.get("output" if "output" in part else "content"))
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise _Unbounded
    return read(part)


def _image(part: dict[str, Any]) -> int:
    inner = part.get("image_url") or part.get("source") or {}
    data = inner if isinstance(inner, str) else (inner.get("url") or inner.get("data") or "")
    return IMAGE - (len(data) if isinstance(data, str) else 0)


def _file(part: dict[str, Any]) -> int:
    inner = part.get("file") or part.get("source") or part
    if isinstance(inner, dict) and inner.get("type") in ("text", "content"):
        return _content(inner.get("content"))
    data = (inner.get("file_data") or inner.get("data") or "") if isinstance(inner, dict) else ""
    return FILE - (len(data) if isinstance(data, str) else 0)


def _recording(part: dict[str, Any]) -> int:
    inner = part.get("input_audio") or {}
    data = inner.get("data") if isinstance(inner, dict) else None
    return len(data) // _AUDIO_BYTES + 1 - len(data) if isinstance(data, str) else AUDIO


def _stored(part: dict[str, Any]) -> int:
    return FILE


_PARTS: Mapping[str, Callable[[dict[str, Any]], int]] = {
    "image_url": _image,
    "image": _image,
    "input_image": _image,
    "file": _file,
    "input_file": _file,
    "document": _file,
    "input_audio": _recording,
    "item_reference": _stored,
}
_ADDED: Mapping[Operation, Callable[[Mapping[str, Any]], int]] = {
    "chat": _chat,
    "messages": _anthropic,
    "count_tokens": _anthropic,
    "responses": _responses,
    "moderations": _moderations,
}
