"""Two gateways on one Valkey share what they keep: one upstream call, one invalidation, and neither needs the store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateways import Gateway, Watched, gateway, settings, until
from several import call

from seawall.testing.exchange import Answer, Exchange
from valkey_server import ValkeyServer


class Origin:
    """An upstream's program that notes what it was asked.

    Attributes:
        asked: methods and targets, in order.
        headers: of the next answers.
        pause: seconds before each.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: tuple[tuple[bytes, bytes], ...] = ((b"cache-control", b"max-age=60"),)
        self.pause = 0.0

    def __call__(self, exchange: Exchange) -> tuple[float, bytes]:
        """Answer with the number of the request."""
        self.asked.append(f"{exchange.method.decode()} {exchange.target.decode()}")
        return self.pause, Answer(200, b"%d" % len(self.asked), self.headers).wire(exchange.method)


@asynccontextmanager
async def two(server: ValkeyServer, folder: Path) -> AsyncIterator[tuple[Origin, list[Gateway]]]:
    """Run an upstream and two gateways in this process that share a store."""
    origin = Origin()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Watched(origin))
        text = f'{settings(upstream.url, "cache = true")}\n[state]\nurl = "{server.url}"\n'
        yield origin, [await stack.enter_async_context(gateway(text, folder / name)) for name in ("a", "b")]


async def lost(pair: list[Gateway], *, up: bool) -> None:
    """Wait until both have noticed."""
    await until(lambda: all(view.connected is up for one in pair for view in one.app.runtime.status().stores))


async def test_concurrent_misses_of_two_replicas_are_one_upstream_call(tmp_path: Path):
    """Twenty clients at each, at once: the upstream is asked once, everybody is given the same."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            origin.pause = 0.3
            got = await asyncio.gather(*(call(pair[number % 2].port) for number in range(40)))
    assert origin.asked == ["GET /x"]
    assert {(one.status, one.body) for one in got} == {(200, b"1")}
    words = {one.headers["cache-status"].partition(";")[2].split(";")[0].strip() for one in got}
    assert words == {"hit", "fwd=uri-miss"}


async def test_what_one_keeps_the_other_finds(tmp_path: Path):
    """Without asking, with the age it has, and varied by what the answer varies by."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            origin.headers = ((b"cache-control", b"max-age=60"), (b"age", b"7"), (b"vary", b"accept-language"))
            first = await call(pair[0].port, "/up/x", "GET", "Accept-Language: de")
            await until(lambda: pair[0].app.runtime.status().stores[0].connected)
            same = await call(pair[1].port, "/up/x", "GET", "Accept-Language: de")
            other = await call(pair[1].port, "/up/x", "GET", "Accept-Language: en")
            again = await call(pair[0].port, "/up/x", "GET", "Accept-Language: en")
    assert (first.body, same.body, other.body, again.body) == (b"1", b"1", b"2", b"2")
    assert same.headers["age"] in ("7", "8")
    assert same.headers["cache-status"].startswith("seawall; hit")
    assert again.headers["cache-status"].startswith("seawall; hit")


async def test_an_unsafe_request_makes_answers_invalid_at_every_replica(tmp_path: Path):
    """What was posted through one is not answered from the other's memory any more."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            for one in pair:
                assert (await call(one.port)).body == b"1"
            await call(pair[0].port, "/up/x", "POST", body=b"new")
            await until(lambda: not len(pair[1].app._engine.shelves.entries))
            assert (await call(pair[1].port)).body == b"3"
            assert (await call(pair[0].port)).body == b"3"
    assert origin.asked == ["GET /x", "POST /x", "GET /x"]


async def test_without_the_store_each_has_its_memory(tmp_path: Path):
    """Killed: hits stay hits, misses go upstream, nothing fails; what was posted meanwhile is told when it is back."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (_, pair):
            for one in pair:
                await call(one.port)
            server.kill()
            await lost(pair, up=False)
            kept = [await call(one.port) for one in pair]
            missed = [await call(one.port, "/up/y") for one in pair]
            await call(pair[0].port, "/up/x", "POST", body=b"new")
            assert (await call(pair[1].port)).body == b"1"
            server.start()
            await lost(pair, up=True)
            await until(lambda: len(pair[1].app._engine.shelves.entries) == 1)
            assert (await call(pair[1].port)).body == b"5"
    assert [(one.status, one.body) for one in kept] == [(200, b"1")] * 2
    assert [(one.status, one.body) for one in missed] == [(200, b"2"), (200, b"3")]


async def test_what_may_not_be_shared_is_asked_for_by_each(tmp_path: Path):
    """An answer with no-store: the one who waited for it asks for itself."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            origin.headers = ((b"cache-control", b"no-store"),)
            origin.pause = 0.1
            got = await asyncio.gather(*(call(one.port) for one in pair))
    assert sorted(one.body for one in got) == [b"1", b"2"]
    assert len(origin.asked) == 2


async def test_one_callers_answer_is_not_anothers(tmp_path: Path):
    """The credential that reaches the upstream is in the key, on the store as in memory (semantics 7.1)."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            origin.headers = ((b"cache-control", b"public, max-age=60"),)
            mine = await call(pair[0].port, "/up/x", "GET", "Authorization: Bearer mine")
            others = await call(pair[1].port, "/up/x", "GET", "Authorization: Bearer others")
            again = await call(pair[1].port, "/up/x", "GET", "Authorization: Bearer mine")
            keys = server.ask("KEYS", "*")
    assert (mine.body, others.body, again.body) == (b"1", b"2", b"1")
    assert b"Bearer" not in keys


async def test_a_purge_by_hand_reaches_the_other_replica_and_the_store(tmp_path: Path):
    """Of one URL, of a prefix, of all: what neither the other's memory nor the store may answer any more."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            for what in (("up", "/x", None), ("up", None, "/x"), ("", None, None)):
                for one in pair:
                    await call(one.port)
                before = len(origin.asked)
                assert await pair[0].app.runtime.kept.purge(*what) == 1
                kept = pair[1].app.runtime.kept
                await until(lambda kept=kept: not kept.totals().answers)
                answers = [await call(one.port) for one in pair]
                assert len(origin.asked) == before + 1, what
                assert {one.body for one in answers} == {b"%d" % (before + 1)}


async def test_a_purge_of_a_prefix_leaves_what_the_others_keep_elsewhere(tmp_path: Path):
    """Redis forgets more than was said; memory does not."""
    with ValkeyServer() as server:
        async with two(server, tmp_path) as (origin, pair):
            await call(pair[1].port, "/up/other")
            await call(pair[1].port, "/up/x")
            await pair[0].app.runtime.kept.purge("up", None, "/x")
            await until(lambda: pair[1].app.runtime.kept.totals().answers == 1)
            assert (await call(pair[1].port, "/up/other")).headers["cache-status"].startswith("seawall; hit")
    assert origin.asked == ["GET /other", "GET /x"]
