"""Callers made while the gateway runs: kept, in force at once, and told apart from those of the settings."""

import asyncio

import pytest
from callers_rig import KITCHEN, Guarded

from seawall.callers import CallerConflict, Directory, NoSuchCaller, Rules, UserRules, digest, key_id
from seawall.contracts.callers import CallerStore, StoredCaller, StoredUsers
from seawall.contracts.errors import QuotaExceeded, Unauthenticated
from seawall.contracts.events import Notice
from seawall.contracts.state import StateLost
from seawall.contracts.units import Rate
from seawall.stores import MemoryCallers
from seawall.testing import Recorder, virtual

LAB = StoredCaller(
    "lab",
    (),
    Rate(60, 60.0),
    Rate(1000, 60.0),
    4,
    ("weather",),
    ("fast",),
    StoredUsers("X-User", Rate(6, 60.0), None, 9),
)


class Shaky(MemoryCallers):
    """A store that may be lost."""

    lost = False

    async def list(self):
        """Return all, or fail."""
        if self.lost:
            raise StateLost
        return await super().list()


class Kept:
    """A directory over a store, with the guard it keeps."""

    def __init__(self, store: CallerStore | None) -> None:
        self.here = Guarded(KITCHEN)
        self.told = Recorder()
        self.wall = 1000.0
        self.directory = Directory(self.here.callers, store, lambda: self.wall, self.told)

    async def lets(self, key: str) -> str | None:
        """Return whose a key is, None nobody's."""
        try:
            entry = await self.here.admit(key)
        except Unauthenticated:
            return None
        except QuotaExceeded as error:
            return error.caller
        entry.close()
        return entry.caller


async def test_a_caller_is_in_force_at_once_and_only_its_digest_is_kept():
    """With all its limits; the key is in no store and no event."""
    store = MemoryCallers()
    kept = Kept(store)
    key = await kept.directory.create(LAB)
    assert await kept.lets(key) == "lab"
    (stored,) = await store.list()
    assert stored._replace(keys=()) == LAB
    assert [(one.digest, one.created) for one in stored.keys] == [(digest(key.encode()).hex(), 1000.0)]
    assert kept.directory.listed()[1].rules == Rules(
        "lab", (digest(key.encode()),), Rate(60, 60.0), Rate(1000, 60.0), 4, frozenset({"weather"}),
        frozenset({"fast"}), UserRules(b"x-user", Rate(6, 60.0), None, 9),
    )  # fmt: skip
    assert key not in repr(stored) + repr(kept.told.of(Notice)) + repr(kept.directory.listed())


async def test_rotation_has_two_good_keys_and_a_third_ends_the_first():
    """The one before stays good until it is revoked or rotated out."""
    kept = Kept(MemoryCallers())
    first = await kept.directory.create(LAB)
    second = await kept.directory.rotate("lab")
    assert [await kept.lets(one) for one in (first, second)] == ["lab", "lab"]
    third = await kept.directory.rotate("lab")
    assert [await kept.lets(one) for one in (first, second, third)] == [None, "lab", "lab"]
    await kept.directory.revoke("lab", key_id(digest(second.encode())))
    assert [await kept.lets(one) for one in (second, third)] == [None, "lab"]
    with pytest.raises(NoSuchCaller, match=key_id(digest(third.encode()))):
        await kept.directory.revoke("lab", "00000000")
    await kept.directory.revoke("lab", key_id(digest(third.encode())))
    assert await kept.lets(third) is None
    assert [one.rules.name for one in kept.directory.listed()] == ["kitchen"]


async def test_revoking_a_caller_ends_all_its_keys_at_once():
    """And its name is free again."""
    store = MemoryCallers()
    kept = Kept(store)
    keys = [await kept.directory.create(LAB), await kept.directory.rotate("lab")]
    await kept.directory.revoke("lab")
    assert [await kept.lets(one) for one in keys] == [None, None]
    assert await store.list() == []
    assert await kept.lets(await kept.directory.create(LAB)) == "lab"


async def test_limits_change_for_the_next_call_and_what_is_used_stays_used():
    """Its keys stay good."""
    kept = Kept(MemoryCallers())
    key = await kept.directory.create(StoredCaller("lab", (), Rate(60, 60.0)))
    assert await kept.here.passes(9, lambda: kept.here.admit(key)) == 6
    await kept.directory.change(StoredCaller("lab", (), Rate(100, 60.0)))
    assert await kept.here.passes(9, lambda: kept.here.admit(key)) == 4
    kept.here.now += 60.0
    assert await kept.lets(key) == "lab"


async def test_what_stands_in_the_settings_is_changed_there():
    """Each operation says so; and one name is one caller."""
    kept = Kept(MemoryCallers())
    for work in (
        kept.directory.create(StoredCaller("kitchen", ())),
        kept.directory.change(StoredCaller("kitchen", ())),
        kept.directory.rotate("kitchen"),
        kept.directory.revoke("kitchen"),
        kept.directory.create(StoredCaller("anonymous", ())),
        kept.directory.rotate("anonymous"),
    ):
        with pytest.raises(CallerConflict):
            await work
    assert await kept.lets("sw-kitchen") == "kitchen"


async def test_unknown_names_and_second_ones_are_told():
    """With those there are."""
    kept = Kept(MemoryCallers())
    await kept.directory.create(LAB)
    with pytest.raises(CallerConflict, match="exists"):
        await kept.directory.create(LAB)
    for work in (kept.directory.change(StoredCaller("x", ())), kept.directory.rotate("x"), kept.directory.revoke("x")):
        with pytest.raises(NoSuchCaller, match="Callers: lab"):
            await work


async def test_without_a_store_it_says_what_to_do():
    """The settings are where callers stand then."""
    kept = Kept(None)
    await kept.directory.start()
    with pytest.raises(CallerConflict, match=r"ledger\.url"):
        await kept.directory.create(LAB)
    assert [one.rules.name for one in kept.directory.listed()] == ["kitchen"]
    await kept.directory.close()


@virtual
async def test_what_another_replica_changes_is_in_force_within_seconds():
    """Made, changed and revoked ones; and a change here never undoes one there."""
    store = MemoryCallers()
    one, two = Kept(store), Kept(store)
    early = await one.directory.create(StoredCaller("early", ()))
    await two.directory.start()
    assert await two.lets(early) == "early"
    key = await one.directory.create(LAB)
    assert await two.lets(key) is None
    await asyncio.sleep(5.5)
    assert await two.lets(key) == "lab"
    again = await one.directory.rotate("lab")
    await two.directory.change(StoredCaller("lab", (), Rate(6, 60.0)))
    assert await two.lets(again) == "lab"
    await one.directory.revoke("lab")
    await asyncio.sleep(5.5)
    assert await two.lets(again) is None
    await two.directory.close()


@virtual
async def test_a_lost_store_is_told_once_and_who_is_known_stays_in_force():
    """No call fails; a change is refused as a whole."""
    store = Shaky()
    kept = Kept(store)
    key = await kept.directory.create(LAB)
    await kept.directory.start()
    store.lost = True
    await asyncio.sleep(60)
    assert await kept.lets(key) == "lab"
    assert len(kept.told.of(Notice, event="callers_unread")) == 1
    with pytest.raises(StateLost):
        await kept.directory.rotate("lab")
    store.lost = False
    await asyncio.sleep(6)
    assert await kept.lets(await kept.directory.rotate("lab")) == "lab"
    await kept.directory.close()
