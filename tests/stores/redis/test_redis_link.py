"""The link: up, lost, back; what a lost one costs; what it tells."""

import asyncio
import time
from pathlib import Path

import pytest

from redis_links import QUICK, Links, until
from seawall.contracts.state import StateLost
from seawall.stores.redis import Script, Times
from valkey_server import ValkeyServer

ECHO = Script("echo", "return ARGV[1]")
COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
WRONG = Script("wrong", "return redis.call('LPUSH', KEYS[1], 'x')")


async def test_a_script_is_run_by_digest_and_loaded_where_it_is_unknown(steady: ValkeyServer, links: Links):
    """The first use loads it, a server that forgot all scripts is given it again, and no caller sees either."""
    link = await links(steady.url)
    assert await link.run(ECHO, [], ["one"]) == b"one"
    assert steady.ask("SCRIPT", "FLUSH").startswith(b"+OK")
    assert [await link.run(ECHO, [], [word]) for word in ("two", "three")] == [b"two", b"three"]


async def test_answers_reach_whoever_asked(steady: ValkeyServer, links: Links):
    """Many at once, some of whom leave: everybody else gets the answer to its own question."""
    link = await links(steady.url)
    tasks = [asyncio.create_task(link.run(ECHO, [], [str(number)])) for number in range(500)]
    await asyncio.sleep(0)
    for task in tasks[::7]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for number, answer in enumerate(answers):
        if number % 7:
            assert answer == str(number).encode()
        else:
            assert isinstance(answer, asyncio.CancelledError | bytes)
    assert not link.lost


async def test_a_dead_server_costs_nothing(server: ValkeyServer, links: Links):
    """After the first failure ten thousand more take less than a second, and none waits for a timeout."""
    link = await links(server.url)
    server.kill()
    with pytest.raises(StateLost):
        await link.run(COUNT, ["seawall:n"])
    assert link.lost
    started = time.perf_counter()
    for _ in range(10_000):
        with pytest.raises(StateLost):
            await link.run(COUNT, ["seawall:n"])
    assert time.perf_counter() - started < 1.0
    assert link.losses == 1


async def test_a_frozen_server_is_lost_after_one_timeout(server: ValkeyServer, links: Links):
    """A server that holds its connections and says nothing is lost for everybody who waits, at the same moment."""
    link = await links(server.url)
    await link.run(ECHO, [], ["warm"])
    server.freeze()
    asked = [asyncio.create_task(link.run(COUNT, ["seawall:n"])) for _ in range(50)]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, StateLost) for answer in answers)
    assert link.losses == 1
    [lost] = links.notices("state_lost")
    assert dict(lost.fields)["reason"] == "it did not answer in time"
    server.thaw()
    await until(lambda: not link.lost)


async def test_it_comes_back_by_itself(server: ValkeyServer, links: Links):
    """Killed and started anew, it is used again without anybody doing anything, and both changes are told once."""
    link = await links(server.url)
    turns: list[bool] = []
    link.watch(turns.append)
    server.kill()
    await until(lambda: link.lost)
    server.start()
    await until(lambda: not link.lost)
    assert await link.run(ECHO, [], ["again"]) == b"again"
    assert turns == [False, True]
    assert (len(links.notices("state_lost")), len(links.notices("state_back"))) == (1, 1)


async def test_without_a_server_at_the_start_it_starts_lost(links: Links, server: ValkeyServer):
    """The start waits for no store; what was not there is told once, and used when it comes."""
    server.kill()
    link = await links(server.url)
    assert link.lost
    assert link.count == 1
    with pytest.raises(StateLost):
        await link.run(ECHO, [], ["x"])
    server.start()
    await until(lambda: not link.lost)
    assert len(links.notices("state_lost")) == 1


async def test_replicas_are_counted(server: ValkeyServer, links: Links):
    """Each knows how many there are, one that leaves is not counted any more, and the last count outlives the store."""
    first = await links(server.url)
    second = await links(server.url)
    third = await links(server.url)
    assert (first.replica, second.replica) != (second.replica, third.replica)
    await until(lambda: first.count == 3)
    await third.close()
    await until(lambda: first.count == 2 or second.count == 2)
    await until(lambda: first.count == second.count == 2)
    server.kill()
    await until(lambda: first.lost and second.lost)
    assert first.count == second.count == 2


async def test_replicas_wait_for_each_other_when_it_is_back(server: ValkeyServer, links: Links):
    """One that finds it first does not take the whole limit while another has its share still; for a while only."""
    first, second = [await links(server.url) for _ in range(2)]
    await until(lambda: first.count == second.count == 2)
    server.kill()
    await until(lambda: first.lost and second.lost)
    await second.close()
    loop = asyncio.get_running_loop()
    server.start()
    began = loop.time()
    await until(lambda: not first.lost)
    assert loop.time() - began >= QUICK.gather - 0.05
    assert first.count == 1


