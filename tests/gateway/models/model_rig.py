"""Upstreams of models for tests in virtual time: a script for each, spoken to as the real ones are."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import CallError
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.gateway.models.asking import Asking
from seawall.gateway.models.table import ModelRoute, ModelTarget
from seawall.gateway.table import Route, Upstream
from seawall.llm.seam import Asked
from seawall.llm.understand import understand
from seawall.testing import ScriptedSource

__all__ = ["Provider", "ask", "asked", "chunk", "first_call", "route", "stream", "whole"]

EVENTS = [(b"content-type", b"text/event-stream")]
JSON = [(b"content-type", b"application/json")]
Step = Callable[[], Reply] | CallError


def chunk(text: str | None = None, **fields: Any) -> bytes:
    """Return one event of a chat stream."""
    delta = {} if text is None else {"content": text}
    body = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}], **fields}
    return b"data: " + orjson.dumps(body) + b"\n\n"


def stream(*chunks: bytes, **how: Any) -> Step:
    """Return a step that answers with a stream."""
    return lambda: Reply(200, list(EVENTS), ScriptedSource(chunks, **how), None, True)


def whole(status: int = 200, text: str = "hello", **fields: Any) -> Step:
    """Return a step that answers at once."""
    message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "c", "choices": [message], **fields} if status == 200 else {"error": {"message": text}}
    return lambda: Reply(status, list(JSON), orjson.dumps(body))


class Provider:
    """One upstream that answers by a script, the last step again and again."""

    def __init__(self, name: str, *steps: Step, attempts: int = 3, after: float = 0.0) -> None:
        self.name = name
        self.steps = list(steps)
        self.after = after
        self.seen: list[Call] = []
        self.replies: list[Reply] = []
        target = Target(name, name, "http", "127.0.0.1", 80)
        met = Route("", None, Timeouts(), True, attempts, self.send)
        self.upstream = Upstream(name, b"/" + name.encode(), None, target, [(b"authorization", b"Bearer own")], [met])

    async def send(self, call: Call) -> Reply:
        """Answer one call."""
        self.seen.append(call)
        call.run.attempts += 1
        await asyncio.sleep(self.after)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, CallError):
            raise step
        reply = step()
        self.replies.append(reply)
        return reply

    def target(self, **fields: Any) -> ModelTarget:
        """Return it as the target of a model."""
        return ModelTarget(self.upstream, fields.pop("api", "openai"), fields.pop("model", "m"), **fields)


def route(*targets: ModelTarget, **fields: Any) -> ModelRoute:
    """Return the route of the alias `fast`."""
    return ModelRoute("fast", targets, **fields)


def asked(**fields: Any) -> Asked:
    """Return a chat that a client asks."""
    body = {"model": "fast", "messages": [{"role": "user", "content": "hi"}], **fields}
    return understand("openai", "chat", b"/chat/completions", b"application/json", orjson.dumps(body))


def first_call(seconds: float = 30.0, caller: str = "kitchen") -> Call:
    """Return the client's call, which arrives now."""
    now = asyncio.get_running_loop().time()
    headers = [(b"user-agent", b"test"), (b"anthropic-beta", b"x")]
    nowhere = Target("u", "u", "http", "127.0.0.1", 80)
    return Call(
        b"POST", b"/chat/completions", headers, nowhere, Timeouts(total=seconds), now + seconds, Run(now, 3),
        caller=caller, request_id="r1",
    )  # fmt: skip


async def ask(what: Asked, where: ModelRoute, call: Call | None = None) -> tuple[Reply, Call]:
    """Ask a model."""
    loop: Any = asyncio.get_running_loop()
    asking = Asking(loop.clock(), Wheel(loop.clock(), loop), lambda least, _most: least)
    return await asking(call or first_call(), what, where)
