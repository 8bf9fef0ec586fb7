"""Limits by user and address: bounded whatever comes, and being forgotten is worth nothing (security.md 14)."""

import random

import pytest
from callers_rig import Guarded
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seawall.callers import ANONYMOUS, Rules, Strangers, UserRules, digest
from seawall.callers.caller import user_of
from seawall.callers.keyed import Keyed
from seawall.contracts.errors import QuotaExceeded
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket

RATE, MOST = Rate(6, 60.0), 4


class Limit:
    """A bucket that can be told from a new one."""

    def __init__(self, key: str) -> None:
        self.bucket = Bucket(RATE, 1)

    def take(self, now: float) -> bool:
        """Take one, if it is there."""
        return self.bucket.take(now)

    def fresh(self, now: float) -> bool:
        """Whether it is full."""
        return self.bucket.full_at <= now

    def inherit(self, other: "Limit", now: float) -> bool:
        """Be as used as another."""
        self.bucket.charge(other.bucket.used(now), now)
        return True


class KeyedMachine(RuleBasedStateMachine):
    """Against one bucket a key in unbounded memory: what the bounded one lets through never passes it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.kept = Keyed(MOST, Limit)
        self.true: dict[str, Bucket] = {}

    @rule(key=st.sampled_from("abcdefghijkl"))
    def call(self, key: str) -> None:
        """A call of one of twelve keys."""
        taken = self.kept.get(key, self.now).take(self.now)
        allowed = self.true.setdefault(key, Bucket(RATE, 1)).take(self.now)
        assert allowed or not taken

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def bounded(self) -> None:
        """Never more than there may be."""
        assert len(self.kept) <= MOST
        assert len(self.kept.each()) <= MOST + 1


TestKeyed = KeyedMachine.TestCase
TestKeyed.settings = settings(max_examples=100, stateful_step_count=40)


async def test_ten_thousand_made_up_names_win_nothing_and_grow_nothing():
    """Somebody who makes up users to have a used-up one forgotten is held by one limit that they all share."""
    rules = Rules("app", (digest(b"sw-app"),), users=UserRules(b"x-u", Rate(10, 60.0), None, 100))
    here = Guarded(rules)
    assert await here.passes(3, lambda: here.admit("sw-app", (b"x-u", b"mallory"))) == 1
    passed = 0
    for number in range(10_000):
        passed += await here.passes(1, lambda one=number: here.admit("sw-app", (b"x-u", b"fake-%d" % one)))
    assert passed == 99 + 1
    assert await here.passes(3, lambda: here.admit("sw-app", (b"x-u", b"mallory"))) == 0
    here.now += 6.0
    assert await here.passes(3, lambda: here.admit("sw-app", (b"x-u", b"mallory"))) == 1
    assert await here.passes(3, lambda: here.admit("sw-app", (b"x-u", b"new"))) == 1
    assert list(here.callers.keyed()) == [("app", 100, 100)]


async def test_random_addresses_users_and_keys_add_no_unbounded_state():
    """10,000 of each; what is kept is what settings allow."""
    dice = random.Random(14)
    stranger = Rules(ANONYMOUS, rate=Rate(1, 86400.0), concurrency=1)
    app = Rules("app", (digest(b"sw-app"),), users=UserRules(b"x-u", Rate(10, 60.0), None, 50))
    here = Guarded(app, strangers=Strangers("yes", False, stranger))
    for number in range(10_500):
        peer = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        await here.passes(1, lambda peer=peer: here.admit(None, peer=peer))
        await here.passes(1, lambda: here.admit("sw-app", (b"x-u", dice.randbytes(dice.choice((4, 5000))))))
    assert list(here.callers.keyed()) == [("app", 50, 50), (ANONYMOUS, 10_000, 10_000)]
    users = here.callers._known["app"]._users
    assert users is not None
    assert max(map(len, users._limits)) <= 128


async def test_a_call_under_way_keeps_its_address_from_being_forgotten():
    """Its place would be given back to a limit nobody counts with."""
    stranger = Rules(ANONYMOUS, concurrency=1)
    here = Guarded(strangers=Strangers("yes", False, stranger))
    held = await here.admit(None, peer="192.0.2.1")
    addresses = here.callers._known[ANONYMOUS]._own
    addresses.hold_at_most(2)
    for number in range(20):
        (await here.admit(None, peer=f"192.0.2.{100 + number}")).close()
    assert await here.passes(1, lambda: here.admit(None, peer="192.0.2.1")) == 0
    held.close()
    assert await here.passes(1, lambda: here.admit(None, peer="192.0.2.1")) == 1


async def test_leaving_the_shared_limit_gives_back_nothing_of_it():
    """Calls, tokens and places that a name used through it are used when it has a limit of its own."""
    users = UserRules(b"x-u", Rate(10, 60.0), Rate(60, 60.0), 1)
    here = Guarded(Rules("app", (digest(b"sw-app"),), users=users))
    assert await here.passes(1, lambda: here.admit("sw-app", (b"x-u", b"first"))) == 1
    late = await here.admit("sw-app", (b"x-u", b"late"))
    await late.hold_tokens(50)
    late.settle_tokens(50)
    here.now += 6.0
    entry = await here.admit("sw-app", (b"x-u", b"late"))
    users_kept = here.callers._known["app"]._users
    assert users_kept is not None
    assert list(users_kept._limits) == ["late"]
    with pytest.raises(QuotaExceeded):
        await entry.hold_tokens(20)
    await entry.hold_tokens(10)


async def test_who_has_a_place_in_the_shared_limit_stays_there():
    """Its place is given back where it was taken."""
    here = Guarded(strangers=Strangers("yes", False, Rules(ANONYMOUS, concurrency=1)))
    addresses = here.callers._known[ANONYMOUS]._own
    addresses.hold_at_most(1)
    first, second = await here.admit(None, peer="192.0.2.1"), await here.admit(None, peer="192.0.2.2")
    first.close()
    assert await here.passes(1, lambda: here.admit(None, peer="192.0.2.2")) == 0
    second.close()
    assert await here.passes(1, lambda: here.admit(None, peer="192.0.2.2")) == 1


def test_fewer_may_be_kept_later():
    """What is over goes as it is as good as new."""
    limits = Keyed(5, Limit)
    for key in "abcde":
        limits.get(key, 0.0).take(0.0)
    limits.hold_at_most(2)
    assert limits.get("f", 1.0) is limits.get("g", 1.0)
    assert len(limits) == 5
    for key in "ghi":
        limits.get(key, 60.0)
    assert len(limits) == 2


def test_a_users_name_is_bounded():
    """A long one by its digest, so that two long ones are still two."""
    assert (user_of(None), user_of(b""), user_of(b"ann"), user_of(b"\xc3\xa9")) == ("", "", "ann", "é")
    assert user_of(b"\xe9") == "é"
    long, other = user_of(b"x" * 129), user_of(b"x" * 130)
    assert long != other
    assert len(long) == len(other) == 71
    assert user_of(b"x" * 128) == "x" * 128
