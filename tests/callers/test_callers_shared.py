"""Limits of callers that replicas share: one limit for all, a fair share each while the store is lost, and back."""

import asyncio
from collections.abc import Iterator

import pytest
from callers_rig import Guarded

from redis_links import QUICK, Links, until
from seawall.callers import Rules, SharedLimits, UserRules, digest
from seawall.contracts.errors import QuotaExceeded
from seawall.contracts.state import StateLost, Taken
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket
from seawall.stores.redis import RedisLimits
from valkey_server import ValkeyServer

APP = Rules("app", (digest(b"sw-app"),), rate=Rate(120, 60.0), tokens=Rate(1000, 60.0))

PATIENT = QUICK._replace(command=10.0, connect=10.0, gone=10.0)  # a busy machine is no lost store


class Store:
    """A store whose time is the test's: buckets by key, lost when told so; it remembers what it was told."""

    def __init__(self, replicas: int = 2) -> None:
        self.now = 100.0
        self.count = replicas
        self.lost = False
        self.buckets: dict[str, Bucket] = {}
        self.charges: list[tuple[str, float]] = []
        self.hang: asyncio.Event | None = None

    def _bucket(self, key: str, rate: Rate, burst: int) -> Bucket:
        if self.lost:
            raise StateLost
        return self.buckets.setdefault(key, Bucket(rate, burst))

    async def take(self, key: str, rate: Rate, burst: int, cost: float = 1.0) -> Taken:
        """Take, as Redis does."""
        if self.hang is not None:
            await self.hang.wait()
        return Taken(*self._bucket(key, rate, burst).check(cost, self.now))

    async def charge(self, key: str, rate: Rate, burst: int, cost: float) -> None:
        """Charge, as Redis does."""
        bucket = self._bucket(key, rate, burst)
        bucket.full_at = max(bucket.full_at, self.now) + cost * bucket.interval
        self.charges.append((key, cost))


def replica(store: Store, *rules: Rules) -> Guarded:
    """Return one of the replicas on a store."""
    return Guarded(*(rules or (APP,)), shared=SharedLimits(store, store))


def app(here: Guarded) -> object:
    """Ask for a call of the one caller."""
    return here.admit("sw-app")


async def test_replicas_have_one_limit_together():
    """Twelve at once, whoever is asked; the answer tells what is left for all."""
    store = Store()
    one, two = replica(store), replica(store)
    assert await one.passes(7, lambda: app(one)) == 7
    entry = await two.admit("sw-app")
    assert dict(entry.headers)[b"ratelimit"] == b'"rate";r=4;t=4'
    assert await two.passes(20, lambda: app(two)) == 4
    assert await one.passes(20, lambda: app(one)) == 0


async def test_while_the_store_is_lost_each_goes_on_with_its_share():
    """Half of the limit each, and no fresh burst for who has used its own up."""
    store = Store()
    one, two = replica(store), replica(store)
    assert await one.passes(12, lambda: app(one)) == 12
    store.lost = True
    assert await one.passes(20, lambda: app(one)) == 0
    assert await two.passes(20, lambda: app(two)) == 6
    one.now += 10.0
    two.now += 10.0
    assert await one.passes(20, lambda: app(one)) + await two.passes(20, lambda: app(two)) == 12
    one.now += 1.0
    assert await one.passes(20, lambda: app(one)) == 1


async def test_once_it_is_back_it_is_told_what_was_used_alone():
    """So that losing it for a moment doubles nothing."""
    store = Store()
    one = replica(store)
    store.lost = True
    assert await one.passes(20, lambda: app(one)) == 6
    store.lost = False
    assert await one.passes(20, lambda: app(one)) == 6
    assert store.charges == [("caller:app:rate", pytest.approx(6.0))]
    assert await one.passes(20, lambda: app(one)) == 0
    assert len(store.charges) == 1


async def test_of_many_calls_one_tells_the_store_that_is_back():
    """Else what was used alone would be charged once for each of them."""
    store = Store()
    one = replica(store)
    store.lost = True
    assert await one.passes(3, lambda: app(one)) == 3
    store.lost = False
    await asyncio.gather(*(one.admit("sw-app") for _ in range(5)))
    assert store.charges == [("caller:app:rate", pytest.approx(3.0))]


async def test_tokens_are_held_in_the_store_and_settled_behind_the_call():
    """What was held too much is given back by the one writer, added up."""
    store = Store()
    shared = SharedLimits(store, store)
    here = Guarded(APP, shared=shared)
    shared.start()
    entries = [await here.admit("sw-app", model=True) for _ in range(4)]
    for entry in entries[:3]:
        await entry.hold_tokens(300)
    assert dict(entries[2].headers)[b"x-ratelimit-remaining-tokens"] == b"100"
    with pytest.raises(QuotaExceeded):
        await entries[3].hold_tokens(300)
    for entry in entries[:3]:
        entry.settle_tokens(100)
    await until(lambda: bool(store.charges))
    assert store.charges == [("caller:app:tokens", -600)]
    await entries[3].hold_tokens(300)
    entries[3].close()
    await shared.close()
    assert store.charges[1:] == [("caller:app:tokens", -300)]


