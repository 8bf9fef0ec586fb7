"""One run: the call goes through the gateway's own pipeline, its answer is read to the end and may be published."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.state import Messages
from seawall.schedule.excerpt import Unfit, message
from seawall.schedule.plan import Plan

__all__ = ["Ask", "Outcome", "Runner"]

Ask = Callable[[Request, str], Awaitable[Reply]]

KEPT = 1 << 20  # bytes of an answer that is to be published
_LONGEST = 40  # characters of an error's type
# no-cache: a poll wants to know what is so now; its answer is kept for the readers in between all the same
_HEADERS = ((b"accept", b"*/*"), (b"user-agent", b"seawall"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        at: when it started, seconds since the epoch.
        seconds: how long it took.
        result: `ok`, `failed`, or `unpublished` where the answer is good and cannot be published.
        status: of the answer; 0 where the run broke before there was one.
        detail: in words, `""` where all is well.
    """

    at: float
    seconds: float
    result: str
    status: int
    detail: str = ""


class Runner:
    """Makes runs.

    Args:
        ask: the gateway's door for requests of its own: request and the caller's name.
        messages: where answers are published.
        clock: time.

    Attributes:
        published: messages so far.
    """

    def __init__(self, ask: Ask, messages: Messages, clock: Clock) -> None:
        self._ask = ask
        self._messages = messages
        self._clock = clock
        self.published = 0

    async def run(self, plan: Plan) -> Outcome:
        """Make one run; raises nothing that a call can meet."""
        wall, began = self._clock.wall(), self._clock.now()
        request = Request(plan.method, plan.target, list(_HEADERS), b"localhost", received=began)
        reply = await self._ask(request, plan.caller)
        result, detail = "ok", _fault(reply)
        try:
            body = await _read(reply)
        except CallError as error:
            return Outcome(wall, self._clock.now() - began, "failed", reply.status, error.detail)
        finally:
            reply.close()
        if detail:
            result = "failed"
        elif plan.settings.publish is not None:
            try:
                await self._publish(plan.settings.publish, body, plan.settings.select)
            except Unfit as why:
                result, detail = "unpublished", str(why)
        return Outcome(wall, self._clock.now() - began, result, reply.status, detail)

    async def _publish(self, channel: str, body: bytes | None, select: str | None) -> None:
        if body is None:
            raise Unfit(f"the answer has more than {KEPT} bytes")
        await self._messages.publish(channel, message(channel, body, select, self._clock.wall()))
        self.published += 1


def _fault(reply: Reply) -> str:
    """Return why an answer is none of the upstream's now: an error, or what is given in place of an answer."""
    if not 200 <= reply.status < 300:
        return f"the answer was {reply.status}{_kind(reply)}"
    if reply.header(b"x-seawall-fallback") == b"fixed":
        return "the answer was the fallback"
    own = (reply.header(b"cache-status") or b"").rpartition(b",")[2].strip()
    if own.startswith(b"seawall;") and b"hit" in (part.strip() for part in own.split(b";")):
        return "the answer was a stale copy"
    return ""


def _kind(reply: Reply) -> str:
    """Return which of the gateway's own errors an answer is, `""` where it is an upstream's, which may say anything."""
    if not (reply.header(b"proxy-status") or b"").startswith(b"seawall;") or not isinstance(reply.body, bytes):
        return ""
    try:
        kind = str(orjson.loads(reply.body)["error"]["type"])
    except (ValueError, KeyError, TypeError):
        return ""
    return f", {kind}" if len(kind) < _LONGEST and kind.replace("-", "").isalpha() else ""


async def _read(reply: Reply) -> bytes | None:
    """Read an answer to its end, as a client would, and return its body; None where that is too long to keep."""
    body = reply.body
    if isinstance(body, bytes):
        reply.sent, reply.finished = len(body), True
        return body if len(body) <= KEPT else None
    kept: list[bytes] = []
    while chunk := await body.read():
        reply.sent += len(chunk)
        if reply.sent <= KEPT:
            kept.append(chunk)
    reply.finished = True
    return b"".join(kept) if reply.sent <= KEPT else None
