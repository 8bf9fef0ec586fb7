"""Names are resolved once for all who wait, kept for their time, and asked again after."""

import asyncio

import pytest

from seawall.contracts.errors import DnsError
from seawall.testing import virtual
from seawall.wire.dns import Resolver, system_resolve


class Names:
    """A resolver with a script."""

    def __init__(self, *answers, slow=0.0):
        self.answers = list(answers)
        self.slow = slow
        self.asked = 0
        self.running = 0
        self.peak = 0

    async def __call__(self, host, port):
        self.asked += 1
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await asyncio.sleep(self.slow)
        finally:
            self.running -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def resolver(names):
    """Return a resolver over `names` in virtual time."""
    loop = asyncio.get_running_loop()
    return Resolver(loop, loop.clock(), names)


@virtual
async def test_an_answer_is_kept_for_its_ttl():
    """And asked for again after."""
    names = Names(["1.1.1.1"], ["2.2.2.2"])
    it = resolver(names)
    for _ in range(3):
        assert await it.addresses("a", 80, 30.0) == ("1.1.1.1",)
        await asyncio.sleep(14.9)
    assert await it.addresses("a", 80, 30.0) == ("2.2.2.2",)
    assert names.asked == 2


@virtual
async def test_all_who_wait_share_one_lookup():
    """Single flight."""
    names = Names(["1.1.1.1"], slow=1.0)
    it = resolver(names)
    assert set(await asyncio.gather(*(it.addresses("a", 80, 30.0) for _ in range(50)))) == {("1.1.1.1",)}
    assert names.asked == 1


@virtual
async def test_a_caller_that_leaves_takes_nobody_with_it():
    """The first one's lookup goes on for the second."""
    it = resolver(Names(["1.1.1.1"], slow=1.0))
    first = asyncio.ensure_future(it.addresses("a", 80, 30.0))
    second = asyncio.ensure_future(it.addresses("a", 80, 30.0))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == ("1.1.1.1",)
    assert first.cancelled()


@virtual
@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long"), []])
async def test_a_failure_is_kept_for_a_second(failure):
    """Long enough for a burst, short enough to notice a repair."""
    names = Names(failure, ["1.1.1.1"])
    it = resolver(names)
    for _ in range(3):
        with pytest.raises(DnsError):
            await it.addresses("a", 80, 30.0)
    assert names.asked == 1
    await asyncio.sleep(1.1)
    assert await it.addresses("a", 80, 30.0) == ("1.1.1.1",)


@virtual
async def test_lookups_leave_threads_for_others():
    """At most four at a time."""
    names = Names(["1.1.1.1"], slow=1.0)
    it = resolver(names)
    await asyncio.gather(*(it.addresses(str(number), 80, 30.0) for number in range(20)))
    assert (names.asked, names.peak) == (20, 4)


@virtual
async def test_forget_and_close_leave_nothing():
    """Names that no target has any more are not kept; lookups under way are given up."""
    names = Names(["1.1.1.1"])
    it = resolver(names)
    await it.addresses("a", 80, 30.0)
    await it.addresses("b", 80, 30.0)
    it.forget(frozenset(("b",)))
    assert set(it._found) == {"b"}
    names.slow = 100.0
    waiting = asyncio.ensure_future(it.addresses("c", 80, 30.0))
    await asyncio.sleep(1)
    await it.close()
    with pytest.raises(DnsError):
        await waiting


async def test_the_systems_resolver_gives_address_literals():
    """Each once, though the system names them per protocol."""
    addresses = await system_resolve(asyncio.get_running_loop())("127.0.0.1", 80)
    assert addresses == ("127.0.0.1",)
