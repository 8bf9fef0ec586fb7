"""Hedge, balance, fallback and adaptive concurrency in a real gateway, between real sockets."""

from pathlib import Path

import orjson
import pytest
from gateways import until
from several import attempts, call, calls_at_once, several

from seawall.contracts.call import Call, Run
from seawall.testing import faults
from seawall.testing.exchange import Answer, End


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the gateway's log goes."""
    return tmp_path / "log"


async def test_a_weighted_split_is_told_in_headers_and_metrics(log: Path):
    """An A/B split of 4 to 1: each answer names its target, and the metrics count what the servers counted."""
    async with several(["a=80", "b=20"], "", log) as (servers, here):
        got = [await call(here.port) for _ in range(100)]
        counted = await attempts(here.port)
    asked = {label: server.counts.requests for label, server in servers.items()}
    assert all(one.headers["x-seawall-target"].encode() == one.body for one in got)
    assert asked["a"] + asked["b"] == 100
    assert 8 <= asked["b"] <= 35
    assert counted == {("a", "2xx"): asked["a"], ("b", "2xx"): asked["b"]}


async def test_failover_takes_the_next_target_and_then_leaves_the_first_alone(log: Path):
    """A retry goes to the second target; once the first one's breaker is open no attempt is wasted on it."""
    policies = 'balance = "failover"\nretry = { base = "1ms" }\nbreaker = { min_calls = 2, open = "60s" }'
    async with several(["a", "b"], policies, log) as (servers, here):
        assert (await call(here.port)).body == b"a"
        servers["a"].faults = faults.reset()
        got = [await call(here.port) for _ in range(6)]
        targets = {one.label: one.breaker for one in here.app.runtime.status().upstreams[0].targets}
    assert [(one.status, one.body) for one in got] == [(200, b"b")] * 6
    assert targets == {"a": "open", "b": "closed"}
    assert servers["a"].counts.requests <= 3  # one that was well, one failure, and perhaps one on a stale connection


async def test_least_loaded_prefers_the_target_that_answers(log: Path):
    """One target is slow; of forty calls side by side most go to the other."""
    async with several(["fast", "slow"], 'balance = "least_loaded"\nretry = false', log) as (servers, here):
        servers["slow"].faults = faults.late(0.3)
        for _ in range(4):
            await calls_at_once(here.port, 10)
    assert servers["fast"].counts.requests > 2 * servers["slow"].counts.requests


async def test_sticky_keeps_each_caller_on_one_target(log: Path):
    """The pipeline as the gateway built it, over its own wire: twenty callers, each always on the same target."""
    async with several(["a", "b"], 'sticky = "caller"', log) as (servers, here):
        gateway = here.app._gateway
        upstream = gateway._table.upstreams[0]
        route = upstream.routes[-1]
        met: dict[str, set[bytes]] = {}
        for number in range(60):
            caller = f"caller{number % 20}"
            now = here.app._clock.now()
            made = Call(
                b"GET", b"/x", [], upstream.target, route.timeouts, now + 5, Run(now, 3),
                idempotent=True, upstream="up", caller=caller,
            )  # fmt: skip
            reply = await route.send(made)
            met.setdefault(caller, set()).add(reply.body)
            reply.close()
        assert all(len(bodies) == 1 for bodies in met.values())
        assert min(server.counts.requests for server in servers.values()) > 0


async def test_a_hedge_goes_to_another_target_and_the_loser_is_let_go(log: Path):
    """The first target hangs: its connection is closed, the second's answer is given, once."""
    policies = 'balance = "failover"\nhedge = "20ms"\nretry = false'
    async with several(["a", "b"], policies, log) as (servers, here):
        servers["a"].faults = faults.hang()
        got = await call(here.port)
        await until(lambda: servers["a"].counts.left == 1)
        assert here.in_use() == (0, 0, 0, 0, 0)
        counted = await attempts(here.port)
    assert (got.status, got.body, got.headers["x-seawall-target"]) == (200, b"b", "b")
    assert 'hedge;desc="won"' in got.headers["server-timing"]
    assert counted == {("a", "cancelled"): 1, ("b", "2xx"): 1}


