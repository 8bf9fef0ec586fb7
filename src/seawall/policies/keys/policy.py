"""The two stages of keys: one rests them, one tries the next in their place.

Each key is a target of its own, so that balance, breaker and pauses tell them apart without knowing of keys
(semantics 3.6). What is added here is what a refused key means: 401, 402, 403 and 429 say nothing about the upstream.
"""

from collections.abc import Mapping, Sequence

from seawall.contracts.call import Call
from seawall.contracts.errors import Saturated
from seawall.contracts.events import Emit, Notice
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.retry_after import asked
from seawall.contracts.target import Target
from seawall.policies.keys.core import REFUSED, Rest
from seawall.policies.keys.settings import KeysSettings

__all__ = ["Rests", "Switch", "build", "explain"]


class Rests:
    """Stands inside the choice of a target: a key that rests is passed over."""

    __slots__ = ("_emit", "_now", "_rests", "_wall")

    def __init__(self, ctx: Context, rests: Mapping[Target, Rest]) -> None:
        self._rests = rests
        self._now = ctx.clock.now
        self._wall = ctx.clock.wall
        self._emit: Emit = ctx.emit

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed with a key that serves, and let it rest where its answer says so.

        Raises:
            Saturated: it rests; `retry_after` says how long.
        """
        target = call.target
        rest = self._rests[target]
        now = self._now()
        if rest.until > now:
            raise Saturated(f"Every key rests, the latest got {rest.status}", policy="keys", retry_after=rest.left(now))
        reply = await proceed(call)
        status = reply.status
        now = self._now()
        fresh = rest.until <= now
        if rest.heard(status, asked(status, reply.headers, self._wall()), now) and fresh:
            fields = (("upstream", target.upstream), ("target", target.label), ("status", status))
            seconds = (("seconds", round(rest.left(now), 1)),)
            self._emit(Notice("warning", "key_rests", "A key of an upstream was refused and rests", fields + seconds))
        return reply


class Switch:
    """Stands outside the choice of a target: what one key is refused, another may be given."""

    __slots__ = ("_now", "_rests")

    def __init__(self, ctx: Context, rests: Mapping[Target, Rest]) -> None:
        self._rests = rests
        self._now = ctx.clock.now

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed; again where a key was refused and another one serves. That takes nothing of the retry budget.

        Raises:
            CallError: what the last one came to.
        """
        run = call.run
        run.budget = max(run.budget, len(self._rests))
        reply = await proceed(call)
        for _ in range(len(self._rests) - 1):
            # a refused request was not processed, so a POST may go again; a body that came in pieces may not
            if reply.status not in REFUSED or type(call.body) is not bytes or not self._another(call):
                break
            reply.close()
            reply = await proceed(call)
        return reply

    def _another(self, call: Call) -> bool:
        run, now = call.run, self._now()
        if run.committed or run.attempts >= run.budget - run.held or now >= call.deadline:
            return False
        return any(rest.until <= now for rest in self._rests.values())


def build(settings: KeysSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return both stages; what is kept under (upstream, `keys`, target label) is a `Rest`."""
    rests = {target: ctx.keep(ctx.upstream, "keys", target.label, Rest) for target in ctx.targets}
    return ((Position.KEYS, Switch(ctx, rests)), (Position.GATE, Rests(ctx, rests)))


def explain(settings: KeysSettings) -> str:
    """Return the line of `seawall explain`."""
    return f"{settings.count} keys; one that gets 401, 402, 403 or 429 rests while the others serve"