@pytest.mark.parametrize("times", [Times(), QUICK], ids=["default", "of tests"])
def test_replicas_are_waited_for_as_long_as_the_slowest_of_them_needs(times: Times):
    """A try that hangs and the pause after it take `longest` each; one that went on before took the whole limit."""
    assert times.gather > 2 * times.longest


async def test_one_wrong_script_loses_nothing(steady: ValkeyServer, links: Links):
    """What the server refuses of one script is told of once; others go on."""
    link = await links(steady.url)
    await link.run(COUNT, ["seawall:wrong"])
    for _ in range(3):
        with pytest.raises(StateLost):
            await link.run(WRONG, ["seawall:wrong"])
    assert not link.lost
    [notice] = links.notices("state_refused")
    assert notice.fields == (("script", "wrong"), ("reason", "it answered WRONGTYPE"))


async def test_a_replica_of_redis_is_refused_in_words(server: ValkeyServer, links: Links):
    """What cannot be written to is no primary: it is lost until it is one."""
    assert server.ask("REPLICAOF", "127.0.0.1", "1").startswith(b"+OK")
    link = await links(server.url)
    assert link.lost
    [lost] = links.notices("state_lost")
    assert dict(lost.fields)["reason"] == "it is a replica, and the primary is needed"
    assert server.ask("REPLICAOF", "NO", "ONE").startswith(b"+OK")
    await until(lambda: not link.lost)


async def test_a_primary_that_becomes_a_replica_is_lost(server: ValkeyServer, links: Links):
    """A failover elsewhere shows in the first script that may not write."""
    link = await links(server.url)
    assert server.ask("REPLICAOF", "127.0.0.1", "1").startswith(b"+OK")
    await until(lambda: link.lost)
    [lost] = links.notices("state_lost")
    assert dict(lost.fields)["reason"] == "it is a replica, and the primary is needed"


async def test_a_full_server_is_lost_until_it_has_room(server: ValkeyServer, links: Links):
    """With maxmemory reached no script can write: the replicas decide alone meanwhile."""
    link = await links(server.url)
    assert server.ask("CONFIG", "SET", "maxmemory", "1").startswith(b"+OK")
    await until(lambda: link.lost)
    [lost] = links.notices("state_lost")
    assert dict(lost.fields)["reason"] == "its memory is full (maxmemory)"
    assert server.ask("CONFIG", "SET", "maxmemory", "0").startswith(b"+OK")
    await until(lambda: not link.lost)


async def test_a_cluster_is_refused_in_words(links: Links, tmp_path: Path):
    """A node of a cluster has only some of the keys."""
    # 10000 above its own port stands the bus of a cluster, and Redis 6 has no setting for it
    with ValkeyServer("--cluster-enabled", "yes", "--dir", str(tmp_path), low=True) as node:
        link = await links(node.url)
    assert link.lost
    [lost] = links.notices("state_lost")
    assert "cluster" in dict(lost.fields)["reason"]


async def test_a_wrong_password_is_told_and_never_shown(links: Links):
    """Neither the right nor the wrong one stands in anything that is told; the right one works, percent-encoded."""
    with ValkeyServer("--requirepass", "p@ss/word%1") as guarded:
        wrong = await links(f"redis://:planted-secret@127.0.0.1:{guarded.port}/0")
        assert wrong.lost
        right = await links(f"redis://default:p%40ss%2Fword%251@127.0.0.1:{guarded.port}/0")
        assert await right.run(ECHO, [], ["in"]) == b"in"
        none = await links(f"redis://127.0.0.1:{guarded.port}/0")
        assert none.lost
    reasons = [dict(notice.fields)["reason"] for notice in links.notices("state_lost")]
    assert reasons[:2] == ["its user or password is wrong", "it needs a user or a password"]
    assert not any(word in repr(links.told.events) for word in ("planted", "p@ss", "p%40ss"))
    assert not any(word in repr(vars(right)) for word in ("planted", "p@ss", "p%40ss"))


async def test_a_lane_takes_so_many_and_no_more(server: ValkeyServer, links: Links):
    """A crowd before a server that says nothing is bounded: the rest is sent away at once."""
    link = await links(server.url)
    server.freeze()
    tasks = [asyncio.create_task(link.run(ECHO, [], ["x"])) for _ in range(9_000)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    texts = {str(answer) for answer in answers}
    assert texts == {"Too many scripts are waiting for Redis", "Redis did not answer"}
