"""Limits, leases: decided by one script each, for everybody who shares the server."""

import asyncio
from math import inf

import pytest

from redis_links import Links, until
from seawall.contracts.state import StateLost
from seawall.contracts.units import Rate
from seawall.stores.redis import RedisLeases, RedisLimits
from valkey_server import ValkeyServer

MINUTE = Rate(60, 60.0)


async def test_burst_and_no_more_however_many_ask(steady: ValkeyServer, links: Links):
    """Two hundred at once on two connections: exactly the burst passes, and the rest knows when to come again."""
    pair = [RedisLimits(await links(steady.url)) for _ in range(2)]
    taken = await asyncio.gather(*(pair[number % 2].take("crowd", MINUTE, 6) for number in range(200)))
    assert sum(one.allowed for one in taken) == 6
    assert sorted(one.remaining for one in taken if one.allowed) == [0, 1, 2, 3, 4, 5]
    assert all(0.9 < one.retry_after <= 1.0 for one in taken if not one.allowed)


async def test_a_cost_that_can_never_pass(steady: ValkeyServer, links: Links):
    """More than limit and burst together is told as never, and takes nothing."""
    limits = RedisLimits(await links(steady.url))
    assert (await limits.take("never", MINUTE, 6, 67)).retry_after == inf
    assert (await limits.take("never", MINUTE, 6, 6)).allowed


async def test_a_cost_above_the_burst_passes_once(steady: ValkeyServer, links: Links):
    """Where nothing was used for long enough; what is above is paid off afterwards, as in memory."""
    limits = RedisLimits(await links(steady.url))
    assert (await limits.take("large", MINUTE, 6, 30)).allowed
    refused = await limits.take("large", MINUTE, 6, 1)
    assert not refused.allowed
    assert refused.retry_after == pytest.approx(25.0, abs=0.2)


async def test_what_is_charged_counts_and_may_be_given_back(steady: ValkeyServer, links: Links):
    """Units used are taken whether they are there or not, and negative ones given back, never beyond full."""
    limits = RedisLimits(await links(steady.url))
    await limits.charge("tokens", MINUTE, 10, 14)
    assert (await limits.take("tokens", MINUTE, 10)).retry_after == pytest.approx(5.0, abs=0.2)
    await limits.charge("tokens", MINUTE, 10, -6)
    assert (await limits.take("tokens", MINUTE, 10)).remaining == 1
    await limits.charge("tokens", MINUTE, 10, -1000)
    assert (await limits.take("tokens", MINUTE, 10)).remaining == 9


async def test_a_wrong_charge_stops_nobody_for_ever(steady: ValkeyServer, links: Links):
    """A debt is cut to three times the whole limit."""
    limits = RedisLimits(await links(steady.url))
    await limits.charge("debt", MINUTE, 10, 1e9)
    assert (await limits.take("debt", MINUTE, 10)).retry_after == pytest.approx(201.0, abs=1)


async def test_some_are_taken_where_not_all_are_there(steady: ValkeyServer, links: Links):
    """A queue asks for everybody in it and gets what is there."""
    limits = RedisLimits(await links(steady.url))
    assert await limits.some("queue", MINUTE, 6, 4) == (4, 4.0)
    granted, used = await limits.some("queue", MINUTE, 6, 50)
    assert granted == 2
    assert used == pytest.approx(6.0, abs=0.1)


async def test_what_a_replica_knows_to_be_used_is_believed(server: ValkeyServer, links: Links):
    """An empty server is told, so that its restart gives nothing twice; what it knows better stays."""
    limits = RedisLimits(await links(server.url))
    assert (await limits.some("told", MINUTE, 6, 6, used=5.0))[0] == 1
    assert (await limits.some("told", MINUTE, 6, 6, used=0.0))[0] == 0
    assert (await limits.some("cut", MINUTE, 6, 1, used=10_000.0)) == (0, 6.0)


async def test_every_key_ends_by_itself(steady: ValkeyServer, links: Links):
    """Nothing stays for ever: each key has an expiry, and each starts with `seawall:`."""
    link = await links(steady.url)
    limits, leases = RedisLimits(link), RedisLeases(link)
    await limits.take("a", MINUTE, 6)
    await limits.charge("b", MINUTE, 6, 3)
    await limits.some("c", MINUTE, 6, 3)
    await leases.hold("d", 5)
    keys = [line for line in steady.ask("KEYS", "*").decode().split("\r\n") if line and line[0] not in "*$"]
    assert len(keys) >= 4
    assert all(key.startswith("seawall:") for key in keys)
    assert all(int(steady.ask("PTTL", key)[1:]) > 0 for key in keys)


async def test_one_holds_a_name_until_it_lets_go_or_is_silent(steady: ValkeyServer, links: Links):
    """Renewed by its holder, refused to others, free once given back or when its time is over."""
    first, second = [RedisLeases(await links(steady.url)) for _ in range(2)]
    assert await first.hold("poll", 60)
    assert await first.hold("poll", 60)
    assert not await second.hold("poll", 60)
    await second.let_go("poll")
    assert not await second.hold("poll", 60)
    await first.let_go("poll")
    assert await second.hold("poll", 0.05)
    async with asyncio.timeout(60):
        while not await first.hold("poll", 60):
            await asyncio.sleep(0)


async def test_a_lost_server_is_said(server: ValkeyServer, links: Links):
    """Every method raises StateLost, at once."""
    link = await links(server.url)
    server.kill()
    await until(lambda: link.lost)
    for attempt in (
        RedisLimits(link).take("x", MINUTE, 6),
        RedisLimits(link).some("x", MINUTE, 6, 1),
        RedisLimits(link).charge("x", MINUTE, 6, 1),
        RedisLeases(link).hold("x", 1),
        RedisLeases(link).let_go("x"),
    ):
        with pytest.raises(StateLost):
            await attempt
