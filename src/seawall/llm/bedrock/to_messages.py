"""An answer of Bedrock in the shape of Anthropic's messages."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.contracts.usage import Usage
from seawall.llm.bedrock.hearing import blocks_of, cited_text
from seawall.llm.bedrock.usage import usage_of
from seawall.llm.seam import Api, Operation

__all__ = ["MessagesWriter"]

_SAME = frozenset(("end_turn", "tool_use", "max_tokens", "stop_sequence", "model_context_window_exceeded"))
_REFUSED = frozenset(("guardrail_intervened", "content_filtered"))
Object = dict[str, Any]


class MessagesWriter:
    """Writes one answer.

    Args:
        model: the client's own name for it.
    """

    __slots__ = ("_blocks", "_id", "_model", "_stop", "_usage", "dialect", "operation")

    def __init__(self, model: str) -> None:
        self.dialect: Api = "anthropic"
        self.operation: Operation = "messages"
        self._model = model
        self._id = "msg_bedrock"
        self._blocks: dict[Any, int] = {}
        self._stop: Object = {}
        self._usage = Usage()

    def begin(self, request: str, created: int) -> None:
        """Learn what the answer's own id is made of."""
        self._id = f"msg_{request or 'bedrock'}"

    def whole(self, document: Object) -> bytes:
        """Return the message."""
        content = [shown for block in blocks_of(document) if (shown := _block(block)) is not None]
        usage = _usage(usage_of(document) or Usage())
        return orjson.dumps(self._message(content) | _stopped(document) | {"usage": usage})

    def event(self, name: str, document: Object) -> bytes:
        """Return the events for one of Bedrock's; Converse tells usage last, so the end waits for it."""
        index = document.get("contentBlockIndex")
        match name:
            case "messageStart":
                message = self._message([]) | {"stop_reason": None, "stop_sequence": None, "usage": _usage(Usage())}
                return _event("message_start", {"message": message})
            case "contentBlockStart":
                match document.get("start"):
                    case {"toolUse": dict(tool)}:
                        return self._start(index, _tool(tool, {}))
            case "contentBlockDelta":
                return self._delta(index, document.get("delta"))
            case "contentBlockStop" if index in self._blocks:
                return _event("content_block_stop", {"index": self._blocks[index]})
            case "messageStop":
                self._stop = document
            case "metadata":
                self._usage = usage_of(document) or self._usage
        return b""

    def done(self) -> bytes:
        """Return the events that end the message."""
        last = _event("message_delta", {"delta": _stopped(self._stop), "usage": _usage(self._usage)})
        return last + _event("message_stop", {})

    def _delta(self, index: Any, delta: Any) -> bytes:
        match delta:
            case {"text": str(text)}:
                return self._piece(index, {"type": "text", "text": ""}, {"type": "text_delta", "text": text})
            case {"toolUse": {"input": str(piece)}}:
                return self._piece(index, _tool({}, {}), {"type": "input_json_delta", "partial_json": piece})
            case {"reasoningContent": {"text": str(text)}}:
                return self._piece(index, _thinking("", ""), {"type": "thinking_delta", "thinking": text})
            case {"reasoningContent": {"signature": str(text)}}:
                return self._piece(index, _thinking("", ""), {"type": "signature_delta", "signature": text})
            case {"reasoningContent": {"redactedContent": str(data)}}:
                return self._start(index, {"type": "redacted_thinking", "data": data})
        return b""

    def _start(self, index: Any, block: Object) -> bytes:
        number = self._blocks[index] = len(self._blocks)
        return _event("content_block_start", {"index": number, "content_block": block})

    def _piece(self, index: Any, block: Object, delta: Object) -> bytes:
        """Return a delta, and before the first one of a block its beginning, which Converse leaves out for text."""
        opening = b"" if index in self._blocks else self._start(index, block)
        return opening + _event("content_block_delta", {"index": self._blocks[index], "delta": delta})

    def _message(self, content: list[Object]) -> Object:
        return {"id": self._id, "type": "message", "role": "assistant", "model": self._model, "content": content}


def _event(kind: str, document: Object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **document}))


def _block(block: Object) -> Object | None:
    match block:
        case {"text": str(text)}:
            return {"type": "text", "text": text}
        case {"toolUse": dict(tool)}:
            return _tool(tool, tool.get("input", {}))
        case {"reasoningContent": {"reasoningText": dict(said)}}:
            return _thinking(str(said.get("text") or ""), str(said.get("signature") or ""))
        case {"reasoningContent": {"redactedContent": str(data)}}:
            return {"type": "redacted_thinking", "data": data}
    cited = cited_text(block)
    return None if cited is None else {"type": "text", "text": cited}


def _tool(tool: Mapping[str, Any], given: Any) -> Object:
    return {"type": "tool_use", "id": tool.get("toolUseId", ""), "name": tool.get("name", ""), "input": given}


def _thinking(text: str, signature: str) -> Object:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _stopped(document: Mapping[str, Any]) -> Object:
    reason = str(document.get("stopReason"))
    own = document.get("additionalModelResponseFields")
    said = own.get("stop_sequence") if isinstance(own, dict) else None
    word = reason if reason in _SAME else "refusal" if reason in _REFUSED else "end_turn"
    return {"stop_reason": word, "stop_sequence": said if reason == "stop_sequence" else None}


def _usage(usage: Usage) -> Object:
    return {
        "input_tokens": usage.input - usage.cache_read - usage.cache_write,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
    }
