"""OpenAI's side: chat, completions, responses, embeddings, moderations, images, audio, models."""

import json
from typing import Any

from openai_responses import SSE, given_tier, responses

from provider import Answering, Route, words
from server import Connection

__all__ = ["ROUTES", "error"]

_TYPES = {401: "invalid_request_error", 429: "rate_limit_error"}


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error's body."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


async def event(to: Connection, said: dict[str, Any], kind: str = "") -> None:
    """Send one event."""
    named = f"event: {kind}\n" if kind else ""
    await to.piece(f"{named}data: {json.dumps(said, separators=(',', ':'))}\n\n".encode())


def usage(one: Answering) -> dict[str, Any]:
    """Return the usage of a chat completion."""
    row = one.row
    return {
        "prompt_tokens": row.input,
        "completion_tokens": row.output,
        "total_tokens": row.input + row.output,
        "prompt_tokens_details": {"cached_tokens": row.cached, "audio_tokens": 0, "cache_write_tokens": row.written},
        "completion_tokens_details": {"reasoning_tokens": row.reasoning, "audio_tokens": 0},
    }


def calls(one: Answering) -> list[dict[str, Any]]:
    """Return as many tool calls as the script wants, with the request's tools in turn."""
    names = [tool["function"]["name"] for tool in one.said.get("tools") or [] if "function" in tool] or ["f"]
    return [
        {
            "id": f"call_{one.row.number}_{number}",
            "type": "function",
            "function": {"name": names[number % len(names)], "arguments": json.dumps({"city": "Paris", "n": number})},
        }
        for number in range(one.script.tools)
    ]


def _finish(one: Answering, most: int) -> str:
    if one.script.stop:
        return one.script.stop
    if one.script.tools:
        return "tool_calls"
    return "length" if most < one.script.output else "stop"


def _base(one: Answering, kind: str) -> dict[str, Any]:
    base = {"id": f"chatcmpl-{one.row.number}", "object": kind, "created": 1_760_000_000, "model": one.row.model}
    return base | {"service_tier": one.row.tier or "default"}


async def chat(one: Answering) -> None:
    """Answer a chat completion."""
    most = one.limit("max_completion_tokens", "max_tokens")
    one.charge_input()
    one.row.tier = given_tier(one)
    if one.said.get("stream"):
        await _chat_stream(one, most)
        return
    choices = one.said.get("n") or 1
    reasoning = min(one.script.reasoning, most)
    one.row.output, one.row.reasoning = most * choices, reasoning * choices
    message: dict[str, Any] = {"role": "assistant", "content": "".join(words(most - reasoning)), "refusal": None}
    if one.script.tools:
        message |= {"content": None, "tool_calls": calls(one)}
    found = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(one, most)}
        for index in range(choices)
    ]
    body = _base(one, "chat.completion") | {"choices": found}
    await _whole(one, body if one.script.usage == "none" else body | {"usage": usage(one)})


async def _whole(one: Answering, body: dict[str, Any]) -> None:
    """Send it; an answer that nobody received has no output on the bill."""
    output, reasoning = one.row.output, one.row.reasoning
    one.row.output = one.row.reasoning = 0
    await one.whole(body)
    one.row.output, one.row.reasoning = output, reasoning


async def _chat_stream(one: Answering, most: int) -> None:
    wants = bool((one.said.get("stream_options") or {}).get("include_usage"))
    base = _base(one, "chat.completion.chunk") | ({"usage": None} if wants else {})

    async def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        await event(one.to, base | {"choices": [choice]} | more)

    await one.to.begin(SSE | {"x-request-id": f"req_{one.row.number}"})
    await chunk({"role": "assistant", "content": "", "refusal": None})
    reasoning = min(one.script.reasoning, most)
    one.row.output = one.row.reasoning = reasoning
    pieces = words(most - reasoning)
    for number in range(0, len(pieces) + 1, one.script.lump):
        if one.faulty and number <= one.script.error_at < number + one.script.lump:
            await event(one.to, error(500, "as the scenario says"))
            await one.to.end()
            return
        if number < len(pieces):
            await one.before(number)
            lump = pieces[number : number + one.script.lump]
            await chunk({"content": "".join(lump)})
            one.row.output += len(lump)
    await _tool_chunks(one, chunk)
    await one.before(len(pieces))
    finish = _finish(one, most)
    match one.script.usage:
        case "choice":
            await chunk({}, finish, usage=usage(one))
        case "groq":
            await chunk({}, finish, x_groq={"id": "req", "usage": usage(one)})
        case _:
            await chunk({}, finish)
    if wants and one.script.usage == "usual":
        await event(one.to, base | {"choices": [], "usage": usage(one)})
    one.row.reported = one.script.usage in ("choice", "groq") or (wants and one.script.usage == "usual")
    await one.to.piece(b"data: [DONE]\n\n")
    await one.to.end()
    one.row.complete = True


