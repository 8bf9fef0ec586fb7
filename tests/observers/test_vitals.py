"""Loop lag is measured with the loop's own clock and forgotten after a while; a minute of traffic is remembered."""

import asyncio
import sys
from unittest import mock

import pytest

from seawall.contracts.clock import Clock
from seawall.contracts.events import AttemptEnded
from seawall.contracts.wheel import Wheel
from seawall.observers.metrics import Metrics
from seawall.observers.process import Process
from seawall.observers.traffic import Minute, Traffic
from seawall.observers.vitals import Vitals
from seawall.testing import VirtualLoop, virtual


def here() -> VirtualLoop:
    """Return the virtual loop of this test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


@virtual
async def test_a_loop_that_was_held_shows_by_how_long() -> None:
    """Something that takes 0.7 s of the loop is a lag of 0.7 s less what was left of the interval."""
    loop = here()
    vitals = Vitals(loop.clock(), loop, interval=0.5)
    vitals.start()
    await asyncio.sleep(0.6)
    assert vitals.lag == pytest.approx(0.0, abs=0.002)
    loop.advance(0.7)
    await asyncio.sleep(0.001)
    assert vitals.lag == pytest.approx(0.3, abs=0.01)
    await asyncio.sleep(1)
    assert vitals.lag == pytest.approx(0.0, abs=0.002)
    assert vitals.lag_max == pytest.approx(0.3, abs=0.01)
    assert vitals.uptime == pytest.approx(2.3, abs=0.01)
    vitals.stop()


@virtual
async def test_the_largest_lag_is_forgotten_after_a_minute() -> None:
    """Kept for at least 30 s, gone after 60."""
    loop = here()
    vitals = Vitals(loop.clock(), loop)
    vitals.start()
    loop.advance(2.0)
    await asyncio.sleep(29)
    assert vitals.lag_max > 1
    await asyncio.sleep(35)
    assert vitals.lag_max < 0.01
    vitals.stop()
    vitals.stop()


def test_memory_is_told_on_linux_and_estimated_elsewhere() -> None:
    """From /proc where there is one; the peak otherwise, in the unit of the platform."""
    process = Process(0.0)
    if sys.platform == "linux":
        virtual_bytes, resident = process.memory()
        assert virtual_bytes > resident > 5_000_000
    process.close()
    process.close()
    peak = process.memory()[1]
    assert peak > 5_000_000
    with mock.patch.object(sys, "platform", "darwin"):
        assert process.memory()[1] == peak // 1024
        process.count_fds()
        assert process.open_fds == 0
    with mock.patch.object(sys, "platform", "win32"):
        assert process.memory() == (0, 0)
        assert Process(0.0).max_fds == 0


@virtual
async def test_a_minute_of_traffic_is_what_the_counters_gained() -> None:
    """Attempts older than about a minute no longer count; an upstream nobody called has none."""
    loop = here()
    metrics = Metrics()
    metrics.configure([], [("weather", "eu"), ("weather", "us"), ("lamps", "lamps")])
    traffic = Traffic(metrics, Wheel(loop.clock(), loop), ["weather", "lamps"])
    traffic.start()
    for result in ("200", "503", "timeout"):
        metrics.attempt_ended(AttemptEnded("weather", "eu", "", 1, result, 0.2))
    assert traffic.last_minute("weather") == Minute(3, 2, pytest.approx(0.2))
    assert traffic.last_minute("lamps") == Minute(0, 0, 0.0)
    await asyncio.sleep(50)
    metrics.attempt_ended(AttemptEnded("weather", "us", "", 1, "200", 0.4))
    assert traffic.last_minute("weather").attempts == 4
    await asyncio.sleep(20)
    assert traffic.last_minute("weather") == Minute(1, 0, pytest.approx(0.4))
    traffic.stop()
    traffic.stop()


@virtual
async def test_a_reload_keeps_the_minute_of_upstreams_that_stay() -> None:
    """A new upstream begins with nothing, one that is gone is forgotten."""
    loop = here()
    metrics = Metrics()
    metrics.configure([], [("weather", "eu")])
    traffic = Traffic(metrics, Wheel(loop.clock(), loop), ["weather", "lamps"])
    metrics.attempt_ended(AttemptEnded("weather", "eu", "", 1, "200", 0.2))
    traffic.configure(["weather", "new"])
    assert traffic.last_minute("weather").attempts == 1
    assert traffic.last_minute("new").attempts == 0
    with pytest.raises(KeyError):
        traffic.last_minute("lamps")


def test_the_process_counts_its_descriptors(clock: Clock) -> None:
    """Opening a file is one more."""
    process = Process(clock.wall())
    process.count_fds()
    before = process.open_fds
    with open(__file__):  # noqa: PTH123
        process.count_fds()
        assert process.open_fds == before + 1
    process.close()
