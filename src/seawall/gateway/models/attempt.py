"""One target of a model asked once: what it came to, and whether another one may be asked instead."""

from dataclasses import replace
from operator import itemgetter

from seawall.contracts.body import Headers, Source
from seawall.contracts.call import Call
from seawall.contracts.errors import CallError, Refusal
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.contracts.wheel import Wheel
from seawall.gateway.models.bill import ModelBill
from seawall.gateway.models.shape import OF_DIALECT
from seawall.gateway.models.stream import ModelStream
from seawall.gateway.models.table import ModelRoute, ModelTarget
from seawall.gateway.table import Upstream
from seawall.llm.refused import error_body
from seawall.llm.seam import Asked, Heard, NotUnderstood
from seawall.llm.speak import speak

__all__ = ["Outcome", "ask"]

# Answers of one provider that say nothing about another: its key, its bill, its limits, its own trouble.
_ELSEWHERE = frozenset((401, 402, 403, 404, 408, 429))
_ROUNDING = 1e-9  # seconds
_name = itemgetter(0)
_WHOLE = 1 << 20  # bytes of an error's body that are read


class Outcome:
    """What a target came to.

    Args:
        reply: the answer, an error too, to be given or closed.
        error: why there is none.
        call: as it was sent, None where the request could not be put into the target's words.
        elsewhere: another target may do better.
    """

    __slots__ = ("call", "elsewhere", "error", "reply")

    def __init__(
        self, reply: Reply | None, error: CallError | NotUnderstood | None, call: Call | None, elsewhere: bool
    ) -> None:
        self.reply = reply
        self.error = error
        self.call = call
        self.elsewhere = elsewhere


async def ask(first: Call, asked: Asked, route: ModelRoute, target: ModelTarget, until: float, wheel: Wheel) -> Outcome:
    """Ask one target.

    Args:
        first: the client's call, for what all targets share; its headers are those of the client that go upstream.
        asked: what it asks.
        route: of the alias.
        target: to ask.
        until: monotonic seconds at which this target's time ends.
        wheel: time.
    """
    try:
        spoken = speak(asked, target.api, target.model, route.max_output, target.stream_usage)
    except NotUnderstood as error:
        return Outcome(None, error, None, elsewhere=True)
    upstream = target.upstream
    met = upstream.route(spoken.method, spoken.path.partition(b"?")[0])
    headers = _headers(first.headers, spoken.headers, upstream, same=target.api == asked.dialect)
    call = Call(
        spoken.method, spoken.path, headers, upstream.target, _timeouts(met.timeouts, first, until), until, first.run,
        spoken.body, len(spoken.body), True, upstream.name, met.name, first.caller, first.request_id, first.trace,
        first.user, ModelBill(asked, spoken, upstream.name, target.model, route.alias),
    )  # fmt: skip
    try:
        reply = await met.send(call)
    except CallError as error:
        # what the gateway itself refuses for this caller it refuses everywhere
        final = isinstance(error, Refusal) and error.policy in ("spend", "callers")
        return Outcome(None, error, call, elsewhere=not final)
    return await _hear(reply, spoken.heard(), asked, call, wheel.now() + route.commit_after, wheel)


def _headers(client: Headers, spoken: Headers, upstream: Upstream, *, same: bool) -> Headers:
    """Return a request's headers: the upstream's own go before all, a client's version of its dialect before ours."""
    sent = client.copy() if same else [pair for pair in client if pair[0] not in OF_DIALECT]
    if OF_DIALECT.isdisjoint(map(_name, spoken)):
        sent += spoken
    else:
        sent += [pair for pair in spoken if pair[0] not in OF_DIALECT or all(name != pair[0] for name, _ in sent)]
    added = upstream.added
    if not added.isdisjoint(map(_name, sent)):
        sent = [pair for pair in sent if pair[0] not in added]
    return sent + upstream.headers


def _timeouts(timeouts: Timeouts, first: Call, until: float) -> Timeouts:
    """Return the route's limits with the deadline of this target's turn, so that one that passes is ours."""
    total = until - first.run.started
    if abs(total - timeouts.total) < _ROUNDING:  # the only target, and a client that does not hurry
        return timeouts
    return replace(timeouts, total=max(0.0, total))


async def _hear(reply: Reply, heard: Heard, asked: Asked, call: Call, commit: float, wheel: Wheel) -> Outcome:
    try:
        status, headers = heard.head(reply.status, reply.headers)
        body = reply.body
        if status >= 400:
            text = body if type(body) is bytes else await _whole(body)  # type: ignore[arg-type]  # exact type: a Source
            reply.body = heard.feed(text) + heard.end()
            reply.status, reply.headers, reply.length = status, headers, None
            return Outcome(reply, None, call, elsewhere=status in _ELSEWHERE or status >= 500)
        if type(body) is bytes:
            reply.body = heard.feed(body) + heard.end()
        else:
            stream = ModelStream(body, heard)  # type: ignore[arg-type]  # exact type: a Source
            reply.body = stream
            if asked.stream:
                await stream.open(wheel, commit)
        if heard.failure is not None and not heard.content:
            return _failed(reply, heard, asked, call)
        reply.status, reply.headers, reply.length = status, headers, None
        return Outcome(reply, None, call, elsewhere=False)
    except CallError as error:
        reply.close()
        return Outcome(None, error, call, elsewhere=True)
    except BaseException:
        reply.close()
        raise


def _failed(reply: Reply, heard: Heard, asked: Asked, call: Call) -> Outcome:
    """Return an error inside a 200 as the error it is: nothing of it has reached the client (semantics 2.6)."""
    status, message = heard.failure or (502, "The model's answer broke off")
    reply.close()
    said = Reply(status, [(b"content-type", b"application/json")], error_body(asked.dialect, status, message))
    said.marks = reply.marks
    return Outcome(said, None, call, elsewhere=True)


async def _whole(source: Source) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < _WHOLE and (chunk := await source.read()):
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)
