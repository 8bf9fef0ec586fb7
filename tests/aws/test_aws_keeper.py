"""Credentials kept ready, in virtual time: one look for all who wait, new ones in time, failures told once."""

import asyncio

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.keeper import Keeper
from seawall.contracts.secret import Secret
from seawall.testing.virtual import virtual


class Source:
    """Gives credentials that live for an hour; counts looks, takes a second, fails while told so."""

    def __init__(self, loop, lives=3600.0):
        self.loop = loop
        self.lives = lives
        self.looks = []
        self.broken = None

    async def __call__(self):
        self.looks.append(self.loop.time())
        await asyncio.sleep(1.0)
        if self.broken is not None:
            raise self.broken
        expires = None if self.lives is None else self.loop.wall() + self.lives
        return Credentials(f"AK{len(self.looks)}", Secret("secret-key"), None, expires, "a test")


def kept(source):
    """Return a started keeper and its notices."""
    notices = []
    keeper = Keeper(source, source.loop.clock(), notices.append, lambda low, high: high)
    keeper.start()
    return keeper, notices


@virtual
async def test_all_who_wait_share_one_look():
    """A hundred calls that find nothing yet wait for the same look, and none waits once there are credentials."""
    source = Source(asyncio.get_running_loop())
    keeper, _ = kept(source)
    found = await asyncio.gather(*(keeper.get() for _ in range(100)))
    assert {one.access_key for one in found} == {"AK1"}
    assert len(source.looks) == 1
    assert keeper.current() is found[0]
    await keeper.close()


@virtual
async def test_new_ones_come_before_the_old_end():
    """They are looked for a quarter of an hour before the end, and nobody ever waits or sees expired ones."""
    loop = asyncio.get_running_loop()
    source = Source(loop)
    keeper, _ = kept(source)
    await keeper.get()
    start = loop.time()
    for _ in range(10 * 60):
        await asyncio.sleep(60)
        found = keeper.current()
        assert found is not None
        assert found.expires > loop.wall()
    times = [look - start for look in source.looks]
    assert 2640 <= times[1] <= 2671
    assert len(source.looks) <= 15
    await keeper.close()


@virtual
async def test_a_failure_keeps_the_old_ones_while_they_hold_and_says_so_once():
    """While the source is broken the old ones are used to their end; one notice tells it, one that it is over."""
    loop = asyncio.get_running_loop()
    source = Source(loop)
    keeper, notices = kept(source)
    first = await keeper.get()
    source.broken = CredentialsError("the agent is gone")
    await asyncio.sleep(3500)
    assert keeper.current() is first
    assert [(one.event, dict(one.fields)["kept"]) for one in notices] == [("credentials_failed", True)]
    assert len(source.looks) < 40
    await asyncio.sleep(200)
    assert keeper.current() is None
    source.broken = None
    await asyncio.sleep(70)
    assert keeper.current() is not None
    assert [one.event for one in notices] == ["credentials_failed", "credentials_found"]
    await keeper.close()


@virtual
async def test_without_any_a_call_fails_with_the_reason_and_asks_for_another_look():
    """A failure is told at once for a second; later calls make it be tried again rather than wait out the pause."""
    loop = asyncio.get_running_loop()
    source = Source(loop)
    source.broken = CredentialsError("nothing anywhere")
    keeper, _ = kept(source)
    for _ in range(3):
        try:
            await keeper.get()
        except CredentialsError as error:
            assert str(error) == "nothing anywhere"  # noqa: PT017 - each of the three fails
        else:
            raise AssertionError("credentials from nowhere")
    await asyncio.sleep(400)
    before = len(source.looks)
    source.broken = None
    await asyncio.sleep(2)
    asked = loop.time()
    assert (await keeper.get()).source == "a test"
    assert loop.time() - asked <= 1.0
    assert len(source.looks) == before + 1
    await keeper.close()


@virtual
async def test_credentials_without_an_end_are_looked_for_again_when_they_are_refused():
    """A file may have new keys: one look for many refusals within half a minute."""
    loop = asyncio.get_running_loop()
    source = Source(loop, lives=None)
    keeper, _ = kept(source)
    await keeper.get()
    await asyncio.sleep(7 * 86400)
    assert len(source.looks) == 1
    for _ in range(50):
        keeper.refused()
        await asyncio.sleep(0.1)
    assert len(source.looks) == 2
    await asyncio.sleep(31)
    keeper.refused()
    await asyncio.sleep(2)
    assert len(source.looks) == 3
    await keeper.close()


@virtual
async def test_a_source_that_gives_what_is_nearly_over_is_not_asked_in_a_loop():
    """A metadata service in trouble repeats old credentials; it is asked every few seconds at most."""
    loop = asyncio.get_running_loop()
    source = Source(loop, lives=10.0)
    keeper, _ = kept(source)
    await asyncio.sleep(600)
    assert len(source.looks) <= 101
    await keeper.close()


@virtual
async def test_a_source_that_breaks_in_its_own_way_does_not_end_the_looking():
    """An error nobody expected is told by its type only, and the next look happens."""
    loop = asyncio.get_running_loop()
    source = Source(loop)
    source.broken = KeyError("planted-secret")
    keeper, notices = kept(source)
    await asyncio.sleep(10)
    assert "planted" not in str(notices)
    source.broken = None
    await asyncio.sleep(30)
    assert keeper.current() is not None
    await keeper.close()


@virtual
async def test_who_waits_when_it_ends_gets_an_error():
    """Nothing hangs over the end; a cancelled waiter leaves nothing behind."""
    loop = asyncio.get_running_loop()
    keeper, _ = kept(Source(loop))
    waiting = [asyncio.ensure_future(keeper.get()) for _ in range(2)]
    await asyncio.sleep(0.5)
    waiting[0].cancel()
    await asyncio.sleep(0)
    await keeper.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in results] == [asyncio.CancelledError, CredentialsError]
    assert not keeper._waiters
