"""An answer of Anthropic in the shape of OpenAI's chat completions, whole."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.contracts.usage import Usage
from seawall.llm.usages import anthropic_usage

__all__ = ["finish_of", "message_of", "shown"]

_FINISH: Mapping[str, str] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def finish_of(reason: Any) -> str:
    """Return why the answer ended, in OpenAI's words."""
    return _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"


def message_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of a completion.

    Reasoning stands in `reasoning_content` to be read, and signed in `thinking_blocks` to be given back.
    """
    texts: list[str] = []
    thoughts: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for block in said.get("content") or ():
        match block:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "tool_use", "id": found, "name": name, **rest}:
                function = {"name": name, "arguments": orjson.dumps(rest.get("input") or {}).decode()}
                calls.append({"id": found, "type": "function", "function": function})
            case {"type": "thinking" | "redacted_thinking"}:
                thoughts.append(dict(block))
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if said.get("stop_reason") == "refusal":
        message["refusal"] = _why(said.get("stop_details"))
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["reasoning_content"] = "".join(str(one.get("thinking") or "") for one in thoughts)
        message["thinking_blocks"] = thoughts
    return message


def _why(details: Any) -> str | None:
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if isinstance(explanation, str) else None


def shown(used: Mapping[str, Any]) -> dict[str, Any]:
    """Return OpenAI's usage object for Anthropic's."""
    usage = anthropic_usage(used) or Usage()
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
