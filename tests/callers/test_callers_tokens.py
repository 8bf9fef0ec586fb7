"""Token limits of callers and users: held before a call, settled after it (semantics 5.3)."""

import asyncio

import pytest
from callers_rig import Guarded

from seawall.callers import Rules, UserRules, digest
from seawall.contracts.admission import Admitted
from seawall.contracts.errors import QuotaExceeded
from seawall.contracts.units import Rate

APP = Rules("app", (digest(b"sw-app"),), tokens=Rate(1000, 60.0), users=UserRules(b"x-u", tokens=Rate(300, 60.0)))


async def hold(entry: Admitted, tokens: int) -> bool:
    """Whether tokens could be held."""
    try:
        await entry.hold_tokens(tokens)
    except QuotaExceeded:
        return False
    return True


def shown(entry: Admitted) -> bytes:
    """Return what an answer would say is left."""
    return dict(entry.headers)[b"ratelimit"]


async def test_parallel_calls_never_pass_the_limit():
    """100 at once against a limit worth 10, whatever they report in the end."""
    here = Guarded(Rules("app", (digest(b"sw-app"),), tokens=Rate(1000, 60.0)))
    entries = [await here.admit("sw-app", model=True) for _ in range(100)]
    held = await asyncio.gather(*(hold(entry, 100) for entry in entries))
    assert sum(held) == 10
    for entry in entries:
        entry.settle_tokens(30)
    assert shown(await here.admit("sw-app", model=True)) == b'"tokens";r=700;t=18'


async def test_caller_and_user_are_both_held_and_both_settled():
    """A user that has none left takes nothing from its caller."""
    here = Guarded(APP)
    ann, bob = await here.admit("sw-app", (b"x-u", b"ann")), await here.admit("sw-app", (b"x-u", b"bob"))
    assert await hold(ann, 200)
    assert shown(ann) == b'"user-tokens";r=100;t=0, "tokens";r=800;t=0'
    again = await here.admit("sw-app", (b"x-u", b"ann"))
    assert not await hold(again, 200)
    assert await hold(bob, 300)
    ann.settle_tokens(50)
    bob.settle_tokens(0)
    assert await hold(again, 200)
    assert shown(again) == b'"user-tokens";r=50;t=10, "tokens";r=750;t=3'


async def test_a_refused_hold_says_when_and_leaves_nothing_held():
    """With the state of the limits for the answer."""
    here = Guarded(APP)
    first, second = await here.admit("sw-app", (b"x-u", b"a")), await here.admit("sw-app", (b"x-u", b"a"))
    assert await hold(first, 300)
    first.settle_tokens(300)
    with pytest.raises(QuotaExceeded) as caught:
        await second.hold_tokens(100)
    assert (caught.value.status_hint, caught.value.retry_after, caught.value.policy) == (429, 60, "callers")
    assert shown(second) == b'"user-tokens";r=0;t=60'
    here.now += 20.0
    assert await hold(second, 100)


async def test_what_never_fits_is_said_to_be_useless_to_try_again():
    """The SDKs obey `x-should-retry`."""
    entry = await Guarded(APP).admit("sw-app", (b"x-u", b"a"))
    with pytest.raises(QuotaExceeded, match="Ask for fewer at once") as caught:
        await entry.hold_tokens(601)
    assert caught.value.headers == ((b"x-should-retry", b"false"),)


@pytest.mark.parametrize("end", ["close", "settle", "hold again"])
async def test_a_hold_ends_exactly_once(end: str):
    """By settling, by closing without, or by the hold that takes its place."""
    here = Guarded(Rules("app", (digest(b"sw-app"),), tokens=Rate(1000, 60.0)))
    entry = await here.admit("sw-app")
    await entry.hold_tokens(900)
    if end == "close":
        entry.close()
    elif end == "settle":
        entry.settle_tokens(0)
    else:
        await entry.hold_tokens(100)
        entry.settle_tokens(0)
    entry.settle_tokens(500)
    entry.close()
    assert await hold(await here.admit("sw-app"), 1000)


async def test_callers_without_token_limits_hold_nothing():
    """And show nothing."""
    entry = await Guarded(Rules("app", (digest(b"sw-app"),))).admit("sw-app", model=True)
    await entry.hold_tokens(10**9)
    entry.settle_tokens(10**9)
    assert entry.headers == []


async def test_a_reload_keeps_what_is_used_and_held():
    """A wider limit leaves that much more, a limit that goes and comes again begins anew (semantics 2.7)."""
    here = Guarded(Rules("app", (digest(b"sw-app"),), tokens=Rate(1000, 60.0)))
    used, held = await here.admit("sw-app", model=True), await here.admit("sw-app", model=True)
    await used.hold_tokens(400)
    used.settle_tokens(300)
    await held.hold_tokens(500)
    here.callers.configure([Rules("app", (digest(b"sw-app"),), tokens=Rate(1200, 60.0))], here.strangers)
    entry = await here.admit("sw-app", model=True)
    assert shown(entry) == b'"tokens";r=400;t=15'
    held.settle_tokens(100)
    assert await hold(entry, 800)
    here.callers.configure([Rules("app", (digest(b"sw-app"),))], here.strangers)
    entry.settle_tokens(800)
    here.callers.configure([Rules("app", (digest(b"sw-app"),), tokens=Rate(1000, 60.0))], here.strangers)
    assert await hold(await here.admit("sw-app"), 1000)
