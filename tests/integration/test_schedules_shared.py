"""Two gateways on one real Valkey: one polls, both tell, and the other takes over when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from gateways import Process, process, until
from redis.asyncio import Redis
from test_schedules_live import Counting, events

from valkey_server import ValkeyServer


def text(up: Counting, server: ValkeyServer, every: str) -> str:
    """Return the settings of one of several replicas."""
    return (
        f'[server]\nlisten = "127.0.0.1:0"\ndrain = "200ms"\n[state]\nurl = "{server.url}"\n'
        f'[upstreams.up]\nurl = "{up.url}"\nallow_private = true\n'
        f'[schedules.poll]\nevery = "{every}"\njitter = "0s"\ncall = "GET /up/now"\n'
        'publish = "home.poll"\nselect = "/n"\n'
    )


async def runs(replica: Process) -> int:
    """Return how many runs a replica made."""
    answer = await replica.get("/api/v1/schedules")
    assert answer is not None
    return sum(orjson.loads(answer[2])["schedules"][0]["runs"].values())


async def test_10_4_of_two_replicas_one_polls_and_both_tell(tmp_path: Path) -> None:
    """Each moment is polled once by the two; who listens to either, or to Redis, gets every message once."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with ValkeyServer() as server:
        async with (
            Counting() as up,
            process(text(up, server, "1s"), tmp_path / "a") as a,
            process(text(up, server, "1s"), tmp_path / "b") as b,
        ):
            async with events(a.port) as one, events(b.port) as two, subscriber(server, "home.poll") as three:
                found = [[(await anext(each))["data"] for _ in range(2)] for each in (one, two, three)]
            for heard in found:
                assert heard == [heard[0], heard[0] + 1]
            before, made, called = len(await keys(server)), await runs(a) + await runs(b), up.calls
            assert before - 2 <= made <= called <= len(await keys(server))


@asynccontextmanager
async def subscriber(server: ValkeyServer, channel: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Subscribe to a plain channel, as a program that knows nothing of Seawall, and yield its messages."""
    async with Redis.from_url(server.url) as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(channel)

        async def every() -> AsyncIterator[dict[str, Any]]:
            async for one in pubsub.listen():
                assert len(one["data"]) <= 8192
                yield orjson.loads(one["data"])

        yield every()


async def keys(server: ValkeyServer) -> list[bytes]:
    """Return the leases of runs that Valkey knows."""
    answer = server.ask("KEYS", "seawall:lease:schedule:poll:*")
    return [line for line in answer.split(b"\r\n") if line.startswith(b"seawall:")]


@pytest.mark.verify
async def test_a_replica_that_dies_in_a_run_is_followed_within_30_seconds(tmp_path: Path) -> None:
    """The run of the dead one hangs; the other makes it once the lease is out."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with ValkeyServer() as server:
        async with Counting() as up:
            up.hang = True
            settings = text(up, server, "1h")
            async with process(settings, tmp_path / "a") as a:
                await until(lambda: up.counts.requests == 1)
                async with process(settings, tmp_path / "b") as b:
                    a.child.kill()
                    await a.child.wait()
                    up.hang = False
                    loop = asyncio.get_running_loop()
                    died = loop.time()
                    async with asyncio.timeout(35):
                        while up.calls < 1:
                            await asyncio.sleep(0)
                    assert loop.time() - died <= 30
                    assert await runs(b) <= 1
