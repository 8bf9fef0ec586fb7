"""Virtual time: waiting is free, order is kept, and what would hang or leak fails by name."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.contracts.wheel import Wheel
from seawall.testing import EPOCH, START, VirtualError, VirtualLoop, run_virtual, virtual


@virtual
async def test_a_sleep_takes_exactly_its_time_and_no_real_one() -> None:
    """An hour passes between two lines, and the wall clock goes along."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = loop.clock()
    assert (clock.now(), clock.wall()) == (START, EPOCH)
    await asyncio.sleep(3600)
    assert (loop.time(), clock.now(), clock.wall()) == (START + 3600, START + 3600, EPOCH + 3600)


@virtual(start=5.0)
async def test_a_run_may_start_at_another_time() -> None:
    """The decorator takes the moment the clock starts at."""
    assert asyncio.get_running_loop().time() == 5.0


@pytest.fixture
def number() -> int:
    """Return something a virtual test asks for."""
    return 7


@pytest.mark.parametrize("seconds", [1, 2])
@virtual
async def test_fixtures_and_parameters_reach_a_virtual_test(number: int, seconds: int) -> None:
    """The decorated test keeps its signature, so pytest can fill it."""
    await asyncio.sleep(seconds)
    assert number == 7
    assert asyncio.get_running_loop().time() == START + seconds


@given(waits=st.lists(st.floats(0, 1e5), max_size=8))
@settings(max_examples=25)
@virtual
async def test_sleepers_wake_in_the_order_of_their_time(waits: list[float]) -> None:
    """However many sleep, time only goes forward and each wakes when it should."""
    loop = asyncio.get_running_loop()
    woken: list[float] = []

    async def sleeper(wait: float) -> None:
        await asyncio.sleep(wait)
        woken.append(loop.time())

    await asyncio.gather(*map(sleeper, waits))
    assert woken == sorted(woken)
    assert woken == pytest.approx([START + wait for wait in sorted(waits)])


@virtual
async def test_timeouts_and_the_wheel_run_on_virtual_time() -> None:
    """What the engine uses for its own limits fires at its virtual moment."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    fired: list[float] = []
    Wheel(loop.clock(), loop).add(START + 60, lambda: fired.append(loop.time()))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 90)
    assert fired == [pytest.approx(START + 60, abs=0.02)]
    assert loop.time() == START + 90


def test_a_deadlock_names_the_tasks_and_where_they_wait() -> None:
    """Nothing ready and no timer is an error at once, not a test that hangs."""

    async def never() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(never(), name="waits-for-nobody")

    with pytest.raises(VirtualError, match=r"(?s)deadlock: .*waits-for-nobody: .*never at .*:\d+"):
        run_virtual(main())


def test_a_task_left_behind_fails_by_name_and_is_cancelled() -> None:
    """A task nobody awaits is a fault of the code under test; its `finally` still runs."""
    cleaned: list[str] = []

    async def forgotten() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            cleaned.append("yes")

    async def main() -> None:
        task = asyncio.create_task(forgotten(), name="forgotten-one")
        await asyncio.sleep(1)
        assert not task.done()

    with pytest.raises(VirtualError, match="tasks left behind:\n  forgotten-one: .*forgotten at "):
        run_virtual(main())
    assert cleaned == ["yes"]


def test_a_task_that_refuses_to_be_cancelled_does_not_hide_the_first_error() -> None:
    """Winding up gives in, so that the test's own error is the one seen."""

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        task = asyncio.create_task(stubborn(), name="stubborn")
        await asyncio.sleep(0)
        raise ValueError(f"first, with {task.get_name()} about")

    with pytest.raises(ValueError, match="first, with stubborn about"):
        run_virtual(main())


def test_an_error_nobody_saw_fails_the_run() -> None:
    """A callback that raises is only logged by asyncio; here it fails the test."""

    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: [][0])
        await asyncio.sleep(1)

    with pytest.raises(VirtualError, match="Exception in callback") as caught:
        run_virtual(main())
    assert isinstance(caught.value.__cause__, IndexError)


def test_the_result_and_the_error_of_the_main_coroutine_come_out() -> None:
    """What it returns is returned, what it raises is raised."""

    async def good() -> int:
        return 3

    async def bad() -> int:
        raise KeyError("x")

    assert run_virtual(good()) == 3
    with pytest.raises(KeyError):
        run_virtual(bad())


def test_an_endless_run_is_given_up() -> None:
    """A ticker keeps the clock going for ever; the limit ends it."""

    async def ticker() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(VirtualError, match="still running after 50 virtual seconds"):
        run_virtual(ticker(), limit=50)


def test_a_loop_that_spins_without_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns that never let time pass would hang the suite; they are counted."""
    monkeypatch.setattr(VirtualLoop, "spins", 100)

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(VirtualError, match="something spins"):
        run_virtual(spin())


@pytest.mark.parametrize(
    "use",
    [
        lambda loop: loop.run_in_executor(None, print),
        lambda loop: loop.create_connection(asyncio.Protocol, "127.0.0.1", 1),
        lambda loop: loop.create_server(asyncio.Protocol, "127.0.0.1", 0),
    ],
)
@virtual
async def test_threads_and_sockets_are_refused_in_virtual_time(use: Callable[[VirtualLoop], object]) -> None:
    """They would wait in real time, which a jumping clock cannot see."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    with pytest.raises(VirtualError, match=r"virtual (time|loop)"):
        await use(loop)  # type: ignore[misc]
