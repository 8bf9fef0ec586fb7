"""Time limits that are asked for with every call: they end what they limit, and serve again only when they may."""

import asyncio

import pytest

from seawall.contracts.clock import Clock
from seawall.contracts.wheel import TimeLimit, Wheel
from seawall.testing import virtual


def wheel_of() -> Wheel:
    """Return a wheel on the running loop."""
    loop = asyncio.get_running_loop()
    return Wheel(Clock(loop.time, loop.time), loop)


async def limited(wheel: Wheel, limit: TimeLimit, seconds: float) -> bool:
    """Sleep under a limit; whether the limit ended that."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError as error:
        if limit.stop(error):
            return True
        raise
    return limit.stop()


@virtual
async def test_a_limit_ends_its_block_and_nothing_else() -> None:
    """What ends in time is left alone, and leaves nothing in the wheel."""
    wheel = wheel_of()
    assert await limited(wheel, wheel.limit(wheel.now() + 1.0), 2.0)
    assert not await limited(wheel, wheel.limit(wheel.now() + 2.0), 1.0)
    assert len(wheel) == 0
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@virtual
async def test_a_cancellation_from_outside_is_not_the_limits() -> None:
    """Not even in the same turn (semantics 1.4)."""
    wheel = wheel_of()
    at = wheel.now() + 1.0

    async def block() -> bool:
        return await limited(wheel, wheel.limit(at), 5.0)

    left = asyncio.ensure_future(block())
    await asyncio.sleep(0)
    wheel.add(at, left.cancel)  # type: ignore[arg-type]  # what it returns is nobody's business
    with pytest.raises(asyncio.CancelledError):
        await left
    assert wheel.spare == []


@virtual
async def test_a_limit_serves_again_unless_it_fired() -> None:
    """One that fired has cancelled a task, which may not have heard of it yet."""
    wheel = wheel_of()
    first = wheel.limit(wheel.now() + 1.0)
    assert not first.stop()
    assert wheel.limit(wheel.now() + 1.0) is first
    assert wheel.spare == []
    assert await limited(wheel, first, 3.0)
    assert wheel.spare == []
    assert wheel.limit(wheel.now() + 1.0) is not first


@virtual
async def test_as_many_are_kept_as_calls_may_need_and_no_more() -> None:
    """A burst of calls does not stay in memory."""
    wheel = wheel_of()
    limits = [wheel.limit(wheel.now() + 1.0) for _ in range(1000)]
    for limit in limits:
        limit.stop()
    assert 0 < len(wheel.spare) < 1000
