"""What a policy is to the pipeline: stages at fixed positions, built from settings by a `Spec`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from seawall.contracts.call import Attempt, Call
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.contracts.wheel import Wheel

__all__ = ["Context", "Position", "Proceed", "Spec", "Stage", "Transport"]

S = TypeVar("S")
T = TypeVar("T")

Proceed = Callable[[Call], Awaitable[Reply]]


class Stage(Protocol):
    """One policy's part of a pipeline.

    `send` raises a `CallError` or returns a `Reply` it now owns to its caller; what it acquires it releases exactly
    once, on any BaseException or when the reply is closed.
    """

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Do this stage's part around `proceed(call)`."""
        ...


class Transport(Protocol):
    """The end of a pipeline: the wire, an httpx transport, or a script in tests."""

    async def send(self, attempt: Attempt) -> Reply:
        """Make one attempt; raise an `UpstreamError`, or return a reply the caller must close."""
        ...


class Position(IntEnum):
    """Where a stage stands, outermost first. A policy may have stages at several positions."""

    DEADLINE = 10
    CACHE = 20
    FALLBACK = 30
    HEDGE = 40
    RETRY = 50
    KEYS = 55
    BALANCE = 60
    GATE = 70  # the breaker refuses here, before anybody queues
    RATE = 80
    CONCURRENCY = 90
    PERMIT = 100  # the breaker's permit, its clock starts at the wire
    SPEND = 110  # inside stand the attempt (its timeout and trace span, pipeline/attempt.py) and the transport


@dataclass(frozen=True, slots=True)
class Context:
    """What a policy is built with.

    Attributes:
        upstream: name of the upstream.
        route: name of the route, `""` for the upstream's own pipeline; state of an upstream-wide policy is keyed
            without it.
        targets: every target of the upstream.
        clock, wheel, loop: time.
        uniform: `random.uniform`, or a seeded one in tests.
        emit: gives an event to the observers.
        keep: returns the state kept under (upstream, policy, scope), made by the factory the first time; it survives
            a reload, so that no limit is doubled (semantics 2.7).
        options: settings that are not the policy's own but that its build needs, by name: `timeouts`, `idempotent`.
    """

    upstream: str
    route: str
    targets: Sequence[Target]
    clock: Clock
    wheel: Wheel
    loop: asyncio.AbstractEventLoop
    uniform: Callable[[float, float], float]
    emit: Emit
    keep: "Keep"
    options: Mapping[str, Any]


class Keep(Protocol):
    """State that outlives a pipeline."""

    def __call__(self, upstream: str, policy: str, scope: str, make: Callable[[], T]) -> T:
        """Return what is kept under the key, or keep what `make` gives."""
        ...


@dataclass(frozen=True, slots=True)
class Spec(Generic[S]):
    """A policy as the registry knows it.

    Attributes:
        name: its key in an upstream's settings.
        settings: the frozen settings class.
        build: settings and context to stages with their positions.
        explain: settings to one line of words and values for `seawall explain`.
    """

    name: str
    settings: type[S]
    build: Callable[[S, Context], Sequence[tuple[Position, Stage]]]
    explain: Callable[[S], str]
