"""The models the numbers rest on: the upstream, the clients, and how figures are made of a run's book."""

import asyncio

import pytest
from bench.simulate.clients import NAIVE, closed_loop, open_loop
from bench.simulate.figures import amplification, bins, over_budget, peak_to_mean, quantile, recovery, success
from bench.simulate.upstream import Came, Mode, Upstream, bimodal, lognormal
from bench.simulate.world import Done, World

from seawall.testing import run_virtual, virtual

pytestmark = pytest.mark.pure("its clients share a wheel derived from ours")


def done(at: float, good: bool = True) -> Done:
    """Return a call that took nothing."""
    return Done(at, 0.0, "ok" if good else "503", 0.0)


def constant(seconds: float):
    """Return service times without chance."""
    return lambda _: seconds


@virtual
async def test_servers_at_work_at_once_and_the_rest_in_line():
    """Five calls at two servers take one, one, two, two and three service times."""
    upstream = Upstream(2, constant(1.0))
    world = World(upstream, {})
    calls = await asyncio.gather(*(world.ask() for _ in range(5)))
    assert [one.seconds for one in calls] == pytest.approx([1, 1, 2, 2, 3])
    assert [one.seconds for one in upstream.answered] == pytest.approx([1, 1, 2, 2, 3])


@virtual
async def test_work_for_a_caller_that_has_gone_is_done_all_the_same():
    """It keeps a server busy, and counts as wasted."""
    upstream = Upstream(1, constant(1.0))
    world = World(upstream, {})
    gone = asyncio.create_task(world.ask())
    await asyncio.sleep(0.1)
    gone.cancel()
    assert (await world.ask()).seconds == pytest.approx(1.9)
    assert upstream.wasted == 1


@virtual
async def test_a_crash_resets_what_is_under_way_and_refuses_what_comes():
    """Until the mode changes."""
    upstream = Upstream(1, constant(1.0), [Mode(0.5, "refuse"), Mode(2.0)])
    world = World(upstream, {})
    calls = await asyncio.gather(world.ask(), world.ask())
    assert [one.result for one in calls] == ["UpstreamBroken", "UpstreamBroken"]
    assert world.now == pytest.approx(0.5)
    assert (await world.ask()).result == "ConnectError"
    await asyncio.sleep(2)
    assert (await world.ask()).result == "ok"
    assert upstream.inside == 0


@virtual
async def test_modes_slow_down_and_answer_with_a_status():
    """A share of answers fails; service times that begin in a slow mode are longer."""
    upstream = Upstream(None, constant(0.1), [Mode(0.0, slower=10.0), Mode(5.0, "status", status=429, share=0.5)])
    world = World(upstream, {})
    await asyncio.sleep(0.01)
    assert (await world.ask()).seconds == pytest.approx(1.0)
    await asyncio.sleep(5)
    results = [(await world.ask()).result for _ in range(200)]
    assert 60 < results.count("429") < 140


def test_service_times_are_as_described():
    """Medians and shares."""

    async def sample() -> tuple[list[float], list[float]]:
        world = World(Upstream(None, constant(1)), {})
        usual, both = lognormal(0.02, 0.15), bimodal(lognormal(0.02, 0.15), 1.0, 0.01)
        return sorted(usual(world.random) for _ in range(5000)), sorted(both(world.random) for _ in range(5000))

    usual, both = run_virtual(sample())
    assert usual[2500] == pytest.approx(0.02, rel=0.02)
    assert usual[4950] == pytest.approx(0.02 * 1.4175, rel=0.05)
    assert 25 < sum(one == 1.0 for one in both) < 80


@virtual
async def test_open_loop_calls_at_its_rate_whatever_comes_back():
    """An upstream that never answers in time is called as often."""
    world = World(Upstream(1, constant(1000.0)), {})
    await open_loop(world, 50.0, 20.0)
    assert len(world.done) == pytest.approx(1000, rel=0.1)
    assert {one.result for one in world.done} == {"DeadlineExceeded"}


@virtual
async def test_closed_loop_clients_wait_for_their_answer():
    """Ten clients with a second of thought and a second of service make five calls a second."""
    world = World(Upstream(None, constant(1.0)), {})
    await closed_loop(world, 10, 1.0, 40.0)
    assert len(world.done) == pytest.approx(200, rel=0.15)


@virtual
async def test_a_naive_client_asks_again_and_it_is_one_call():
    """Four attempts in all, a fixed pause apart."""
    upstream = Upstream(None, constant(1.0), [Mode(0.0, "refuse")])
    world = World(upstream, {})
    await closed_loop(world, 1, 100.0, 200.0, NAIVE)
    assert len(upstream.came) == 4 * len(world.done)
    assert upstream.came[1].at - upstream.came[0].at == pytest.approx(0.101)


def test_amplification_and_success_are_of_a_span():
    """What lies outside does not count."""
    calls = [done(1), done(5, good=False), done(6), done(9, good=False)]
    came = [Came(1, 1), Came(5, 1), Came(5.5, 2), Came(6, 1)]
    assert amplification(came, calls, 5, 9) == 1.5
    assert success(calls, 5, 9) == 0.5
    assert amplification(came, [], 5, 9) == success([], 5, 9) == 0.0


def test_recovery_lasts_to_the_end():
    """A good second between bad ones is none; a run that ends badly never recovered."""
    good = {0: True, 1: False, 2: True, 3: False, **dict.fromkeys(range(4, 10), True)}
    assert recovery([done(100 + second, good=ok) for second, ok in good.items()], 100) == 4
    assert recovery([done(100 + second, good=second < 8) for second in range(10)], 100) == float("inf")
    assert recovery([done(100 + second) for second in range(10)], 100) == 0


def test_bins_and_peaks():
    """A part of a bin at the end is left out."""
    assert bins([0.05, 0.15, 0.16, 0.31, 0.99], 0.1, 0.1, 0.4) == [2, 0, 1]
    assert peak_to_mean([2, 0, 1]) == 2
    assert peak_to_mean([0, 0]) == 0


def test_quantiles():
    """Of nothing it is nothing."""
    assert quantile(range(100), 0.99) == 99
    assert quantile([], 0.5) == 0


def test_a_budget_is_passed_where_retries_come_without_calls():
    """Three are lent and ten calls give two; the sixth retry is one too many."""
    calls = [done(1 + number / 100) for number in range(10)]
    came = [Came(2 + number / 100, 2) for number in range(6)]
    assert over_budget(came, calls, 0.2, 3, 0.0) == pytest.approx(1.0)
    assert over_budget(came[:5], calls, 0.2, 3, 0.0) == pytest.approx(0.0)


def test_a_world_needs_virtual_time():
    """On a real loop a simulation would take as long as it says."""
    with pytest.raises(TypeError, match="virtual loop"):
        asyncio.run(_world())


async def _world() -> None:
    World(Upstream.__new__(Upstream), {})
