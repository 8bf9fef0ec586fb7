"""What replicas keep together: found by all, asked for by one, invalid for all; a dead replica is not waited for."""

import asyncio
from hashlib import blake2b

import pytest

from redis_links import Links, until
from seawall.contracts.state import StateLost
from seawall.stores.redis import PURGES, Ear, RedisEntries
from valkey_server import ValkeyServer

URI = b"up\0/x"
PLAIN = [b"plain"]


def plain(names):
    """Return the one field of an answer that varies by nothing."""
    return PLAIN


class Pair:
    """Two replicas' entries, and what each was told to forget."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self.forgotten: list[list[bytes | None]] = [[], []]
        self.ears: list[Ear] = []

    async def __call__(self, url: str, lease: float = 60.0) -> list[RedisEntries]:
        """Return them, listening to each other."""
        made = []
        for forgotten in self.forgotten:
            link = await self._links(url)
            one = RedisEntries(
                link, forgotten.append, lambda begins, told=forgotten: told.append(begins or None), lease
            )
            ear = Ear(link, {PURGES: one.heard}, lambda _: None, 100, (one.flush,))
            await ear.start()
            self.ears.append(ear)
            made.append(one)
        return made


@pytest.fixture
async def pair(links: Links):
    """Return what starts two replicas."""
    made = Pair(links)
    yield made
    for ear in made.ears:
        await ear.close()


async def ends(entries: RedisEntries, uri: bytes, lease: bytes = b"l"):
    """Look until there is an answer or the lease is ours."""
    async with asyncio.timeout(60):
        while True:
            look = await entries.look(uri, plain, [], lease)
            if look.found or look.mine:
                return look


async def test_one_asks_and_the_other_finds(steady: ValkeyServer, pair: Pair):
    """The first has the lease, again when it looks again; the second has not, and finds the answer once it is put."""
    first, second = await pair(steady.url)
    look = await first.look(URI, plain, [], b"l")
    assert (look.mine, look.found) == (True, ())
    assert (await first.look(URI, plain, [], b"l")).mine
    assert not (await second.look(URI, plain, [], b"l")).mine
    first.put(URI, b"plain", (), b"data \xff\n", 60.0, 60.0, look)
    found = await ends(second, URI)
    [(age, data)] = found.found
    assert data == b"data \xff\n"
    assert 0 <= age < 1
    assert not found.mine


async def test_who_is_silent_is_not_waited_for(steady: ValkeyServer, pair: Pair):
    """A replica that dies while it asks keeps the others waiting for its lease and no longer."""
    first, second = await pair(steady.url, 0.2)
    assert (await first.look(b"dead", plain, [], b"dead")).mine
    assert not (await second.look(b"dead", plain, [], b"dead")).mine
    started = asyncio.get_running_loop().time()
    assert (await ends(second, b"dead", b"dead")).mine
    assert 0.1 < asyncio.get_running_loop().time() - started < 2


async def test_who_lives_keeps_its_lease_and_may_give_it_back(steady: ValkeyServer, pair: Pair):
    """Renewed it lasts, given back it is the next one's at once."""
    first, second = await pair(steady.url)
    assert (await first.look(b"live", plain, [], b"live")).mine
    await first.renew(b"live")
    second.let_go(b"live")
    assert not (await second.look(b"live", plain, [], b"live")).mine
    first.let_go(b"live")
    assert (await ends(second, b"live", b"live")).mine


async def test_what_is_stale_is_given_with_the_lease(steady: ValkeyServer, pair: Pair):
    """It may still be of use, but somebody is to ask."""
    first, second = await pair(steady.url)
    look = await first.look(b"old", plain, [], b"old")
    first.put(b"old", b"plain", (), b"stale", 0.0, 60.0, look)
    found = await ends(second, b"old", b"old")
    assert [data for _, data in found.found] == [b"stale"]
    assert (await ends(second, b"old", b"old")).mine


