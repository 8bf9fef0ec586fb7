"""/api/v1/events: server-sent events to bounded listeners, with comments in between, ended by draining."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from seawall.admin.access import Access
from seawall.admin.door import AdminDoor, Doorway
from seawall.admin.events import BEAT, Streams
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.secret import Secret
from seawall.contracts.sites import Sites, known_hosts
from seawall.contracts.state import Message, StateLost
from seawall.observers.exposition import Exposition
from seawall.observers.metrics import Metrics
from seawall.observers.redact import Redactor
from seawall.stores import MemoryMessages
from seawall.testing import virtual


class Rig:
    """Streams over messages in memory, in virtual time."""

    def __init__(self, most: int = 3, secrets: Sequence[str] = (), messages: Any = None) -> None:
        clock = asyncio.get_running_loop().clock()  # type: ignore[attr-defined]
        self.messages = MemoryMessages(clock.wall)
        self.streams = Streams(messages or self.messages, Redactor(map(Secret, secrets)), most)

    def ask(self, target: str = "/api/v1/events", *headers: tuple[bytes, bytes]) -> Reply:
        """Return the answer."""
        return self.streams.answer(Request(b"GET", target.encode(), list(headers), b"localhost"))

    async def listen(self, *args: Any) -> Reply:
        """Return a stream whose greeting was read."""
        reply = self.ask(*args)
        assert (await read(reply)).startswith(b": seawall\nretry: ")
        return reply


async def read(reply: Reply) -> bytes:
    """Return the next chunk."""
    assert not isinstance(reply.body, bytes)
    return await reply.body.read()


@virtual
async def test_messages_come_as_events() -> None:
    """An id to come back with and one line of data; nothing that collects or keeps it may stand in between."""
    here = Rig()
    reply = await here.listen()
    assert (reply.status, reply.header(b"content-type"), reply.streamed) == (200, b"text/event-stream", True)
    assert (reply.header(b"cache-control"), reply.header(b"x-accel-buffering")) == (b"no-store", b"no")
    await here.messages.publish("home.weather", b'{"t":3}')
    assert await read(reply) == b'id: 1767225600000-000000\ndata: {"t":3}\n\n'
    reply.close()
    await here.streams.close()


@virtual
async def test_a_comment_tells_that_the_connection_stands() -> None:
    """After a while without a message; the message that comes then is not lost."""
    here = Rig()
    reply = await here.listen()
    now = asyncio.get_running_loop().time
    began = now()
    assert [await read(reply) for _ in range(3)] == [b":\n\n"] * 3
    assert now() - began == 3 * BEAT
    await here.messages.publish("a", b"1")
    assert (await read(reply)).endswith(b"data: 1\n\n")
    reply.close()
    await here.streams.close()


@virtual
async def test_channels_are_chosen_in_the_query() -> None:
    """One, several, or all."""
    here = Rig()
    two = await here.listen("/api/v1/events?channel=b&channel=c.d:1")
    for channel, data in (("a", b"1"), ("b", b"2"), ("c.d:1", b"3")):
        await here.messages.publish(channel, data)
    assert [(await read(two)).partition(b"data: ")[2] for _ in range(2)] == [b"2\n\n", b"3\n\n"]
    two.close()
    await here.streams.close()


@virtual
@pytest.mark.parametrize(
    "query",
    ["channel=", "channel=a%0ab", "channel=a/b", "other=1", "channel=" + "a" * 65, "&".join(["channel=a"] * 17)],
)
async def test_a_query_that_makes_no_sense_is_400(query: str) -> None:
    """Told how it should be; nobody listens."""
    here = Rig()
    reply = here.ask(f"/api/v1/events?{query}")
    assert reply.status == 400
    assert isinstance(reply.body, bytes)
    assert "?channel=home.weather" in orjson.loads(reply.body)["detail"]
    assert len(here.streams) == 0


@virtual
async def test_who_comes_back_names_the_last_id() -> None:
    """And is given what was missed; an id without end is as none."""
    here = Rig()
    first = await here.listen()
    for number in range(3):
        await here.messages.publish("a", b"%d" % number)
    seen = (await read(first)).partition(b"\n")[0].removeprefix(b"id: ")
    first.close()
    again = await here.listen("/api/v1/events", (b"last-event-id", seen))
    assert [(await read(again))[-4:] for _ in range(2)] == [b" 1\n\n", b" 2\n\n"]
    endless = await here.listen("/api/v1/events", (b"last-event-id", b"0" * 5000))
    assert await read(endless) == b":\n\n"
    for one in (again, endless):
        one.close()
    await here.streams.close()


@virtual
async def test_listeners_are_bounded_and_give_their_place_back() -> None:
    """The fourth of three is 503 with Retry-After; one that leaves, even twice, makes room for one."""
    here = Rig(most=3)
    three = [await here.listen() for _ in range(3)]
    refused = here.ask()
    assert (refused.status, refused.header(b"retry-after"), len(here.streams)) == (503, b"5", 3)
    three[0].close()
    three[0].close()
    three.append(await here.listen())
    assert here.ask().status == 503
    for one in three:
        one.close()
    await here.streams.close()
    assert len(here.streams) == 0
    assert not here.messages._ring._listeners


@virtual
async def test_draining_ends_every_stream_and_refuses_new_ones() -> None:
    """Properly: the client sees an end and comes back, to the next process."""
    here = Rig()
    waiting, idle = await here.listen(), await here.listen()
    reading = asyncio.ensure_future(read(waiting))
    await asyncio.sleep(1)
    here.streams.end()
    assert (await reading, await read(idle), await read(idle)) == (b"", b"", b"")
    assert here.ask().status == 503
    for one in (waiting, idle):
        one.close()
    await here.streams.close()


@virtual
async def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind() -> None:
    """The call is cancelled in `read`; its tasks end, which the virtual loop would tell of otherwise."""
    here = Rig()
    reply = await here.listen()
    reading = asyncio.ensure_future(read(reply))
    await asyncio.sleep(1)
    reading.cancel()
    await asyncio.wait({reading})
    reply.close()
    await here.streams.close()
    assert not here.messages._ring._listeners


@virtual
async def test_a_secret_in_a_message_is_masked() -> None:
    """An upstream may echo a key it was sent."""
    here = Rig(secrets=["planted-key-1234"])
    reply = await here.listen()
    await here.messages.publish("a", b'"planted-key-1234"')
    assert b"planted" not in await read(reply)
    reply.close()
    await here.streams.close()


class _Lost:
    """A shared store that is lost after a message, as an asynchronous generator tells it."""

    lost = 0

    async def publish(self, channel: str, data: bytes) -> None:
        raise StateLost

    async def listen(self, channels: Sequence[str] = (), after: str | None = None) -> AsyncIterator[Message]:
        await asyncio.sleep(40)
        yield Message("1-1", "a", b"1")
        raise StateLost


@virtual
async def test_a_store_that_is_lost_ends_the_stream() -> None:
    """Comments do not break a generator that waits; where it ends the client comes back by itself."""
    here = Rig(messages=_Lost())
    reply = await here.listen()
    assert [await read(reply) for _ in range(4)] == [b":\n\n", b":\n\n", b"id: 1-1\ndata: 1\n\n", b""]
    reply.close()
    await here.streams.close()


@virtual
async def test_the_door_shows_it_like_any_guarded_page(runtime: Any) -> None:
    """The token, GET and HEAD only, also below /-/; HEAD listens to nothing."""
    here = Rig()
    doorway = Doorway(Sites(known_hosts("127.0.0.1", 8080)), Access(Secret("token-1234567890"), False))
    exposition = Exposition(Metrics(), lambda: 0.0, lambda *what: pytest.fail(repr(what)))
    door = AdminDoor(runtime, exposition, doorway, Redactor(()), events=here.streams)
    known = [(b"authorization", b"Bearer token-1234567890")]

    async def ask(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> Reply:
        return await door(Request(method, target, headers, b"localhost"))

    assert (await ask(b"GET", b"/api/v1/events", [])).status == 401
    assert (await ask(b"POST", b"/api/v1/events", known)).status == 405
    head = await ask(b"HEAD", b"/api/v1/events", known)
    assert (head.status, head.body, len(here.streams)) == (200, b"", 0)
    for target in (b"/api/v1/events", b"/-/api/v1/events?channel=a"):
        reply = await ask(b"GET", target, known)
        assert (await read(reply)).startswith(b": seawall")
        reply.close()
    foreign = await ask(b"GET", b"/api/v1/events", [*known, (b"origin", b"https://evil.example")])
    assert foreign.status == 403
    await here.streams.close()
