"""A fixed text as a model's answer, in the client's dialect: what is said when every target failed."""

from typing import Any

import orjson

from seawall.contracts.body import Headers
from seawall.llm.seam import Asked

__all__ = ["said"]

_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
_NOTHING = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def said(asked: Asked, text: str, number: str, now: float) -> tuple[Headers, bytes] | None:
    """Return headers and body of an answer that says `text`, None where the operation has no text to say.

    Args:
        asked: what the client asks.
        text: to say.
        number: of the call, part of the answer's id.
        now: seconds since the epoch.
    """
    match asked.operation:
        case "chat":
            return _chat(asked, text, number, int(now))
        case "completions":
            choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
            body = _envelope("cmpl", "text_completion", asked, number, int(now), choice)
            return (_EVENTS, _event(body) + b"data: [DONE]\n\n") if asked.stream else (_JSON, _whole(body))
        case "messages":
            return _messages(asked, text, number)
        case "responses":
            return None if asked.stream else (_JSON, orjson.dumps(_response(asked, text, number, now)))
        case _:
            return None


def _envelope(before: str, kind: str, asked: Asked, number: str, now: int, choice: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{before}-{number}", "object": kind, "created": now, "model": asked.model, "choices": [choice]}


def _whole(body: dict[str, Any]) -> bytes:
    return orjson.dumps({**body, "usage": _NOTHING})


def _event(body: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + orjson.dumps(body) + b"\n\n"


def _chat(asked: Asked, text: str, number: str, now: int) -> tuple[Headers, bytes]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if not asked.stream:
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return _JSON, _whole(_envelope("chatcmpl", "chat.completion", asked, number, now, choice))
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": message, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    chunks = [_envelope("chatcmpl", "chat.completion.chunk", asked, number, now, choice) for choice in choices]
    if asked.wants_usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**chunks[0], "choices": [], "usage": _NOTHING})
    return _EVENTS, b"".join(map(_event, chunks)) + b"data: [DONE]\n\n"


def _messages(asked: Asked, text: str, number: str) -> tuple[Headers, bytes]:
    usage = {"input_tokens": 0, "output_tokens": 0}
    message: dict[str, Any] = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": asked.model,
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    if not asked.stream:
        return _JSON, orjson.dumps(message)
    opening = {**message, "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": opening},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return _EVENTS, b"".join(_event(event, event["type"]) for event in events)


def _response(asked: Asked, text: str, number: str, now: float) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [part],
    }  # fmt: skip
    return {
        "id": f"resp_{number}", "object": "response", "created_at": now, "status": "completed", "model": asked.model,
        "output": [message], "error": None, "incomplete_details": None, "instructions": None, "metadata": {},
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None,
    }  # fmt: skip
