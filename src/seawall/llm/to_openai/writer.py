"""Chat completions written as Anthropic's messages: whole, or as events."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.llm.refused import error_body
from seawall.llm.sse import Event
from seawall.llm.to_openai.answer import blocks_of, reason_of, shown, thought_of
from seawall.llm.usages import usage_in

__all__ = ["MessageWriter"]


class MessageWriter:
    """Writes one answer as a message.

    The end of a message tells its usage, and OpenAI tells that after its own end: so the last events wait for it.

    Args:
        model: the client's own name for it.

    Attributes:
        finished: a chunk has told why the answer ended.
    """

    __slots__ = ("_blocks", "_model", "_open", "_reason", "_refused", "_started", "_tools", "_used", "finished")

    def __init__(self, model: str) -> None:
        self.finished = False
        self._model = model
        self._started = False
        self._blocks = 0  # how many have begun
        self._open: dict[str | int, int] = {}  # kind, or a tool's index: the block's index
        self._tools: dict[Any, int] = {}
        self._reason: Any = None
        self._refused = False
        self._used: Mapping[str, Any] = {}

    def begin(self, created: int) -> None:
        """Messages have no date."""

    def whole(self, said: dict[str, Any]) -> bytes:
        """Return the message."""
        choices = said.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            return error_body("anthropic", 502, "The provider's answer is no chat completion")
        reason = "refusal" if message.get("refusal") else reason_of(choice.get("finish_reason"))
        return orjson.dumps(
            self._message(said)
            | {"content": blocks_of(message), "stop_reason": reason, "usage": shown(usage_in(said) or {})}
        )

    def event(self, event: Event, said: dict[str, Any]) -> bytes:
        """Return the events for one chunk, nothing where it says nothing new."""
        self._used = usage_in(said) or self._used
        choices = said.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return b""
        pieces = [self._start(said)]
        delta = choice.get("delta")
        if isinstance(delta, dict):
            pieces += self._delta(delta)
        if choice.get("finish_reason"):
            self.finished = True
            self._reason = choice["finish_reason"]
        return b"".join(pieces)

    def done(self) -> bytes:
        """Return the ends of all blocks and of the message, with its usage."""
        reason = "refusal" if self._refused else reason_of(self._reason)
        delta = {"stop_reason": reason, "stop_sequence": None}
        last = _event("message_delta", delta=delta, usage=shown(self._used))
        return self._close(*self._open) + last + _event("message_stop")

    def _delta(self, delta: Mapping[str, Any]) -> list[bytes]:
        pieces = []
        thought = thought_of(delta)
        if thought:
            pieces.append(self._say("thinking", {"type": "thinking_delta", "thinking": thought}))
        for name in ("content", "refusal"):
            text = delta.get(name)
            if isinstance(text, str) and text:
                self._refused = self._refused or name == "refusal"
                pieces.append(self._say("text", {"type": "text_delta", "text": text}))
        calls = delta.get("tool_calls") or ()
        return pieces + [self._call(call) for call in calls if isinstance(call, dict)]

    def _say(self, kind: str, delta: dict[str, Any]) -> bytes:
        opening = b""
        if kind not in self._open:
            closing = self._close(*self._open)
            block = {"type": "text", "text": ""}
            if kind == "thinking":
                block = {"type": "thinking", "thinking": "", "signature": ""}
            opening = closing + self._begin(kind, block)
        return opening + _event("content_block_delta", index=self._open[kind], delta=delta)

    def _call(self, call: Mapping[str, Any]) -> bytes:
        """Open a tool's block where it is new; several may be open, as their pieces may come mixed."""
        index = call.get("index", 0)
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        opening = b""
        if index not in self._tools:
            opening = self._close(*(one for one in self._open if isinstance(one, str)))
            block = {"type": "tool_use", "id": call.get("id") or f"call_{index}", "name": function.get("name") or ""}
            self._tools[index] = self._blocks
            opening += self._begin(index, block | {"input": {}})
        piece = function.get("arguments")
        if not isinstance(piece, str) or not piece:
            return opening
        delta = {"type": "input_json_delta", "partial_json": piece}
        return opening + _event("content_block_delta", index=self._tools[index], delta=delta)

    def _begin(self, key: str | int, block: dict[str, Any]) -> bytes:
        self._open[key] = self._blocks
        self._blocks += 1
        return _event("content_block_start", index=self._open[key], content_block=block)

    def _close(self, *keys: str | int) -> bytes:
        return b"".join([_event("content_block_stop", index=self._open.pop(key)) for key in keys])

    def _start(self, said: Mapping[str, Any]) -> bytes:
        if self._started:
            return b""
        self._started = True
        message = self._message(said) | {"content": [], "stop_reason": None, "usage": shown({})}
        return _event("message_start", message=message)

    def _message(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": f"msg_{said.get('id')}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "stop_sequence": None,
        }


def _event(kind: str, **said: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **said}) + b"\n\n"
