"""Messages in memory: a ring, listeners that may lag, ids that sort."""

import asyncio

import pytest

from seawall.contracts.state import Leases, Message, Messages
from seawall.stores import MemoryLeases, MemoryMessages
from seawall.testing import EPOCH, virtual


def stores(kept: int = 256) -> MemoryMessages:
    """Return messages on the virtual loop's wall clock."""
    return MemoryMessages(asyncio.get_running_loop().clock().wall, kept)  # type: ignore[attr-defined]


async def take(listener: object, count: int) -> list[bytes]:
    """Return the data of so many messages."""
    return [(await anext(listener)).data for _ in range(count)]  # type: ignore[call-overload]


@virtual
async def test_every_listener_gets_every_message_of_its_channels() -> None:
    """All channels, or those it names, from the moment it listens."""
    here: Messages = stores()
    await here.publish("a", b"0")
    everything, only = here.listen(), here.listen(["b", "c"])
    for channel, data in (("a", b"1"), ("b", b"2"), ("c", b"3")):
        await here.publish(channel, data)
    assert await take(everything, 3) == [b"1", b"2", b"3"]
    assert await take(only, 2) == [b"2", b"3"]
    waiting = asyncio.ensure_future(anext(only))
    await asyncio.sleep(3600)
    assert not waiting.done()
    await here.publish("b", b"4")
    assert (await waiting)[1:] == ("b", b"4")
    for one in (everything, only):
        await one.aclose()


@virtual
async def test_who_comes_back_is_given_what_was_missed() -> None:
    """After the id that was seen last, and no further back than what is kept; then what comes."""
    here = stores(kept=3)
    first = here.listen()
    for number in range(6):
        await here.publish("a", b"%d" % number)
    ids = list(here._ring._kept)
    assert await take(here.listen(after=ids[1]), 1) == [b"5"]
    old = here.listen(after="0000000000000-000000")
    await here.publish("a", b"6")
    assert await take(old, 4) == [b"3", b"4", b"5", b"6"]
    await first.aclose()


@virtual
@pytest.mark.parametrize(("after", "given"), [("nonsense", 0), ("~" * 10_000, 0), ("", 3), ("-", 3)])
async def test_an_id_that_is_none_is_compared_as_a_text(after: str, given: int) -> None:
    """It came from a client: whatever it is, there is no more to get than what is kept, and no error."""
    here = stores(kept=3)
    for number in range(5):
        await here.publish("a", b"%d" % number)
    listener = here.listen(after=after)
    await here.publish("a", b"new")
    assert (await take(listener, given + 1))[-1] == b"new"


@virtual
async def test_a_slow_listener_loses_the_oldest_and_goes_on() -> None:
    """256 wait for it; what it lost is counted; others lose nothing."""
    here = stores()
    slow, quick = here.listen(), here.listen()
    for number in range(300):
        await here.publish("a", b"%d" % number)
        assert await take(quick, 1) == [b"%d" % number]
    assert await take(slow, 256) == [b"%d" % number for number in range(44, 300)]
    assert here.lost == 44


@virtual
async def test_ids_sort_by_time_also_where_the_clock_is_set_back() -> None:
    """Each is larger than the one before, as a text."""
    wall = [EPOCH]
    here = MemoryMessages(lambda: wall[0])
    for step in (0.0, 0.0, 0.001, -3600.0, 0.0, 7200.0):
        wall[0] += step
        await here.publish("a", b"x")
    ids = list(here._ring._kept)
    assert ids == sorted(set(ids))
    assert ids[0] == "1767225600000-000000"


@virtual
@pytest.mark.parametrize("data", [b"x" * 8193, b"a\nb", b"a\rb"])
async def test_what_is_too_large_or_not_one_line_is_refused(data: bytes) -> None:
    """It would break an event stream up."""
    here = stores()
    with pytest.raises(ValueError, match="8192 bytes long|one line"):
        await here.publish("a", data)
    assert not here._ring._kept
    await here.publish("a", b"x" * 8192)
    assert len(here._ring._kept) == 1


@virtual
async def test_a_closed_listener_is_gone() -> None:
    """Its iteration ends, also one that waits, and nothing is kept for it any more."""
    here = stores()
    listener = here.listen()
    waiting = asyncio.ensure_future(_all(listener))
    await here.publish("a", b"1")
    await asyncio.sleep(1)
    await listener.aclose()
    assert [one.data for one in await waiting] == [b"1"]
    assert not here._ring._listeners


async def _all(listener: object) -> list[Message]:
    return [one async for one in listener]  # type: ignore[attr-defined]


@virtual
async def test_leases_of_one_process_are_always_its_own() -> None:
    """There is nobody else to hold them."""
    here: Leases = MemoryLeases()
    assert await here.hold("schedule:a:1", 20.0)
    await here.let_go("schedule:a:1")
    assert await here.hold("schedule:a:1", 20.0)