async def test_a_post_is_not_hedged_unless_it_has_a_key(log: Path):
    """What may be done once only is sent once only."""
    policies = 'balance = "failover"\nhedge = "20ms"\nretry = false'
    async with several(["a", "b"], policies, log) as (servers, here):
        servers["a"].faults = faults.late(0.2)
        plain = await call(here.port, "/up/x", "POST", body=b"1")
        keyed = await call(here.port, "/up/x", "POST", "Idempotency-Key: 7", body=b"1")
    assert (plain.headers["x-seawall-target"], keyed.headers["x-seawall-target"]) == ("a", "b")
    assert (servers["a"].counts.requests, servers["b"].counts.requests) == (2, 1)


async def test_a_fixed_answer_is_given_where_nothing_else_is(log: Path):
    """Marked, not to be kept by a cache, in time, and the attempt is still counted as what it was."""
    policies = 'fallback = { status = 203, json = { on = false } }\nretry = false\ntimeout = "5s"'
    async with several(["a"], policies, log) as (servers, here):
        servers["a"].faults = faults.reset()
        got = await call(here.port)
        await servers["a"].refuse()
        refused = await call(here.port)
        counted = await attempts(here.port)
    for one in (got, refused):
        assert (one.status, orjson.loads(one.body)) == (203, {"on": False})
        assert (one.headers["x-seawall-fallback"], one.headers["cache-control"]) == ("fixed", "no-store")
    assert counted == {("a", "reset"): 1, ("a", "connect"): 1}


async def test_a_backup_serves_only_when_the_others_failed_wherever_it_stands(log: Path):
    """It is the first target in the file, and still nobody goes there before the others have failed."""
    policies = 'fallback = { targets = ["backup"] }\nretry = { base = "1ms" }'
    async with several(["backup", "a", "b"], policies, log) as (servers, here):
        well = [await call(here.port) for _ in range(10)]
        assert servers["backup"].counts.requests == 0
        assert {one.headers["x-seawall-target"] for one in well} <= {"a", "b"}
        assert not any("x-seawall-fallback" in one.headers for one in well)
        for label in "ab":
            servers[label].faults = faults.status(503)
        got = await call(here.port)
    assert (got.status, got.body) == (200, b"backup")
    assert (got.headers["x-seawall-fallback"], got.headers["x-seawall-target"]) == ("target", "backup")


async def test_one_target_and_its_backup_need_no_balance(log: Path):
    """With one target left there is nothing to choose."""
    async with several(["backup", "a"], 'fallback = { targets = ["backup"] }\nretry = false', log) as (servers, here):
        assert (await call(here.port)).body == b"a"
        servers["a"].faults = faults.reset()
        assert (await call(here.port)).body == b"backup"


async def test_adaptive_concurrency_grows_from_real_latencies(log: Path):
    """Twenty callers at once, an upstream that takes 10 ms each: the limit moves up, and bounds what is in flight."""
    policies = 'concurrency = { mode = "adaptive", max = 16, wait = "9s" }\nbreaker = false'
    async with several(["a"], policies, log) as (servers, here):
        servers["a"].faults = faults.late(0.01)
        for _ in range(10):
            assert {one.status for one in await calls_at_once(here.port, 20)} == {200}
        (queue,) = here.app.runtime.status().upstreams[0].queues
    assert 4 < queue.limit <= 16
    assert servers["a"].counts.peak <= 16


async def test_everything_at_once_is_shown_by_the_management_api(log: Path):
    """Each policy in force has its line, and a stream through all of them frees what it held."""
    policies = (
        'balance = "least_loaded"\nsticky = "caller"\nhedge = "50ms"\nconcurrency = "adaptive"\n'
        'rate = "1000/s"\nfallback = { targets = ["b"], status = 200 }'
    )
    async with several(["a", "b", "c"], policies, log) as (servers, here):
        for server in servers.values():
            head = Answer(headers=((b"content-type", b"text/event-stream"),), chunked=True).head()
            server.faults = lambda exchange, head=head: (head, b"9\r\ndata: 1\n\n\r\n", b"0\r\n\r\n", End.KEEP)
        got = await call(here.port)
        assert got.status == 200
        assert b"data: 1" in got.body
        await until(lambda: here.in_use() == (0, 0, 0, 0, 0))
        shown = orjson.loads((await call(here.port, "/api/v1/upstreams/up")).body)
    assert shown["policies"]["balance"] == "the less loaded of two; each caller keeps its target"
    assert {"deadline", "fallback", "hedge", "breaker", "retry", "rate", "concurrency"} <= shown["policies"].keys()
    assert [target["label"] for target in shown["targets"]] == ["a", "b", "c"]
