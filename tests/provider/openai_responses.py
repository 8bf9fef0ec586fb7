"""OpenAI's Responses API: whole, or as its typed events."""

import json
from typing import Any

from provider import Answering, words

__all__ = ["SSE", "given_tier", "responses"]

SSE = {"content-type": "text/event-stream; charset=utf-8"}


def given_tier(one: Answering) -> str:
    """Return the service tier of the answer: that asked for, "" the standard one."""
    asked = one.said.get("service_tier")
    return asked if asked in ("flex", "priority") else ""


def _response(one: Answering, status: str, output: list[dict[str, Any]], *, used: bool) -> dict[str, Any]:
    row = one.row
    return {
        "id": f"resp_{row.number}",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "service_tier": row.tier or "default",
        "model": row.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None if not used else {
            "input_tokens": row.input,
            "input_tokens_details": {"cached_tokens": row.cached, "cache_write_tokens": row.written},
            "output_tokens": row.output,
            "output_tokens_details": {"reasoning_tokens": row.reasoning},
            "total_tokens": row.input + row.output,
        },
    }  # fmt: skip


def _output(one: Answering, text: str) -> list[dict[str, Any]]:
    searches = [
        {
            "type": "web_search_call",
            "id": f"ws_{number}",
            "status": "completed",
            "action": {"type": "search", "query": "x"},
        }
        for number in range(one.script.searches)
    ]
    # a page that is opened is an item as well, and is not billed
    searches += [
        {"type": "web_search_call", "id": "ws_o", "status": "completed", "action": {"type": "open_page"}}
    ] * bool(searches)
    searches += [{"type": "file_search_call", "id": "fs", "status": "completed"}] * one.script.file_searches
    part = {"type": "output_text", "text": text, "annotations": []}
    return [
        *searches,
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]},
    ]


async def responses(one: Answering) -> None:
    """Answer a response."""
    most = one.limit("max_output_tokens")
    reasoning = min(one.script.reasoning, most)
    one.charge_input()
    one.row.searches, one.row.file_searches = one.script.searches, one.script.file_searches
    one.row.tier = given_tier(one)
    pieces = words(most - reasoning)
    status = "incomplete" if most < one.script.output else "completed"
    if one.said.get("stream"):
        one.row.output = one.row.reasoning = reasoning
        await _stream(one, pieces, status)
        return
    one.row.output, one.row.reasoning = most, reasoning
    body = _response(one, status, _output(one, "".join(pieces)), used=True)
    one.row.output = one.row.reasoning = 0
    await one.whole(body)
    one.row.output, one.row.reasoning = most, reasoning


async def _stream(one: Answering, pieces: list[str], status: str) -> None:
    count = 0

    async def event(kind: str, **said: Any) -> None:
        nonlocal count
        body = json.dumps({"type": kind, "sequence_number": count, **said}, separators=(",", ":"))
        count += 1
        await one.to.piece(f"event: {kind}\ndata: {body}\n\n".encode())

    await one.to.begin(SSE)
    await event("response.created", response=_response(one, "in_progress", [], used=False))
    await event("response.in_progress", response=_response(one, "in_progress", [], used=False))
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": []}
    item = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
    await event("response.output_item.added", output_index=0, item=item)
    await event("response.content_part.added", **place, part=empty)
    for number, word in enumerate([*pieces, ""]):
        if one.faulty and number == one.script.error_at:
            failed = {"code": "server_error", "message": "as the scenario says"}
            await event("response.failed", response=_response(one, "failed", [], used=False) | {"error": failed})
            await one.to.end()
            return
        await one.before(number)
        if word:
            await event("response.output_text.delta", **place, delta=word, logprobs=[])
            one.row.output += 1
    text = "".join(pieces)
    output = _output(one, text)
    await event("response.output_text.done", **place, text=text, logprobs=[])
    await event("response.content_part.done", **place, part=empty | {"text": text})
    await event("response.output_item.done", output_index=0, item=output[-1])
    await event(f"response.{status}", response=_response(one, status, output, used=True))
    one.row.reported = True
    await one.to.end()
    one.row.complete = True
