"""Bedrock's side: Converse, and ConverseStream in AWS's binary event stream (written by its specification)."""

import json
import struct
import zlib
from typing import Any

from provider import Answering, Route, words

__all__ = ["ROUTES", "error", "message"]

_STOPS = {"length": "max_tokens", "content_filter": "content_filtered", "stop": "end_turn", "tool_calls": "tool_use"}


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error's body."""
    return {"message": message}


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message of an event stream: prelude, its checksum, headers of text, payload, checksum of all."""
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", len(packed) + len(payload) + 16, len(packed))
    front = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return front + struct.pack("!I", zlib.crc32(front))


def _usage(one: Answering) -> dict[str, int]:
    row = one.row
    return {
        "inputTokens": row.input - row.cached - row.written,
        "outputTokens": row.output,
        "totalTokens": row.input + row.output,
        "cacheReadInputTokens": row.cached,
        "cacheWriteInputTokens": row.written,
    }


def _stop(one: Answering, most: int) -> str:
    if one.script.stop:
        return _STOPS.get(one.script.stop, one.script.stop)
    if one.script.tools:
        return "tool_use"
    return "max_tokens" if most < one.script.output else "end_turn"


def _limit(one: Answering) -> int:
    given = (one.said.get("inferenceConfig") or {}).get("maxTokens")
    return min(one.script.output, given) if isinstance(given, int) else one.script.output


def _calls(one: Answering) -> list[dict[str, Any]]:
    tools = (one.said.get("toolConfig") or {}).get("tools") or []
    names = [tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool] or ["f"]
    return [
        {
            "toolUseId": f"tooluse_{one.row.number}_{n}",
            "name": names[n % len(names)],
            "input": {"city": "Paris", "n": n},
        }
        for n in range(one.script.tools)
    ]


async def converse(one: Answering) -> None:
    """Answer a whole conversation's turn."""
    most = _limit(one)
    one.charge_input()
    one.row.output = most
    thought = min(one.script.reasoning, most)  # billed as output; Bedrock does not tell it apart
    reasoning = {"reasoningContent": {"reasoningText": {"text": "".join(words(thought)), "signature": "c2ln"}}}
    content = [
        *([reasoning] if thought else []),
        {"text": "".join(words(most - thought))},
        *({"toolUse": call} for call in _calls(one)),
    ]
    body = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop(one, most),
        "usage": _usage(one),
        "metrics": {"latencyMs": 1},
    }
    one.row.output = 0
    await one.whole(body)
    one.row.output = most


async def converse_stream(one: Answering) -> None:
    """Answer event by event."""
    most = _limit(one)
    one.charge_input()

    async def event(kind: str, said: dict[str, Any], group: str = "event") -> None:
        headers = {f":{group}-type": kind, ":content-type": "application/json", ":message-type": group}
        await one.to.piece(message(headers, json.dumps(said).encode()))

    await one.to.begin({"content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": f"r{one.row.number}"})
    await event("messageStart", {"role": "assistant"})
    thought = min(one.script.reasoning, most)
    index = 0
    if thought:
        for word in words(thought):
            await event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": word}}})
            one.row.output += 1
        signed = {"reasoningContent": {"signature": "c2ln"}}
        await event("contentBlockDelta", {"contentBlockIndex": 0, "delta": signed})
        await event("contentBlockStop", {"contentBlockIndex": 0})
        index = 1
    for number, word in enumerate([*words(most - thought), ""]):
        if one.faulty and number == one.script.error_at:
            await event("throttlingException", {"message": "as the scenario says"}, "exception")
            await one.to.end()
            return
        await one.before(number)
        if word:
            await event("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": word}})
            one.row.output += 1
    await event("contentBlockStop", {"contentBlockIndex": index})
    for index, call in enumerate(_calls(one), index + 1):  # noqa: B020 - it goes on counting
        start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
        await event("contentBlockStart", {"contentBlockIndex": index, "start": start})
        given = {"toolUse": {"input": json.dumps(call["input"])}}
        await event("contentBlockDelta", {"contentBlockIndex": index, "delta": given})
        await event("contentBlockStop", {"contentBlockIndex": index})
    await event("messageStop", {"stopReason": _stop(one, most)})
    await event("metadata", {"usage": _usage(one), "metrics": {"latencyMs": 1}})
    one.row.reported = True
    await one.to.end()
    one.row.complete = True


ROUTES = [
    Route("/model/", "/converse", "bedrock", "converse", converse, error),
    Route("/model/", "/converse-stream", "bedrock", "converse", converse_stream, error),
]
