"""Messages over replicas: heard by all, once, in order, through a lost server too; and by anybody on the channel."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from redis_links import Links, until
from seawall.contracts.state import Listening
from seawall.stores.redis import STREAM, Ear, Link, RedisMessages
from valkey_server import ValkeyServer


class Replica:
    """Messages and the ear that hears them."""

    def __init__(self, link: Link) -> None:
        self.messages = RedisMessages(link, time.time)
        self.missed: list[str] = []
        streams = {STREAM: self.messages.heard}
        self.ear = Ear(link, streams, self.missed.append, 1024, (self.messages.flush,))


class Replicas:
    """Started replicas, closed in the end."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._made: list[Replica] = []

    async def __call__(self, url: str) -> RedisMessages:
        """Return the messages of a new replica."""
        one = Replica(await self._links(url))
        self._made.append(one)
        await one.ear.start()
        return one.messages

    async def close(self) -> None:
        """Listen no more."""
        for one in self._made:
            await one.ear.close()


@pytest.fixture
async def replicas(links: Links) -> AsyncIterator[Replicas]:
    """Return what starts replicas."""
    made = Replicas(links)
    yield made
    await made.close()


async def take(listening: Listening, count: int) -> Sequence[bytes]:
    """Return the next so many messages' data."""
    async with asyncio.timeout(60):
        return [(await anext(listening)).data for _ in range(count)]


async def test_everybody_hears_it_once(steady: ValkeyServer, replicas: Replicas):
    """Whoever published it and everybody else, in the same order, with the same ids."""
    first, second = [await replicas(steady.url) for _ in range(2)]
    heard = [first.listen(["a"]), second.listen(["a"])]
    for number in range(5):
        await first.publish("a", b"%d" % number)
    await second.publish("b", b"not listened to")
    await second.publish("a", b"last")
    for one in heard:
        assert await take(one, 6) == [b"0", b"1", b"2", b"3", b"4", b"last"]
        await one.aclose()


async def test_who_comes_back_is_given_what_it_missed(steady: ValkeyServer, replicas: Replicas):
    """From any replica, also one that started later, by the id of the last one seen."""
    first = await replicas(steady.url)
    listening = first.listen(["back"])
    for number in range(3):
        await first.publish("back", b"%d" % number)
    async with asyncio.timeout(60):
        seen = await anext(listening)
    await listening.aclose()
    late = await replicas(steady.url)
    again = late.listen(["back"], after=seen.id)
    assert await take(again, 2) == [b"1", b"2"]
    await again.aclose()


async def test_a_lost_server_delays_others_and_nobody_here(server: ValkeyServer, replicas: Replicas, links: Links):
    """Listeners here get it at once; elsewhere it comes when the server is back, and nobody gets it twice."""
    first, second = [await replicas(server.url) for _ in range(2)]
    here, there = first.listen(), second.listen()
    server.kill()
    await until(lambda: all(link.lost for link in links.made))
    await first.publish("a", b"1")
    await first.publish("a", b"2")
    assert await take(here, 2) == [b"1", b"2"]
    server.start()
    assert await take(there, 2) == [b"1", b"2"]
    await first.publish("a", b"3")
    assert await take(here, 1) == [b"3"]
    assert await take(there, 1) == [b"3"]
    await here.aclose()
    await there.aclose()


async def test_it_is_on_the_plain_channel(steady: ValkeyServer, replicas: Replicas):
    """A program that knows nothing of Seawall subscribes to the name from the settings and gets the data alone."""
    messages = await replicas(steady.url)
    with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as subscriber:
        subscriber.sendall(b"SUBSCRIBE home.weather\r\n")
        assert b"subscribe" in subscriber.recv(4096)
        await messages.publish("home.weather", b'{"temperature":21}')
        got = subscriber.recv(4096)
    assert got.endswith(b'home.weather\r\n$18\r\n{"temperature":21}\r\n')


@pytest.mark.parametrize("data", [b"x" * 8193, b"two\nlines", b"two\rlines"])
async def test_only_small_single_lines(steady: ValkeyServer, replicas: Replicas, data: bytes):
    """8 KiB and one line, as one event of a stream is."""
    messages = await replicas(steady.url)
    with pytest.raises(ValueError, match="message"):
        await messages.publish("a", data)
    await messages.publish("a", b"x" * 8192)


async def test_a_stream_cut_during_a_break_is_told(server: ValkeyServer, links: Links):
    """Who reads on after more was written than is kept learns that something is missing."""
    link = await links(server.url)
    heard: list[bytes] = []
    missed: list[str] = []
    ear = Ear(link, {"seawall:s": lambda fields, _: heard.append(fields[b"n"])}, missed.append, 10)
    server.ask("XADD", "seawall:s", "*", "n", "0")
    await ear.start()
    await ear.close()
    for number in range(1, 6):
        server.ask("XADD", "seawall:s", "*", "n", str(number))
    await ear.start()
    await until(lambda: len(heard) == 6)
    assert missed == []
    await ear.close()
    for number in range(6, 40):
        server.ask("XADD", "seawall:s", "MAXLEN", "10", "*", "n", str(number))
    await ear.start()
    await until(lambda: len(heard) == 16)
    await ear.close()
    assert missed == ["seawall:s"]
    assert heard == [b"%d" % number for number in (*range(6), *range(30, 40))]
