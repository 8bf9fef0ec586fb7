"""A chat completion in the shape of Anthropic's messages, whole."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.contracts.usage import Usage
from seawall.llm.usages import openai_usage

__all__ = ["blocks_of", "reason_of", "shown", "thought_of"]

_REASONS: Mapping[str, str] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def reason_of(finish: Any) -> str:
    """Return why the answer ended, in Anthropic's words; OpenAI does not tell a stop sequence from a natural end."""
    return _REASONS.get(finish, "end_turn") if isinstance(finish, str) else "end_turn"


def thought_of(message: Mapping[str, Any]) -> str:
    """Return reasoning that a provider shows, under either of its names."""
    for name in ("reasoning_content", "reasoning"):
        text = message.get(name)
        if isinstance(text, str) and text:
            return text
    return ""


def blocks_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the content blocks of a completion's message."""
    blocks: list[dict[str, Any]] = []
    thought = thought_of(message)
    if thought:
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    for name in ("content", "refusal"):
        text = message.get(name)
        if isinstance(text, str) and text:
            blocks.append({"type": "text", "text": text})
    for call in message.get("tool_calls") or ():
        match call:
            case {"id": found, "function": {"name": name, **rest}}:
                given = _arguments(rest.get("arguments"))
                blocks.append({"type": "tool_use", "id": found, "name": name, "input": given})
    return blocks


def _arguments(text: Any) -> dict[str, Any]:
    """Return a call's arguments; what a model wrote that is no object is handed on under a name that says so."""
    try:
        found = orjson.loads(text or "{}")
    except (orjson.JSONDecodeError, TypeError):
        found = None
    return found if isinstance(found, dict) else {"invalid_arguments": text}


def shown(used: Mapping[str, Any]) -> dict[str, Any]:
    """Return Anthropic's usage object for OpenAI's; its input leaves out what was read from or written to the cache."""
    usage = openai_usage(used) or Usage()
    return {
        "input_tokens": max(0, usage.input - usage.cache_read - usage.cache_write),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }
