"""Semantics section 3, circuit breaker: one test or more for each numbered line."""

import asyncio
from pathlib import Path

import pytest

from pipelines import Bench, high, target
from seawall.contracts.errors import (
    AddressRefused,
    BreakerOpen,
    CallError,
    ConnectError,
    DeadlineExceeded,
    DnsError,
    Saturated,
    TlsError,
    UpstreamBroken,
    UpstreamTimeout,
)
from seawall.contracts.events import BreakerChanged
from seawall.contracts.target import Timeouts
from seawall.policies.breaker.table import TRANSITIONS, State, diagram
from seawall.testing import ScriptedTransport, answer, hang, stream, virtual

DOCS = Path(__file__).parents[2] / "docs" / "policies" / "breaker.md"
SMALL = {"min_calls": 4, "window": 10.0, "open": 5.0, "open_max": 20.0, "probes": 2}


async def _meet(bench: Bench, count: int = 1, **fields: object) -> list[str]:
    """Send calls one after the other and return what each met."""
    met = []
    for _ in range(count):
        try:
            reply = await bench.send(**fields)
        except CallError as error:
            met.append(type(error).__name__)
        else:
            reply.close()
            met.append(str(reply.status))
    return met


def _breaker(script: ScriptedTransport, **changes: object) -> Bench:
    return Bench(script, {"breaker": {**SMALL, **changes}})


def _states(bench: Bench) -> list[str]:
    return [event.new for event in bench.events.of(BreakerChanged)]


@virtual
async def test_3_1_trips_at_the_failure_rate_once_enough_calls_ended():
    """Three failures of three are too few calls; half of four is exactly the rate and opens it."""
    bench = _breaker(ScriptedTransport([200, 503, 503, 200]), failure_rate=0.5)
    assert await _meet(bench, 3) == ["200", "503", "503"]
    assert _states(bench) == []
    await _meet(bench)
    assert _states(bench) == ["open"]
    assert await _meet(bench) == ["BreakerOpen"]


@virtual
async def test_3_1_stays_closed_below_the_rate():
    """One failure in a hundred calls changes nothing."""
    bench = _breaker(ScriptedTransport([503, 503, 503], then=200), min_calls=7)
    await _meet(bench, 100)
    assert _states(bench) == []


@virtual
async def test_3_1_failures_leave_the_window():
    """What is older than the window is forgotten."""
    bench = _breaker(ScriptedTransport([503, 503, 503], then=503))
    await _meet(bench, 3)
    await asyncio.sleep(11)
    await _meet(bench, 3)
    assert _states(bench) == []
    await _meet(bench)
    assert _states(bench) == ["open"]


@virtual
async def test_3_1_slow_rate_trips():
    """Calls slower than `slow_after` open it at `slow_rate`."""
    bench = _breaker(ScriptedTransport(then=answer(200, after=1.5)), slow_after=1.0, slow_rate=1.0, window=60.0)
    await _meet(bench, 4)
    assert bench.events.one(BreakerChanged).reason == "slow rate reached"


@virtual
async def test_3_1_open_then_half_open_then_closed():
    """After the open time probes go through; when all were good it closes."""
    bench = _breaker(ScriptedTransport([503] * 4, then=200))
    await _meet(bench, 4)
    await asyncio.sleep(4.9)
    assert await _meet(bench) == ["BreakerOpen"]
    await asyncio.sleep(0.1)
    assert await _meet(bench, 3) == ["200"] * 3
    assert _states(bench) == ["open", "half_open", "closed"]
    assert bench.kept("breaker").status().state == "closed"


@virtual
async def test_3_1_one_bad_probe_opens_it_again():
    """The first probe is good and the second fails: open."""
    bench = _breaker(ScriptedTransport([*[503] * 4, 200, 503], then=200))
    await _meet(bench, 4)
    await asyncio.sleep(5)
    assert await _meet(bench, 3) == ["200", "503", "BreakerOpen"]
    assert _states(bench) == ["open", "half_open", "open"]


@virtual
async def test_3_1_open_time_doubles_up_to_open_max_and_starts_afresh_after_closing():
    """5, 10, 20 and again 20 seconds; after it has closed the next time is 5 again."""
    bench = _breaker(ScriptedTransport([*[503] * 4, *[503] * 4, 200, 200], then=503))
    await _meet(bench, 4)
    for seconds in (5, 10, 20, 20):
        opened = bench.events.of(BreakerChanged, new="open")[-1]
        assert opened.retry_after == pytest.approx(seconds)
        await asyncio.sleep(seconds - 0.01)
        assert await _meet(bench) == ["BreakerOpen"]
        await asyncio.sleep(0.01)
        await _meet(bench)
    await asyncio.sleep(20)
    await _meet(bench, 6)
    assert [round(event.retry_after) for event in bench.events.of(BreakerChanged, new="open")] == [5, 10, 20, 20, 20, 5]


@virtual
async def test_3_1_jitter_is_at_most_a_tenth_and_told_as_retry_after():
    """The most jitter makes 5.5 s of 5; refused calls are told what is left of it."""
    bench = Bench(ScriptedTransport(then=503), {"breaker": SMALL}, uniform=high)
    await _meet(bench, 4)
    assert bench.events.one(BreakerChanged).retry_after == pytest.approx(5.5)
    await asyncio.sleep(2)
    with pytest.raises(BreakerOpen) as caught:
        await bench.send()
    assert caught.value.retry_after == pytest.approx(3.5)


@virtual
@pytest.mark.parametrize(
    "step",
    [
        500, 502, 503, 504, ConnectError(), DnsError(), TlsError(), UpstreamBroken("reset"),
        UpstreamTimeout("connect", sent=False), UpstreamTimeout("first_byte"), UpstreamTimeout("attempt"),
    ],
    ids=repr,
)  # fmt: skip
async def test_3_2_failures(step: int | CallError):
    """Connection errors, timeouts of ours and the statuses in `on` open it."""
    bench = _breaker(ScriptedTransport(then=step))
    await _meet(bench, 4)
    assert _states(bench) == ["open"]


@virtual
@pytest.mark.parametrize("step", [400, 401, 403, 404, 409, 429, 501, Saturated(), AddressRefused()], ids=repr)
async def test_3_2_no_failures(step: int | CallError):
    """4xx, 429, other statuses and refusals of our own never open it."""
    bench = _breaker(ScriptedTransport(then=step))
    await _meet(bench, 50)
    assert _states(bench) == []


@virtual
async def test_3_2_a_429_is_neither_good_nor_bad():
    """An upstream that says "later" does not dilute the failures beside it."""
    bench = _breaker(ScriptedTransport([*[429] * 50, *[503] * 2, *[200] * 2]))
    await _meet(bench, 54)
    assert _states(bench) == ["open"]


@virtual
async def test_3_2_only_what_settings_name():
    """With `on` of statuses only, a reset is not counted; a connect timeout counts as `connect` too."""
    bench = _breaker(ScriptedTransport(then=UpstreamBroken("reset")), on=("503",))
    await _meet(bench, 10)
    assert _states(bench) == []
    bench = _breaker(ScriptedTransport(then=UpstreamTimeout("connect", sent=False)), on=("connect",))
    await _meet(bench, 4)
    assert _states(bench) == ["open"]


@virtual
async def test_3_2_a_caller_that_left_is_no_failure():
    """Fifty calls cancelled while they wait open nothing."""
    bench = _breaker(ScriptedTransport(then=hang()))
    for _ in range(50):
        task = bench.start()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert _states(bench) == []
    assert bench.kept("breaker").status().calls == 0


@virtual
async def test_3_2_the_calls_own_deadline_is_a_timeout_of_ours():
    """An upstream that hangs until the whole call is over has failed, although the attempt had no limit."""
    bench = Bench(
        ScriptedTransport(then=hang(), obey=False), {"breaker": {**SMALL, "window": 60.0}}, timeouts=Timeouts(total=2)
    )
    assert await _meet(bench, 4) == ["DeadlineExceeded"] * 4
    assert _states(bench) == ["open"]


@virtual
async def test_3_2_a_deadline_shortened_by_the_caller_is_not_ours():
    """Callers cannot open the breaker for others with hints of a millisecond."""
    bench = _breaker(ScriptedTransport(then=hang(), obey=False))
    for _ in range(50):
        with pytest.raises(DeadlineExceeded):
            await bench.send(deadline=bench.loop.time() + 0.001)
    assert _states(bench) == []


@virtual
async def test_3_2_slow_counts_only_with_slow_after():
    """Without `slow_after` a call of a minute is a good one."""
    bench = Bench(
        ScriptedTransport(then=answer(200, after=50)), {"breaker": SMALL}, timeouts=Timeouts(total=60, attempt=60)
    )
    await _meet(bench, 8)
    assert _states(bench) == []


@virtual
async def test_3_2_a_stream_counts_at_its_headers():
    """A stream is a good call as soon as its head is there, however long it goes on."""
    bench = _breaker(ScriptedTransport(then=stream(b"x", hanging=True)))
    await bench.send()
    status = bench.kept("breaker").status()
    assert (status.calls, status.failures) == (1, 0)


@virtual
async def test_3_2_a_later_break_is_one_more_failure():
    """A stream that breaks after its head counts once more, as failed, however often it is read again."""
    bench = _breaker(ScriptedTransport(then=stream(b"x", b"y", cut=1)))
    reply = await bench.send()
    await reply.body.read()
    for _ in range(3):
        with pytest.raises(UpstreamBroken):
            await reply.body.read()
    reply.close()
    status = bench.kept("breaker").status()
    assert (status.calls, status.failures) == (2, 1)


@virtual
async def test_3_2_a_stream_left_by_its_reader_is_no_failure():
    """Closing a stream early says nothing about the upstream; nor does the stream's own deadline."""
    bench = Bench(ScriptedTransport(then=stream(b"x", hanging=True)), {"breaker": SMALL}, timeouts=Timeouts(stream=3.0))
    (await bench.send()).close()
    reply = await bench.send()
    await reply.body.read()
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    assert bench.kept("breaker").status().failures == 0


@virtual
async def test_3_3_half_open_admits_exactly_probes():
    """Of fifty calls that wait for the half-open moment, two reach the upstream."""
    script = ScriptedTransport([503] * 4, then=answer(200, after=1))
    bench = _breaker(script)
    await _meet(bench, 4)
    await asyncio.sleep(5)
    tasks = [bench.start() for _ in range(50)]
    await asyncio.wait(tasks)
    assert len(script.seen) - 4 == 2
    errors = [task.exception() for task in tasks]
    assert sum(isinstance(error, BreakerOpen) for error in errors) == 48
    assert {error.retry_after for error in errors if isinstance(error, BreakerOpen)} == {1.0}
    assert _states(bench)[-1] == "closed"


@virtual
async def test_3_3_a_cancelled_probe_gives_its_permit_back():
    """Both probes are cancelled; two more are admitted, and they close it."""
    script = ScriptedTransport([*[503] * 4, hang(), hang()], then=200)
    bench = _breaker(script)
    await _meet(bench, 4)
    await asyncio.sleep(5)
    tasks = [bench.start() for _ in range(2)]
    await asyncio.sleep(1)
    assert await _meet(bench) == ["BreakerOpen"]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert await _meet(bench, 2) == ["200", "200"]
    assert _states(bench) == ["open", "half_open", "closed"]


@virtual
@pytest.mark.parametrize("step", [429, Saturated()], ids=repr)
async def test_3_3_an_ignored_probe_gives_its_permit_back(step: int | CallError):
    """A probe that says nothing is neither good nor bad, and another may go."""
    bench = _breaker(ScriptedTransport([*[503] * 4, *[step] * 10], then=200))
    await _meet(bench, 4)
    await asyncio.sleep(5)
    assert "BreakerOpen" not in await _meet(bench, 12)
    assert _states(bench) == ["open", "half_open", "closed"]


@virtual
async def test_3_3_a_hanging_probe_is_bounded():
    """A probe without an outcome past the longest attempt opens the breaker again; its late outcome is ignored."""
    bench = _breaker(ScriptedTransport([503] * 4))
    await _meet(bench, 4)
    await asyncio.sleep(5)
    core = bench.kept("breaker").core
    probe = core.permit(bench.loop.time(), 10.0)
    await asyncio.sleep(10)
    assert await _meet(bench) == ["BreakerOpen"]
    assert bench.events.of(BreakerChanged)[-1].reason == "a probe hung"
    core.ended(probe, bench.loop.time(), failed=False, slow=False)
    assert bench.kept("breaker").status().state == "open"


@virtual
async def test_3_4_refuses_before_the_queue():
    """With the only slot taken and the breaker open, a call is refused at once and does not wait for the slot."""
    script = ScriptedTransport([*[503] * 4, hang()])
    bench = Bench(script, {"breaker": SMALL, "concurrency": {"limit": 1, "queue": 10, "wait": 30.0}})
    await _meet(bench, 3)
    await _meet(bench)
    bench.kept("breaker").force("closed")
    task = bench.start()
    await asyncio.sleep(1)
    bench.kept("breaker").force("open")
    assert await _meet(bench) == ["BreakerOpen"]
    assert bench.loop.time() == 1001
    task.cancel()
    await asyncio.wait([task])


@virtual
async def test_3_4_takes_its_permit_after_the_slot():
    """A call that queued while the breaker opened meets it when its slot comes, and gives the slot on."""
    script = ScriptedTransport([answer(503, after=1)] * 4, then=200)
    bench = Bench(script, {"breaker": {**SMALL, "min_calls": 1}, "concurrency": {"limit": 1, "queue": 10}})
    tasks = [bench.start() for _ in range(5)]
    await asyncio.wait(tasks)
    assert tasks[0].result().status == 503
    assert all(isinstance(task.exception(), BreakerOpen) for task in tasks[1:])
    assert len(script.seen) == 1


@virtual
async def test_3_4_its_clock_starts_at_the_wire():
    """Waiting for a slot makes no call slow."""
    script = ScriptedTransport(then=answer(200, after=0.9))
    bench = Bench(
        script,
        {
            "breaker": {**SMALL, "slow_after": 1.0, "slow_rate": 0.01},
            "concurrency": {"limit": 1, "queue": 10, "wait": 20.0},
        },
    )
    await asyncio.wait([bench.start() for _ in range(6)])
    assert len(script.seen) == 6
    assert _states(bench) == []


@virtual
async def test_3_4_an_outcome_of_an_older_generation_changes_nothing():
    """A call from before the breaker opened ends while it is half-open: it closes and opens nothing."""
    script = ScriptedTransport([answer(503, after=8), *[503] * 4, 200, 200])
    bench = _breaker(script)
    old = bench.start()
    await asyncio.sleep(0)
    await _meet(bench, 4)
    await asyncio.sleep(5)
    assert await _meet(bench) == ["200"]
    await asyncio.wait([old])
    assert bench.kept("breaker").status().state == "half_open"
    assert await _meet(bench) == ["200"]
    assert _states(bench) == ["open", "half_open", "closed"]


@virtual
async def test_3_5_shadow_records_and_tells_and_never_blocks():
    """Shadow mode moves through all states and says so, while every call passes."""
    script = ScriptedTransport([503] * 40, then=200)
    bench = _breaker(script, mode="shadow")
    assert set(await _meet(bench, 40)) == {"503"}
    assert _states(bench) == ["open"]
    await asyncio.sleep(5)
    assert set(await _meet(bench, 5)) == {"200"}
    assert _states(bench) == ["open", "half_open", "closed"]


@virtual
async def test_3_5_off_has_no_stage():
    """Mode `off` keeps no state and blocks nothing."""
    bench = _breaker(ScriptedTransport(then=503), mode="off")
    assert set(await _meet(bench, 40)) == {"503"}
    assert bench.kept("breaker") is None


@virtual
@pytest.mark.parametrize("mode", ["on", "shadow"])
async def test_3_5_forced_open_and_closed(mode: str):
    """Forced open refuses a healthy target, forced closed lets all to a broken one; released it starts afresh."""
    bench = _breaker(ScriptedTransport([*[503] * 20], then=200), mode=mode)
    breaker = bench.kept("breaker")
    breaker.force("closed")
    assert await _meet(bench, 20) == ["503"] * 20
    breaker.force("open")
    assert await _meet(bench, 2) == ["BreakerOpen"] * 2
    await asyncio.sleep(1000)
    assert await _meet(bench) == ["BreakerOpen"]
    breaker.force(None)
    assert await _meet(bench, 5) == ["200"] * 5
    changes = [(event.old, event.new, event.reason) for event in bench.events.of(BreakerChanged)]
    assert changes == [
        ("closed", "closed", "forced closed"),
        ("closed", "open", "forced open"),
        ("open", "closed", "released"),
    ]


@virtual
async def test_3_6_one_breaker_for_each_target():
    """A broken target opens its own breaker and leaves the other target's alone."""
    eu, us = target("eu"), target("us")
    script = ScriptedTransport([503] * 4, then=200)
    bench = Bench(script, {"breaker": SMALL}, targets=(eu, us))
    await _meet(bench, 4, target=eu)
    assert await _meet(bench, target=eu) == ["BreakerOpen"]
    assert await _meet(bench, target=us) == ["200"]
    assert bench.events.one(BreakerChanged).target == "eu"


def test_3_7_the_diagram_in_the_docs_is_drawn_from_the_table():
    """docs/policies/breaker.md shows exactly what `diagram()` gives."""
    assert f"```mermaid\n{diagram()}```" in DOCS.read_text()


def test_3_7_the_table_is_complete():
    """No state is a dead end, none is out of reach, and no trigger is ambiguous."""
    keys = [(old, trigger) for old, trigger, _ in TRANSITIONS]
    assert len(keys) == len(set(keys))
    assert {old for old, _, _ in TRANSITIONS} == set(State)
    assert {new for _, _, new in TRANSITIONS} == set(State)