async def test_answers_that_vary_are_found_by_who_knows_by_what(steady: ValkeyServer, pair: Pair):
    """A replica that knew of no variants learns of them with its first look."""
    first, second = await pair(steady.url)
    asked = []

    def fields(names):
        asked.append(list(names))
        return [b"-".join(one) for one in names]

    look = await first.look(b"vary", fields, [], b"v")
    first.put(b"vary", b"accept-accept-language", (b"accept", b"accept-language"), b"varied", 60.0, 60.0, look)
    async with asyncio.timeout(60):
        while not (found := (await second.look(b"vary", fields, [], b"v")).found):
            pass
    assert [data for _, data in found] == [b"varied"]
    assert asked[-1] == [(), (b"accept", b"accept-language")]


async def test_a_purge_is_heard_by_all_and_beats_what_was_asked_for_before(steady: ValkeyServer, pair: Pair):
    """Gone at once on the store, told to the other replica, and an answer asked for before is not put after."""
    first, second = await pair(steady.url)
    uri = b"up\0/purged"
    look = await first.look(uri, plain, [], b"p")
    first.put(uri, b"plain", (), b"one", 60.0, 60.0, look)
    await ends(second, uri, b"p2")
    before = await first.look(uri, lambda _: [b"none"], [], b"p3")
    second.purge(uri)
    await until(lambda: pair.forgotten[0] == [uri])
    assert pair.forgotten[1] == []
    assert (await second.look(uri, plain, [], b"p4")).found == ()
    first.put(uri, b"plain", (), b"asked for before", 60.0, 60.0, before)
    await ends(second, uri, b"p3")  # the put has been decided, for it has given the lease back
    assert (await second.look(uri, plain, [], b"p5")).found == ()


async def test_a_purge_of_a_lost_server_is_made_good(server: ValkeyServer, pair: Pair, links: Links):
    """What was made invalid meanwhile is told when it is back; too much of it, and everything is."""
    first, second = await pair(server.url)
    server.kill()
    await until(lambda: all(link.lost for link in links.made))
    with pytest.raises(StateLost):
        await first.look(URI, plain, [], b"l")
    second.purge(b"up\0/a")
    server.start()
    await until(lambda: pair.forgotten[0] == [b"up\0/a"])
    server.kill()
    await until(lambda: all(link.lost for link in links.made))
    for number in range(2000):
        first.purge(b"up\0/%d" % number)
    server.start()
    await until(lambda: None in pair.forgotten[1])


async def test_clearing_forgets_everything(steady: ValkeyServer, pair: Pair):
    """One counter, so that it costs nothing however much is kept."""
    first, second = await pair(steady.url)
    look = await first.look(b"up\0/clear", plain, [], b"c")
    first.put(b"up\0/clear", b"plain", (), b"one", 60.0, 60.0, look)
    await ends(second, b"up\0/clear", b"c")
    second.clear()
    await until(lambda: None in pair.forgotten[0])
    assert (await first.look(b"up\0/clear", plain, [], b"c")).found == ()


async def test_a_uri_has_so_many_variants_and_expires(steady: ValkeyServer, pair: Pair):
    """The hash begins anew past 64 variants, and ends with the longest of its answers, at most a day."""
    first, _ = await pair(steady.url)
    look = await first.look(b"many", plain, [], b"m")
    for number in range(200):
        first.put(b"many", b"%d" % number, (), b"x", 60.0, 1e9, look)
    await ends(first, b"many", b"m")
    async with asyncio.timeout(60):
        while not (await first.look(b"many", lambda _: [b"199"], [], b"n")).found:
            pass
    key = f"seawall:cache:{blake2b(b'many', digest_size=16).hexdigest()}"
    assert 1 <= int(steady.ask("HLEN", key)[1:]) <= 66
    assert 86_000_000 < int(steady.ask("PTTL", key)[1:]) <= 86_400_000
