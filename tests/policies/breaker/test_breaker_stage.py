"""The breaker's stages in virtual time: cancellation, routes, reload, what diagnostics read."""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import BreakerOpen, ConnectError, UpstreamBroken
from seawall.contracts.events import BreakerChanged
from seawall.testing import ScriptedSource, ScriptedTransport, answer, hang, stream, virtual

SMALL = {"min_calls": 2, "open": 5.0, "probes": 1}


async def _trip(bench: Bench, calls: int = 2) -> None:
    for _ in range(calls):
        assert await bench.status() == 503


@virtual
async def test_cancelled_at_the_wire_gives_the_probe_back():
    """The permit's only await point: a probe whose caller leaves makes room for the next."""
    script = ScriptedTransport([503, 503, hang()], then=200)
    bench = Bench(script, {"breaker": SMALL})
    await _trip(bench)
    await asyncio.sleep(5)
    task = bench.start()
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await bench.status() == 200


@virtual
async def test_cancelled_while_a_watched_body_is_read():
    """The body's await point: leaving a stream counts nothing, and closing it closes the upstream's."""
    source = ScriptedSource([b"a"], hang=True)
    bench = Bench(ScriptedTransport([answer(200, source)]), {"breaker": SMALL})
    reply = await bench.send()
    await reply.body.read()
    task = asyncio.get_running_loop().create_task(reply.body.read())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    reply.close()
    assert source.closed
    assert bench.kept("breaker").status()[:3] == ("closed", 1, 0)


@virtual
async def test_a_stream_that_breaks_later_can_trip_it():
    """One more failure may be the one that opens it, and is told at once."""
    bench = Bench(ScriptedTransport(then=stream(b"x", cut=1)), {"breaker": SMALL})
    reply = await bench.send()
    await reply.body.read()
    with pytest.raises(UpstreamBroken):
        await reply.body.read()
    assert bench.events.one(BreakerChanged).new == "open"


@virtual
async def test_route_with_its_own_breaker_does_not_share():
    """A route's own settings have their own books; other routes share the upstream's."""
    script = ScriptedTransport([503, 503], then=200)
    bench = Bench(script, {"breaker": SMALL}, own={"breaker": SMALL}, route="GET /slow")
    await _trip(bench)
    with pytest.raises(BreakerOpen):
        await bench.send()
    assert bench.kept("breaker") is None
    assert bench.kept("breaker", "api GET /slow").status().state == "open"
    shared = Bench(script, {"breaker": SMALL}, states=bench.states)
    assert await shared.status() == 200
    assert bench.kept("breaker", "api GET /slow") is None
    assert bench.kept("breaker").status().state == "closed"


@virtual
async def test_status_tells_state_counts_and_wait():
    """What diagnostics show, read without a call."""
    bench = Bench(ScriptedTransport(then=503), {"breaker": SMALL})
    await _trip(bench)
    await asyncio.sleep(2)
    status = bench.kept("breaker").status()
    assert (status.state, status.calls, status.failures, status.probes) == ("open", 2, 2, 0)
    assert status.retry_after == pytest.approx(3)


@virtual
async def test_status_finds_a_hung_probe_and_tells_of_it():
    """A half-open breaker nobody calls any more is not left hanging."""
    bench = Bench(ScriptedTransport(then=503), {"breaker": SMALL})
    await _trip(bench)
    await asyncio.sleep(5)
    breaker = bench.kept("breaker")
    breaker.core.permit(bench.loop.time(), 3.0)
    await asyncio.sleep(3)
    assert breaker.status().state == "open"
    assert bench.events.of(BreakerChanged)[-1].reason == "a probe hung"


@virtual
async def test_reload_to_shadow_lets_calls_through_an_open_breaker():
    """The mode of the new settings counts at once, the state stays."""
    script = ScriptedTransport([503, 503], then=ConnectError())
    bench = Bench(script, {"breaker": SMALL})
    await _trip(bench)
    new = Bench(script, {"breaker": {**SMALL, "mode": "shadow"}}, states=bench.states)
    with pytest.raises(ConnectError):
        await new.send()
    assert new.kept("breaker").status().state == "open"
