"""What an event of a stream means before the answer has begun: content, an error, or neither (semantics 2.6)."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from seawall.llm.refused import status_of
from seawall.llm.seam import Operation
from seawall.llm.sse import Event

__all__ = ["CONTENT", "NEITHER", "Failure", "judged"]

Failure = tuple[int, str]
CONTENT = True
NEITHER = None
_DELTA = ("content", "reasoning_content", "reasoning", "tool_calls", "refusal", "function_call", "audio")
_WAITING = frozenset((
    "response.created", "response.in_progress", "response.queued", "response.output_item.added",
    "response.content_part.added", "response.reasoning_summary_part.added",
))  # fmt: skip


def judged(operation: Operation, event: Event) -> bool | Failure | None:
    """Return CONTENT, NEITHER, or the status and message of an error.

    Args:
        operation: whose stream it is.
        event: one of its events.
    """
    if event.data == b"[DONE]":
        return CONTENT  # it has ended without any, and that is the answer
    try:
        said = orjson.loads(event.data)
    except orjson.JSONDecodeError:
        return NEITHER
    if not isinstance(said, dict):
        return NEITHER
    if event.kind == b"error" or said.get("error") or said.get("type") in ("error", "response.failed"):
        return failure_of(said)
    return CONTENT if _BEGINS.get(operation, _typed)(said) else NEITHER


def failure_of(said: Mapping[str, Any]) -> Failure:
    """Return status and message of an error event, in whichever shape the provider has."""
    response = said.get("response")
    error = said.get("error") or (response.get("error") if isinstance(response, dict) else None) or said
    if isinstance(error, str):
        return 500, error
    if not isinstance(error, dict):
        return 500, "The stream ended in an error"
    message = error.get("message")
    return status_of(error.get("type"), error.get("code")), message if isinstance(message, str) else "No message"


def _chat(said: Mapping[str, Any]) -> bool:
    choices = said.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        if choice.get("finish_reason") or (isinstance(delta, dict) and any(delta.get(name) for name in _DELTA)):
            return True
    return False


def _completions(said: Mapping[str, Any]) -> bool:
    choices = said.get("choices")
    found = choices if isinstance(choices, list) else ()
    return any(isinstance(one, dict) and (one.get("text") or one.get("finish_reason")) for one in found)


def _messages(said: Mapping[str, Any]) -> bool:
    kind = said.get("type")
    if kind == "content_block_start":
        block = said.get("content_block")
        return isinstance(block, dict) and block.get("type") not in ("text", "thinking")
    return kind in ("content_block_delta", "message_delta", "message_stop")


def _responses(said: Mapping[str, Any]) -> bool:
    return said.get("type") not in _WAITING


def _typed(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("type"), str)


_BEGINS: Mapping[Operation, Callable[[Mapping[str, Any]], bool]] = {
    "chat": _chat,
    "completions": _completions,
    "messages": _messages,
    "responses": _responses,
}
