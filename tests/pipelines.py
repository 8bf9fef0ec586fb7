"""Pipelines for tests: settings and a script in, one callable and everything it told out; in virtual time or real."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seawall.contracts.call import IDEMPOTENT, Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.policy import Context, Proceed, Transport
from seawall.contracts.reply import Reply
from seawall.contracts.settings import Settings
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.build import build
from seawall.pipeline.states import States
from seawall.policies.balance import BalanceSettings
from seawall.policies.breaker import BreakerSettings
from seawall.policies.cache import CacheSettings
from seawall.policies.concurrency import ConcurrencySettings
from seawall.policies.deadline import DeadlineSettings
from seawall.policies.fallback import FallbackSettings
from seawall.policies.hedge import HedgeSettings
from seawall.policies.keys import KeysSettings
from seawall.policies.ratelimit import RateSettings
from seawall.policies.retry import RetrySettings
from seawall.policies.spend import SpendStageSettings
from seawall.registry import BUILTIN
from seawall.spend.book import Book
from seawall.testing import Recorder, ScriptedTransport, VirtualLoop

__all__ = ["Bench", "Places", "high", "low", "retrying", "target"]

CLASSES: Mapping[str, type[Settings]] = {
    "deadline": DeadlineSettings,
    "fallback": FallbackSettings,
    "keys": KeysSettings,
    "hedge": HedgeSettings,
    "balance": BalanceSettings,
    "retry": RetrySettings,
    "breaker": BreakerSettings,
    "rate": RateSettings,
    "concurrency": ConcurrencySettings,
    "cache": CacheSettings,
    "spend": SpendStageSettings,
}


def low(least: float, _most: float) -> float:
    """Stand in for `random.uniform`: always the least."""
    return least


def high(_least: float, most: float) -> float:
    """Stand in for `random.uniform`: always the most."""
    return most


def retrying(**changes: Any) -> dict[str, Any]:
    """Return retry settings that wait nothing between attempts and have tokens enough."""
    return {"attempts": 3, "base": 0.001, "floor": 1000, **changes}


def target(label: str = "api") -> Target:
    """Return an address of the upstream `api`."""
    return Target("api", label, "http", "127.0.0.1", 80)


class Bench:
    """One upstream's pipeline over a scripted transport; made inside a virtual test.

    Args:
        transport: the end.
        settings: of each policy by name, as in the settings file; `deadline` is there always.
        own: a route's own settings, by name.
        route: name of the route.
        timeouts: of every call.
        uniform: stands in for randomness.
        states: kept from an earlier bench, for reloads.
        targets: addresses; the first is every call's.
        buffers: bytes of request bodies kept in all.
        book: of the stage `spend`.
    """

    def __init__(
        self,
        transport: Transport,
        settings: Mapping[str, Any] | None = None,
        *,
        own: Mapping[str, Any] | None = None,
        route: str = "",
        timeouts: Timeouts | None = None,
        uniform: Callable[[float, float], float] = low,
        states: States | None = None,
        targets: Sequence[Target] | None = None,
        buffers: int = 1 << 20,
        book: Book | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.timeouts = timeouts or Timeouts()
        self.targets = targets or (target(),)
        self.states = states or States()
        self.events = Recorder()
        self.buffers = Allowance(buffers)
        clock = self.loop.clock() if isinstance(self.loop, VirtualLoop) else Clock()
        self.wheel = Wheel(clock, self.loop)
        keep = self.states.round()
        options = {
            "timeouts": self.timeouts,
            "buffers": self.buffers,
            "book": book,
            **_told({**(settings or {}), **(own or {})}),
        }
        self.ctx = Context(
            "api", route, self.targets, clock, self.wheel, self.loop, uniform, self.events, keep, options
        )
        self.proceed: Proceed = build(
            BUILTIN, _parsed({"deadline": {}, **(settings or {})}), self.ctx, transport, _parsed(own or {})
        )
        keep.settle()

    def call(self, method: bytes = b"GET", *, budget: int = 3, **fields: Any) -> Call:
        """Return a call that arrives now; `fields` are those of `Call`."""
        now = self.ctx.clock.now()
        fields.setdefault("idempotent", method in IDEMPOTENT)
        fields.setdefault("target", self.targets[0])
        fields.setdefault("deadline", now + self.timeouts.total)
        call = Call(
            method,
            b"/",
            fields.pop("headers", []),
            fields.pop("target"),
            self.timeouts,
            fields.pop("deadline"),
            Run(now, budget),
            upstream="api",
        )
        for name, value in fields.items():
            setattr(call, name, value)
        return call

    async def send(self, call: Call | None = None, **fields: Any) -> Reply:
        """Send a call, or a new GET, and return the reply."""
        return await self.proceed(call or self.call(**fields))

    async def status(self, call: Call | None = None, **fields: Any) -> int:
        """Send a call, close its reply and return the status."""
        reply = await self.send(call, **fields)
        reply.close()
        return reply.status

    def start(self, call: Call | None = None, **fields: Any) -> "asyncio.Task[Reply]":
        """Send a call in a task of its own."""
        return self.loop.create_task(self.send(call, **fields))

    def kept(self, policy: str, scope: str = "api") -> Any:
        """Return the state of a policy."""
        return self.states.get("api", policy, scope)


class Places:
    """A transport with a script for each target, by its label."""

    def __init__(self, **scripts: ScriptedTransport) -> None:
        self.scripts = scripts
        self.seen: list[str] = []

    async def send(self, attempt: Attempt) -> Reply:
        """Let the attempt meet its target's next step."""
        label = attempt.call.target.label
        self.seen.append(label)
        return await self.scripts[label].send(attempt)

    @property
    def left(self) -> tuple[int, int]:
        """Replies that are open and attempts under way, of all targets."""
        scripts = self.scripts.values()
        return sum(one.open for one in scripts), sum(one.waiting for one in scripts)


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one policy must know of another's settings, as the app tells it."""
    fallback, retry = settings.get("fallback"), settings.get("retry")
    told: dict[str, Any] = {}
    if fallback:
        told["backups"] = FallbackSettings.model_validate(fallback).targets
    if retry:
        told["retry_floor"] = RetrySettings.model_validate(retry).floor
    return told


def _parsed(settings: Mapping[str, Any]) -> dict[str, Settings]:
    return {name: CLASSES[name].model_validate(value) for name, value in settings.items()}