async def _tool_chunks(one: Answering, chunk: Any) -> None:
    for index, call in enumerate(calls(one)):
        arguments = call["function"]["arguments"]
        opening = call | {"function": call["function"] | {"arguments": ""}}
        await chunk({"tool_calls": [{"index": index, **opening}]})
        for at in range(0, len(arguments), 6):
            await chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 6]}}]})


async def completions(one: Answering) -> None:
    """Answer an older completion."""
    prompts = one.said.get("prompt")
    many = len(prompts) if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int) else 1
    choices = many * max(one.said.get("n") or 1, one.said.get("best_of") or 1)
    most = min(one.limit("max_tokens"), one.said.get("max_tokens") or 16)
    one.charge_input()
    base = {
        "id": f"cmpl-{one.row.number}",
        "object": "text_completion",
        "created": 1_760_000_000,
        "model": one.row.model,
    }
    if not one.said.get("stream"):
        found = [
            {"text": "".join(words(most)), "index": index, "logprobs": None, "finish_reason": _finish(one, most)}
            for index in range(choices)
        ]
        one.row.output = most * choices
        await _whole(one, base | {"choices": found, "usage": usage(one)})
        return
    wants = bool((one.said.get("stream_options") or {}).get("include_usage"))
    await one.to.begin(SSE)
    for number, word in enumerate(words(most)):
        await one.before(number)
        await event(one.to, base | {"choices": [{"text": word, "index": 0, "logprobs": None, "finish_reason": None}]})
        one.row.output += 1
    await event(one.to, base | {"choices": [{"text": "", "index": 0, "finish_reason": _finish(one, most)}]})
    if wants:
        await event(one.to, base | {"choices": [], "usage": usage(one)})
    one.row.reported = wants
    await one.to.piece(b"data: [DONE]\n\n")
    await one.to.end()
    one.row.complete = True


async def embeddings(one: Answering) -> None:
    """Answer with vectors of three numbers."""
    one.charge_input()
    given = one.said.get("input")
    many = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    data = [{"object": "embedding", "index": index, "embedding": [0.25, -0.5, 1.0]} for index in range(len(many))]
    used = {"prompt_tokens": one.row.input, "total_tokens": one.row.input}
    await one.whole({"object": "list", "data": data, "model": one.row.model, "usage": used})


async def moderations(one: Answering) -> None:
    """Answer that nothing is wrong; it is free."""
    results = [{"flagged": False, "categories": {}, "category_scores": {}}]
    await one.whole({"id": f"modr-{one.row.number}", "model": one.row.model, "results": results})


async def images(one: Answering) -> None:
    """Answer with pictures."""
    one.charge_input()
    many = one.said.get("n") or 1
    one.row.output = 272 * many
    used = {"input_tokens": one.row.input, "output_tokens": one.row.output,
            "total_tokens": one.row.input + one.row.output,
            "input_tokens_details": {"text_tokens": one.row.input, "image_tokens": 0}}  # fmt: skip
    await _whole(one, {"created": 1_760_000_000, "data": [{"b64_json": "iVBORw0KGgo="}] * many, "usage": used})


async def transcriptions(one: Answering) -> None:
    """Answer with what was said."""
    one.charge_input()
    one.row.output = one.script.output
    used = {"type": "tokens", "input_tokens": one.row.input, "output_tokens": one.row.output,
            "total_tokens": one.row.input + one.row.output,
            "input_token_details": {"text_tokens": 0, "audio_tokens": one.row.input}}  # fmt: skip
    await _whole(one, {"text": "".join(words(one.script.output)), "usage": used})


async def speech(one: Answering) -> None:
    """Answer with sound, which tells no usage."""
    one.charge_input()
    await one.to.begin({"content-type": "audio/mpeg"})
    for number in range(one.script.output):
        await one.before(number)
        await one.to.piece(b"\xff" * 200)
        one.row.output += 1
    await one.to.end()
    one.row.complete = True


async def models(one: Answering) -> None:
    """List what there is."""
    ids = ("gpt-5-mini", "gpt-5", "gpt-4o-mini")
    await one.whole(
        {"object": "list", "data": [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in ids]}
    )


def _at(suffix: str, operation: str, handler: Any) -> Route:
    return Route("/v1/", suffix, "openai", operation, handler, error)


ROUTES = [
    _at("/chat/completions", "chat", chat),
    _at("/completions", "completions", completions),
    _at("/responses", "responses", responses),
    _at("/embeddings", "embeddings", embeddings),
    _at("/moderations", "moderations", moderations),
    _at("/images/generations", "images", images),
    _at("/audio/transcriptions", "audio", transcriptions),
    _at("/audio/translations", "audio", transcriptions),
    _at("/audio/speech", "audio", speech),
    _at("/models", "models", models),
]
