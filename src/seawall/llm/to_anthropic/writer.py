"""Anthropic's answers written as OpenAI's: a completion, or chunks."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.llm.completion import Completion
from seawall.llm.refused import error_body
from seawall.llm.sse import Event
from seawall.llm.to_anthropic.answer import finish_of, message_of, shown

__all__ = ["ChatWriter"]


class ChatWriter:
    """Writes one answer as a chat completion.

    Args:
        model: the client's own name for it.
        wants_usage: of a stream, the chunk with the usage too.

    Attributes:
        finished: `message_delta` has told why the answer ended.
    """

    __slots__ = ("_arguments", "_completion", "_thought", "_tools", "_used", "finished")

    def __init__(self, model: str, wants_usage: bool) -> None:
        self.finished = False
        self._completion = Completion("chatcmpl-seawall", model, wants_usage)
        self._tools = 0
        self._arguments = ""
        self._thought: list[str] = []
        self._used: dict[str, Any] = {}

    def begin(self, created: int) -> None:
        """Learn the second of the answer."""
        self._completion.created = created

    def whole(self, said: dict[str, Any]) -> bytes:
        """Return the completion."""
        if said.get("type") != "message":
            return error_body("openai", 502, "The provider's answer is no message")
        self._completion.ident = f"chatcmpl-{said.get('id')}"
        finish = finish_of(said.get("stop_reason"))
        used = said.get("usage")
        usage = shown(used if isinstance(used, dict) else {})
        return self._completion.whole(message_of(said), finish, usage)

    def event(self, event: Event, said: dict[str, Any]) -> bytes:
        """Return the chunk for one event, nothing where the dialect has none."""
        match said.get("type"):
            case "message_start":
                message = said.get("message")
                return self._start(message if isinstance(message, dict) else {})
            case "content_block_start":
                return self._open(said.get("content_block"))
            case "content_block_delta":
                return self._delta(said.get("delta"))
            case "content_block_stop":
                return self._close()
            case "message_delta":
                return self._finish(said)
        return b""

    def done(self) -> bytes:
        """Return the usage where it is wanted, and the mark that ends every stream."""
        return self._completion.end(shown(self._used))

    def _start(self, message: Mapping[str, Any]) -> bytes:
        self._completion.ident = f"chatcmpl-{message.get('id')}"
        used = message.get("usage")
        self._used = dict(used) if isinstance(used, dict) else {}
        return self._completion.chunk({"role": "assistant", "content": "", "refusal": None})

    def _open(self, block: Any) -> bytes:
        match block:
            case {"type": "tool_use", "id": found, "name": name, **rest}:
                given = orjson.dumps(rest["input"]).decode() if rest.get("input") else ""
                self._tools += 1
                self._arguments = given
                call = {"id": found, "type": "function", "function": {"name": name, "arguments": given}}
                return self._completion.chunk({"tool_calls": [{"index": self._tools - 1, **call}]})
            case {"type": "thinking"}:
                self._thought = []
            case {"type": "redacted_thinking"}:
                return self._completion.chunk({"thinking_blocks": [block]})
        return b""

    def _delta(self, delta: Any) -> bytes:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                return self._completion.chunk({"content": text})
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                self._arguments += piece
                return self._call(piece)
            case {"type": "thinking_delta", "thinking": str(text)}:
                self._thought.append(text)
                return self._completion.chunk({"reasoning_content": text})
            case {"type": "signature_delta", "signature": str(signature)}:
                block = {"type": "thinking", "thinking": "".join(self._thought), "signature": signature}
                return self._completion.chunk({"thinking_blocks": [block]})
        return b""

    def _close(self) -> bytes:
        """End a block; a tool called without arguments still has an object of them."""
        if self._tools and not self._arguments:
            self._arguments = "{}"
            return self._call("{}")
        return b""

    def _call(self, piece: str) -> bytes:
        return self._completion.chunk({"tool_calls": [{"index": self._tools - 1, "function": {"arguments": piece}}]})

    def _finish(self, said: Mapping[str, Any]) -> bytes:
        used = said.get("usage")
        if isinstance(used, dict):
            self._used |= {name: value for name, value in used.items() if value is not None}
        delta = said.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason is None:
            return b""
        self.finished = True
        return self._completion.chunk({}, finish_of(reason))
