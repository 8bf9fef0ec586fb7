"""Several addresses of one name, tried in order; losers are closed."""

import asyncio
from contextlib import suppress

import pytest

from seawall.contracts.errors import ConnectError
from seawall.testing import virtual
from seawall.wire.race import STAGGER, race


@virtual
async def test_connections_of_losers_are_closed():
    """The address that was too slow does not stay behind when another won."""
    loop = asyncio.get_running_loop()

    class Made:
        aborted = False

        def abort(self):
            self.aborted = True

    made = {}
    release = asyncio.Event()

    async def connect(ip):
        if ip == "slow":
            with suppress(asyncio.CancelledError):  # it had connected in that turn
                await release.wait()
        made[ip] = Made()
        return made[ip]

    winner = await race(loop, ["slow", "quick"], connect)
    await asyncio.sleep(0)
    assert (winner, made["slow"].aborted, winner.aborted) == (made["quick"], True, False)


@virtual
async def test_a_race_that_is_cancelled_leaves_no_task():
    """Every attempt is cancelled and awaited."""
    loop = asyncio.get_running_loop()
    started = []

    async def connect(ip):
        started.append(ip)
        await loop.create_future()

    task = loop.create_task(race(loop, ["a", "b"], connect))
    while len(started) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual
async def test_a_silent_address_is_waited_for_a_quarter_of_a_second():
    """RFC 8305 section 5; one that fails is not waited for at all."""
    loop = asyncio.get_running_loop()
    times = {}
    since = loop.time()

    async def connect(ip):
        times[ip] = loop.time() - since
        if ip.startswith("dead"):
            raise ConnectError(ip)
        await asyncio.sleep(1.0 if ip == "silent" else 0.0)
        return ip

    assert await race(loop, ["dead", "silent", "good"], connect) == "good"
    assert times == {"dead": 0.0, "silent": 0.0, "good": STAGGER}


@virtual
async def test_a_slow_address_still_wins_when_the_others_fail():
    """Patience is for the next one, not against the first; when all fail the first one's error is told."""
    loop = asyncio.get_running_loop()

    async def connect(ip):
        await asyncio.sleep(0.5 if ip == "slow" else 0.3)
        if ip != "slow":
            raise ConnectError(ip)
        return ip

    assert await race(loop, ["slow", "dead"], connect) == "slow"
    with pytest.raises(ConnectError, match="first"):
        await race(loop, ["dead first", "dead second"], connect)
