"""One run: a pipeline of the real policies over an upstream, on a virtual loop, and a book of what happened."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.simulate.ordered import OrderedWheel
from seawall.contracts.body import Body
from seawall.contracts.call import Call, Run
from seawall.contracts.errors import CallError
from seawall.contracts.events import AttemptEnded, BreakerChanged, Event
from seawall.contracts.policy import Context, Spec, Transport
from seawall.contracts.target import Target, Timeouts
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.build import build
from seawall.pipeline.states import States
from seawall.policies import balance, fallback, hedge
from seawall.registry import BUILTIN
from seawall.testing import VirtualLoop

__all__ = ["BACKUP", "TARGET", "Done", "World"]

SPECS: dict[str, Spec[Any]] = {spec.name: spec for spec in (*BUILTIN, hedge.SPEC, balance.SPEC, fallback.SPEC)}
TARGET = Target("api", "api", "http", "api.example", 80)
BACKUP = Target("api", "backup", "http", "backup.example", 80)


class Done(NamedTuple):
    """One call as its client saw it.

    Attributes:
        at: when it was made, seconds of the run.
        seconds: how long it took.
        result: `ok`, a status as text, or the class of the error.
        queue: seconds of it spent in our own queues.
    """

    at: float
    seconds: float
    result: str
    queue: float

    @property
    def good(self) -> bool:
        """Whether the client has what it asked for."""
        return self.result == "ok"


class World:
    """A pipeline and its book.

    Args:
        transport: the upstream.
        policies: settings of each policy in use, by name, as in the settings file.
        timeouts: of every call.
        targets: of the upstream; every call begins with the first.
        seed: of all jitter and of the clients.

    Attributes:
        done: every call that has ended, written by the clients.
        breaker: when, and what changed.
        wheel: all time limits.
        states: what policies keep.
    """

    def __init__(
        self,
        transport: Transport,
        policies: Mapping[str, Any],
        timeouts: Timeouts | None = None,
        targets: Sequence[Target] = (TARGET,),
        seed: int = 1,
    ) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("a World needs a virtual loop (for example run_virtual(...))")
        self._start = loop.time()
        self.loop = loop
        self.random = random.Random(seed)
        self.timeouts = timeouts or Timeouts(total=10.0, attempt=10.0)
        self.targets = targets
        self.done: list[Done] = []
        self.breaker: list[tuple[float, BreakerChanged]] = []
        self.wheel = OrderedWheel(loop.clock(), loop)
        self.buffers = Allowance(1 << 20)
        self.states = States()
        settings = {"deadline": {}, **policies}
        parsed = {name: SPECS[name].settings.model_validate(value) for name, value in settings.items()}
        retry = parsed.get("retry")
        self._attempts: int = getattr(retry, "attempts", 1)
        keep = self.states.round()
        options = {
            "timeouts": self.timeouts,
            "buffers": self.buffers,
            "backups": [target.label for target in targets if target is BACKUP and "balance" not in policies],
        }
        if retry is not None:
            options["retry_floor"] = getattr(retry, "floor", 3)
        context = Context(
            "api", "", targets, loop.clock(), self.wheel, loop, self.random.uniform, self._heard, keep, options
        )
        self.proceed = build(SPECS.values(), parsed, context, transport)
        keep.settle()

    @property
    def now(self) -> float:
        """Seconds of the run so far."""
        return self.loop.time() - self._start

    def kept(self, policy: str, scope: str = "") -> Any:
        """Return the state of a policy."""
        return self.states.get("api", policy, scope)

    def call(self, body: Body = b"") -> Call:
        """Return a call that arrives now."""
        now = self.loop.time()
        return Call(
            b"GET", b"/", [], self.targets[0], self.timeouts, now + self.timeouts.total, Run(now, self._attempts), body,
            None if body else 0, idempotent=True, upstream="api",
        )  # fmt: skip

    async def ask(self) -> Done:
        """Make one call and return how it ended; writing that down is the client's business."""
        began = self.now
        queue = 0.0
        call = self.call()
        try:
            reply = await self.proceed(call)
        except CallError as error:
            result = type(error).__name__
        else:
            queue = call.run.queue_time
            result = "ok" if reply.status < 400 else str(reply.status)
            reply.close()
        return Done(began, self.now - began, result, queue)

    def _heard(self, event: Event) -> None:
        if type(event) is AttemptEnded:
            return
        if isinstance(event, BreakerChanged):
            self.breaker.append((self.now, event))
