"""The cache among the other policies: outside all but the deadline, flights inside their own."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from cache_exchange import body_of

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import ConnectError, DeadlineExceeded
from seawall.contracts.policy import Context, Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.settings import Settings
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.build import build
from seawall.pipeline.states import States
from seawall.policies import breaker, cache, concurrency, deadline, fallback, retry
from seawall.testing import Recorder, ScriptedTransport, VirtualLoop, answer, fail, hang, stream, virtual

SPECS = (deadline.SPEC, cache.SPEC, fallback.SPEC, breaker.SPEC, retry.SPEC, concurrency.SPEC)
TARGET = Target("api", "api", "http", "origin.example", 80)
FRESH = [(b"cache-control", b"max-age=10, stale-if-error=600")]


class Pipe:
    """One upstream's pipeline over a script."""

    def __init__(self, transport: ScriptedTransport, **settings: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        clock = loop.clock()
        self.states = States()
        keep = self.states.round()
        context = Context(
            "api", "", (TARGET,), clock, Wheel(clock, loop), loop, lambda low, _: low, Recorder(), keep, {}
        )
        parsed: dict[str, Settings] = {
            spec.name: spec.settings.model_validate(settings.get(spec.name, {}))
            for spec in SPECS
            if spec.name in ("deadline", "cache") or spec.name in settings
        }
        self.send: Proceed = build(SPECS, parsed, context, transport)
        keep.settle()

    def call(self, path: bytes = b"/a", timeout: float = 30.0) -> Call:
        """Return a GET that arrives now."""
        now = asyncio.get_running_loop().time()
        return Call(b"GET", path, [], TARGET, Timeouts(), now + timeout, Run(now, 3), idempotent=True, upstream="api")

    async def get(self, timeout: float = 30.0) -> tuple[int, bytes, Reply, Run]:
        """Send one and read its answer."""
        call = self.call(timeout=timeout)
        reply = await self.send(call)
        return reply.status, await body_of(reply), reply, call.run


@virtual
async def test_a_retry_is_inside_the_flight():
    """One flight, two attempts, all in the leader's books."""
    pipe = Pipe(ScriptedTransport([503, answer(200, b"x", FRESH)]), retry={"base": 0.001, "floor": 100})
    (_, body, _, leader), (_, _, reply, follower) = await asyncio.gather(pipe.get(), pipe.get())
    assert (body, leader.attempts, follower.attempts) == (b"x", 2, 0)
    assert b"collapsed" in (reply.header(b"cache-status") or b"")


@virtual
async def test_a_hit_takes_no_slot():
    """With every slot taken, what is kept is still given; a miss waits."""
    transport = ScriptedTransport([answer(200, b"x", FRESH), hang()])
    pipe = Pipe(transport, concurrency={"limit": 1, "queue": 0})
    await pipe.get()
    holding = asyncio.create_task(pipe.send(pipe.call(b"/other")))
    await asyncio.sleep(1)
    assert (await pipe.get())[1] == b"x"
    holding.cancel()
    await asyncio.wait([holding])


@virtual
async def test_a_slot_is_held_until_the_body_is_here_and_no_longer():
    """Not by those who still read what is here already."""
    transport = ScriptedTransport([stream(b"a", b"b", headers=FRESH, gap=1, length=2, streamed=False)], then=200)
    pipe = Pipe(transport, concurrency={"limit": 1, "queue": 0})
    reply = await pipe.send(pipe.call())
    await asyncio.sleep(5)
    assert transport.open == 0
    assert (await pipe.send(pipe.call(b"/other"))).status == 200
    assert await body_of(reply) == b"ab"


@virtual
async def test_a_waiters_deadline_is_its_own():
    """It ends that call; the others have the answer."""
    transport = ScriptedTransport([answer(200, b"x", FRESH, after=5)])
    pipe = Pipe(transport)
    outcomes = await asyncio.gather(pipe.get(timeout=1), pipe.get(), return_exceptions=True)
    assert isinstance(outcomes[0], DeadlineExceeded)
    assert outcomes[1][1] == b"x"
    assert transport.results == ["200"]


@virtual
async def test_a_client_that_leaves_alone_aborts_the_attempt():
    """Within a second, as without a cache (semantics 1.4)."""
    transport = ScriptedTransport([hang()])
    pipe = Pipe(transport)
    task = asyncio.create_task(pipe.get())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.5)
    assert transport.results == ["CancelledError"]
    assert transport.seen[0].handed is not None
    assert transport.seen[0].handed < 1002


@virtual
async def test_an_open_breaker_is_behind_the_copy():
    """Readers go on, and nothing reaches the upstream."""
    transport = ScriptedTransport([answer(200, b"x", FRESH)], then=fail(ConnectError))
    pipe = Pipe(transport, breaker={"min_calls": 2, "window": "60s"})
    await pipe.get()
    await asyncio.sleep(20)
    words = [(await pipe.get())[3].cache for _ in range(10)]
    assert words == ["stale"] * 10
    assert len(transport.seen) < 5


@virtual
async def test_a_stale_copy_goes_before_a_fixed_answer():
    """Which is the last resort, and is never kept."""
    transport = ScriptedTransport([answer(200, b"x", FRESH)], then=fail(ConnectError))
    pipe = Pipe(transport, fallback={"status": 200, "json": {"on": False}})
    await pipe.get()
    await asyncio.sleep(20)
    assert (await pipe.get())[1] == b"x"
    await asyncio.sleep(600)
    assert (await pipe.get())[1] == b'{"on":false}'
    assert (await pipe.get())[1] == b'{"on":false}'


@virtual
async def test_the_head_of_a_body_that_comes_is_within_the_deadline_and_its_end_too():
    """A body that hangs ends at the call's deadline for every reader; nothing is kept."""
    transport = ScriptedTransport([stream(b"a", headers=FRESH, length=9, streamed=False, hanging=True)])
    pipe = Pipe(transport)
    replies = [await pipe.send(pipe.call()) for _ in range(2)]
    for reply in replies:
        assert await reply.body.read() == b"a"
    for reply in replies:
        with pytest.raises(DeadlineExceeded):
            await reply.body.read()
        reply.close()
    assert transport.open == 0
