"""Anthropic's side: messages, whole and as events, and count_tokens."""

import json
from typing import Any

from provider import Answering, Route, words

__all__ = ["ROUTES", "error"]

_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip
_STOPS = {"length": "max_tokens", "content_filter": "refusal", "stop": "end_turn", "tool_calls": "tool_use"}


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error's body."""
    return {
        "type": "error",
        "error": {"type": _TYPES.get(status, "api_error"), "message": message},
        "request_id": "req",
    }


def _usage(one: Answering) -> dict[str, Any]:
    row = one.row
    return {
        "input_tokens": row.input - row.cached - row.written,
        "cache_creation_input_tokens": row.written,
        "cache_read_input_tokens": row.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": row.written - row.written_1h,
            "ephemeral_1h_input_tokens": row.written_1h,
        },
        "output_tokens": row.output,
        "output_tokens_details": {"thinking_tokens": row.reasoning},
        "server_tool_use": {"web_search_requests": row.searches, "web_fetch_requests": 0},
    }


def _calls(one: Answering) -> list[dict[str, Any]]:
    names = [tool["name"] for tool in one.said.get("tools") or [] if "name" in tool] or ["f"]
    return [
        {
            "type": "tool_use",
            "id": f"toolu_{one.row.number}_{number}",
            "name": names[number % len(names)],
            "input": {"city": "Paris", "n": number},
        }
        for number in range(one.script.tools)
    ]


def _stop(one: Answering, most: int) -> str:
    if one.script.stop:
        return _STOPS.get(one.script.stop, one.script.stop)
    if one.script.tools:
        return "tool_use"
    return "max_tokens" if most < one.script.output else "end_turn"


def _message(one: Answering) -> dict[str, Any]:
    return {
        "id": f"msg_{one.row.number}",
        "type": "message",
        "role": "assistant",
        "model": one.row.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


async def messages(one: Answering) -> None:
    """Answer a message."""
    if not isinstance(one.said.get("max_tokens"), int):
        one.row.output = 0
        await one.to.whole(400, json.dumps(error(400, "max_tokens: Field required")).encode())
        return
    most = one.limit("max_tokens")
    one.charge_input()
    one.row.searches = one.script.searches
    reasoning = min(one.script.reasoning, most)
    if one.said.get("stream"):
        await _stream(one, most, reasoning)
        return
    content: list[dict[str, Any]] = []
    if reasoning:
        content.append({"type": "thinking", "thinking": "".join(words(reasoning)), "signature": "c2ln"})
    content += [{"type": "text", "text": "".join(words(most - reasoning))}, *_calls(one)]
    one.row.output, one.row.reasoning = most, reasoning
    body = _message(one) | {"content": content, "stop_reason": _stop(one, most), "usage": _usage(one)}
    one.row.output = one.row.reasoning = 0
    await one.whole(body)
    one.row.output, one.row.reasoning = most, reasoning


async def _stream(one: Answering, most: int, reasoning: int) -> None:
    async def event(kind: str, **said: Any) -> None:
        body = json.dumps({"type": kind, **said}, separators=(",", ":"))
        await one.to.piece(f"event: {kind}\ndata: {body}\n\n".encode())

    await one.to.begin({"content-type": "text/event-stream; charset=utf-8", "request-id": f"req_{one.row.number}"})
    await event("message_start", message=_message(one) | {"usage": _usage(one) | {"output_tokens": 1}})
    index = 0
    if reasoning:
        await event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""})
        for word in words(reasoning):
            await event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": word})
            one.row.output += 1
            one.row.reasoning += 1
        await event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"})
        await event("content_block_stop", index=0)
        index = 1
    pieces = words(most - reasoning)
    for number in range(0, len(pieces) + 1, one.script.lump):
        if one.faulty and number <= one.script.error_at < number + one.script.lump:
            await event("error", error={"type": "overloaded_error", "message": "as the scenario says"})
            await one.to.end()
            return
        if number == 0:
            await event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            await event("ping")
        if number < len(pieces):
            await one.before(number)
            lump = pieces[number : number + one.script.lump]
            await event("content_block_delta", index=index, delta={"type": "text_delta", "text": "".join(lump)})
            one.row.output += len(lump)
    await event("content_block_stop", index=index)
    for call in _calls(one):
        index += 1
        await event("content_block_start", index=index, content_block=call | {"input": {}})
        text = json.dumps(call["input"])
        for at in range(0, len(text), 6):
            delta = {"type": "input_json_delta", "partial_json": text[at : at + 6]}
            await event("content_block_delta", index=index, delta=delta)
        await event("content_block_stop", index=index)
    await one.before(len(pieces))
    used = {name: value for name, value in _usage(one).items() if name != "cache_creation"}
    await event("message_delta", delta={"stop_reason": _stop(one, most), "stop_sequence": None}, usage=used)
    await event("message_stop")
    one.row.reported = True
    await one.to.end()
    one.row.complete = True


async def count_tokens(one: Answering) -> None:
    """Count, which is free."""
    one.charge_input()
    found = one.row.input
    one.row.input = one.row.cached = one.row.written = 0
    await one.whole({"input_tokens": found})


ROUTES = [
    Route("/v1/", "/messages", "anthropic", "messages", messages, error),
    Route("/v1/", "/messages/count_tokens", "anthropic", "count_tokens", count_tokens, error),
]