async def test_tokens_held_alone_are_settled_alone():
    """Also after the store is back."""
    store = Store()
    shared = SharedLimits(store, store)
    here = Guarded(APP, shared=shared)
    store.lost = True
    alone = await here.admit("sw-app")
    await alone.hold_tokens(500)
    with pytest.raises(QuotaExceeded):
        await (await here.admit("sw-app")).hold_tokens(600)
    store.lost = False
    shared_again = await here.admit("sw-app")
    await shared_again.hold_tokens(100)
    assert [cost for key, cost in store.charges if key.endswith("tokens")] == [500.0]
    alone.settle_tokens(200)
    shared_again.settle_tokens(100)
    await shared.close()
    assert [cost for key, cost in store.charges if key.endswith("tokens")] == [500.0]


async def test_what_cannot_be_settled_is_let_go_and_the_writer_lives():
    """A lost store stops no call, and what was due then is not charged a minute later."""
    store = Store()
    shared = SharedLimits(store, store)
    here = Guarded(APP, shared=shared)
    shared.start()
    entry = await here.admit("sw-app")
    await entry.hold_tokens(300)
    store.lost = True
    entry.settle_tokens(0)
    await until(lambda: not shared._due)
    store.lost = False
    again = await here.admit("sw-app")
    await again.hold_tokens(100)
    again.settle_tokens(40)
    await until(lambda: bool(store.charges))
    assert store.charges == [("caller:app:tokens", -60)]
    await shared.close()


async def test_a_call_that_leaves_while_the_store_is_asked_holds_no_place():
    """Its place among the caller's calls is given back."""
    store = Store()
    store.hang = asyncio.Event()
    here = replica(store, Rules("app", (digest(b"sw-app"),), rate=Rate(120, 60.0), concurrency=1))
    task = asyncio.ensure_future(here.admit("sw-app"))
    await asyncio.sleep(0)
    with pytest.raises(QuotaExceeded):
        await here.admit("sw-app")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.hang.set()
    assert (await here.admit("sw-app")).caller == "app"


async def test_a_unit_of_the_user_is_given_back_to_the_store():
    """When its caller has none left."""
    store = Store()
    rules = Rules("app", (digest(b"sw-app"),), rate=Rate(10, 60.0), users=UserRules(b"x-u", Rate(20, 60.0)))
    shared = SharedLimits(store, store)
    here = Guarded(rules, shared=shared)
    assert await here.passes(2, lambda: here.admit("sw-app", (b"x-u", b"ann"))) == 1
    await shared.close()
    assert store.charges == [("caller:app:user:ann:rate", -1.0)]


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """Return a real server of this test alone."""
    with ValkeyServer() as running:
        yield running


async def test_on_a_real_server_two_replicas_share_lose_it_and_come_back(server: ValkeyServer):
    """200 calls at two replicas: the burst passes once; the server killed: a share each; back: shared again."""
    links = Links()
    try:
        rules = Rules("app", (digest(b"sw-app"),), rate=Rate(100, 86400.0), tokens=Rate(1000, 86400.0))
        both = []
        for _ in range(2):
            link = await links(server.url, PATIENT)
            both.append((link, Guarded(rules, shared=SharedLimits(RedisLimits(link), link))))
        await until(lambda: all(link.count == 2 for link, _ in both))
        passed = await asyncio.gather(*(here.passes(100, lambda here=here: app(here)) for _, here in both))
        assert sum(passed) == 10
        server.kill()
        await until(lambda: all(link.lost for link, _ in both))
        for _, here in both:
            here.now += 86400.0
        assert [await here.passes(50, lambda here=here: app(here)) for _, here in both] == [5, 5]
        server.start()
        await until(lambda: not any(link.lost for link, _ in both))
        # the first tells of its five, then the second of its own: five were left, and whoever is second has none
        assert [await here.passes(50, lambda here=here: app(here)) for _, here in both] == [5, 0]
    finally:
        await links.close()


async def test_who_leaves_a_shared_limit_takes_its_use_along_in_the_store():
    """The store knows the new limit's key by what was used of the one that names share."""
    store = Store()
    users = UserRules(b"x-u", Rate(10, 60.0), Rate(60, 60.0), 1)
    shared = SharedLimits(store, store)
    here = Guarded(Rules("app", (digest(b"sw-app"),), users=users), shared=shared)
    await here.passes(1, lambda: here.admit("sw-app", (b"x-u", b"first")))
    here.now += 6.0
    await here.passes(1, lambda: here.admit("sw-app", (b"x-u", b"late")))
    here.now += 7.0  # the first one's share is whole again, of the shared one five twelfths are not
    await here.passes(1, lambda: here.admit("sw-app", (b"x-u", b"late")))
    await shared.close()
    charged = dict(store.charges)
    assert charged["caller:app:user:late:rate"] == pytest.approx(5 / 12)
