"""An answer of Bedrock in the shape of OpenAI's chat completions."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.contracts.usage import Usage
from seawall.llm.bedrock.hearing import blocks_of, cited_text
from seawall.llm.bedrock.usage import usage_of
from seawall.llm.completion import Completion
from seawall.llm.seam import Api, Operation

__all__ = ["ChatWriter"]

_FINISH: Mapping[str, str] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class ChatWriter:
    """Writes one answer.

    Args:
        model: the client's own name for it.
        wants_usage: of a stream, the chunk with the usage too.
    """

    __slots__ = ("_completion", "_tools", "_usage", "dialect", "operation")

    def __init__(self, model: str, wants_usage: bool) -> None:
        self.dialect: Api = "openai"
        self.operation: Operation = "chat"
        self._completion = Completion("chatcmpl-bedrock", model, wants_usage)
        self._tools: dict[Any, int] = {}
        self._usage: Usage | None = None

    def begin(self, request: str, created: int) -> None:
        """Learn what the answer's own id is made of."""
        self._completion.ident = f"chatcmpl-{request or 'bedrock'}"
        self._completion.created = created

    def whole(self, document: dict[str, Any]) -> bytes:
        """Return the completion."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[dict[str, Any]] = []
        for block in blocks_of(document):
            text = block.get("text") or cited_text(block)
            if isinstance(text, str):
                texts.append(text)
            elif isinstance(tool := block.get("toolUse"), dict):
                arguments = orjson.dumps(tool.get("input", {})).decode()
                calls.append(_call(tool, arguments))
            elif isinstance(thought := block.get("reasoningContent"), dict):
                thoughts.append(_thought(thought.get("reasoningText")))
        if texts:
            message["content"] = "".join(texts)
        if calls:
            message["tool_calls"] = calls
        if any(thoughts):
            message["reasoning_content"] = "".join(thoughts)
        return self._completion.whole(message, _finish(document), _shown(usage_of(document) or Usage()))

    def event(self, name: str, document: dict[str, Any]) -> bytes:
        """Return the chunk for one event, nothing where the dialect has none."""
        match name:
            case "messageStart":
                return self._completion.chunk({"role": "assistant", "content": "", "refusal": None})
            case "contentBlockStart":
                return self._start(document)
            case "contentBlockDelta":
                return self._delta(document)
            case "messageStop":
                return self._completion.chunk({}, _finish(document))
            case "metadata":
                self._usage = usage_of(document)
        return b""

    def done(self) -> bytes:
        """Return the usage where it is wanted, and the mark that ends every stream."""
        return self._completion.end(_shown(self._usage or Usage()))

    def _start(self, document: dict[str, Any]) -> bytes:
        start = document.get("start")
        tool = start.get("toolUse") if isinstance(start, dict) else None
        if not isinstance(tool, dict):
            return b""
        index = self._tools[document.get("contentBlockIndex")] = len(self._tools)
        return self._completion.chunk({"tool_calls": [{"index": index, **_call(tool, "")}]})

    def _delta(self, document: dict[str, Any]) -> bytes:
        match document.get("delta"):
            case {"text": str(text)}:
                return self._completion.chunk({"content": text})
            case {"toolUse": {"input": str(piece)}}:
                index = self._tools.get(document.get("contentBlockIndex"), max(0, len(self._tools) - 1))
                return self._completion.chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            case {"reasoningContent": {"text": str(text)}}:
                return self._completion.chunk({"reasoning_content": text})
        return b""


def _call(tool: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    function = {"name": tool.get("name"), "arguments": arguments}
    return {"id": tool.get("toolUseId"), "type": "function", "function": function}


def _thought(text: Any) -> str:
    return str(text.get("text") or "") if isinstance(text, dict) else ""


def _finish(document: Mapping[str, Any]) -> str:
    return _FINISH.get(str(document.get("stopReason")), "stop")


def _shown(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
    }
