"""Callers made while the gateway runs: created, rotated, revoked and given limits, in force at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seawall.callers.admission import Callers
from seawall.callers.keys import digest, new_key
from seawall.callers.rules import Rules, rules_of
from seawall.contracts.callers import CallerStore, StoredCaller, StoredKey
from seawall.contracts.errors import SeawallError
from seawall.contracts.events import Emit, Notice
from seawall.contracts.state import StateLost

__all__ = ["CallerConflict", "Directory", "Listed", "NoSuchCaller", "key_id"]

MOST_KEYS = 2  # while a key is rotated the old one and the new one are good
MOST_CALLERS = 10_000
_EVERY = 5.0  # seconds after which what another replica changed is in force here


class NoSuchCaller(SeawallError):
    """No caller has that name, or no key that id."""


class CallerConflict(SeawallError):
    """The change cannot be made here: the caller stands in the settings, or exists, or nothing keeps callers."""


class Listed(NamedTuple):
    """One caller in force.

    Attributes:
        rules: what it may.
        created: moments its keys were made, in the order of `rules.digests`; empty for one of the settings.
    """

    rules: Rules
    created: tuple[float, ...] = ()


class Directory:
    """The callers of a store, kept equal to those in force; `start` and `close` it.

    Args:
        callers: where they are in force.
        store: where they are kept, None where nothing keeps them.
        wall: seconds since the epoch.
        emit: observers.
    """

    def __init__(self, callers: Callers, store: CallerStore | None, wall: Callable[[], float], emit: Emit) -> None:
        self._callers = callers
        self._store = store
        self._wall = wall
        self._emit = emit
        self._kept: dict[str, StoredCaller] = {}
        self._turn = asyncio.Lock()
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put what is kept in force, and go on doing so."""
        if self._store is not None:
            await self._refresh()
            self._task = asyncio.create_task(self._follow(), name="callers")

    async def close(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def from_settings(self, name: str) -> bool:
        """Whether a caller stands in the settings, where it is changed."""
        return self._callers.from_settings(name)

    def listed(self) -> tuple[Listed, ...]:
        """Return every caller in force, those of the settings first."""
        return tuple(
            Listed(rules, () if kept is None else tuple(key.created for key in kept.keys))
            for rules in self._callers.rules
            for kept in (None if self._callers.from_settings(rules.name) else self._kept.get(rules.name),)
        )

    async def create(self, wanted: StoredCaller) -> str:
        """Make a caller and return its key, which nobody can be told again.

        Raises:
            CallerConflict: there is one of that name, or nothing keeps callers.
            StateLost: the store cannot be asked.
        """
        async with self._turn:
            store = await self._fresh()
            if self._callers.from_settings(wanted.name) or wanted.name in self._kept:
                raise CallerConflict(f"A caller {wanted.name} exists. Rotate its key, or take another name.")
            if len(self._kept) >= MOST_CALLERS:
                raise CallerConflict(f"There are {MOST_CALLERS} callers, the most there may be. Revoke some.")
            return await self._with_key(store, wanted, ())

    async def change(self, wanted: StoredCaller) -> None:
        """Give a caller other limits; its keys stay.

        Raises:
            NoSuchCaller: none has that name.
            CallerConflict: it stands in the settings, or nothing keeps callers.
            StateLost: the store cannot be asked.
        """
        async with self._turn:
            store = await self._fresh()
            await self._keep(store, wanted._replace(keys=self._found(wanted.name).keys))

    async def rotate(self, name: str) -> str:
        """Give a caller a further key and return it; of the older ones only the newest stays good.

        Raises:
            NoSuchCaller: none has that name.
            CallerConflict: it stands in the settings, or nothing keeps callers.
            StateLost: the store cannot be asked.
        """
        async with self._turn:
            store = await self._fresh()
            kept = self._found(name)
            return await self._with_key(store, kept, kept.keys[-(MOST_KEYS - 1) :])

    async def revoke(self, name: str, key: str | None = None) -> None:
        """Take a caller out of force, or one of its keys by its id.

        Raises:
            NoSuchCaller: none has that name, or it has no such key.
            CallerConflict: it stands in the settings, or nothing keeps callers.
            StateLost: the store cannot be asked.
        """
        async with self._turn:
            store = await self._fresh()
            kept = self._found(name)
            left = tuple(one for one in kept.keys if key_id(bytes.fromhex(one.digest)) != key) if key else ()
            if len(left) == len(kept.keys):
                ids = ", ".join(key_id(bytes.fromhex(one.digest)) for one in kept.keys)
                raise NoSuchCaller(f"{name} has no key of that id. Its keys: {ids}.")
            if left:
                await self._keep(store, kept._replace(keys=left))
                return
            await store.revoke(name)
            self._kept.pop(name, None)
            self._callers.drop(name)
            self._tell("caller_revoked", "A caller was revoked", name)

    async def _with_key(self, store: CallerStore, caller: StoredCaller, older: tuple[StoredKey, ...]) -> str:
        key = new_key()
        made = StoredKey(digest(key.encode("ascii")).hex(), self._wall())
        await self._keep(store, caller._replace(keys=(*older, made)))
        return key

    async def _keep(self, store: CallerStore, caller: StoredCaller) -> None:
        await store.put(caller)
        self._kept[caller.name] = caller
        self._callers.put(rules_of(caller))
        self._tell("caller_changed", "A caller was made or changed", caller.name)

    async def _fresh(self) -> CallerStore:
        """Return the store, once what others changed is known here."""
        store = self._store
        if store is None:
            raise CallerConflict(
                "Nothing keeps callers here: set ledger.url to a database, or write the key_hash that "
                "`seawall keys new` prints into [callers] and reload."
            )
        self._replace(await store.list())
        return store

    def _found(self, name: str) -> StoredCaller:
        if self._callers.from_settings(name):
            raise CallerConflict(f"{name} stands in the settings; change [callers.{name}] there and reload.")
        kept = self._kept.get(name)
        if kept is None:
            raise NoSuchCaller(f"No caller has that name. Callers: {', '.join(self._kept) or 'none'}.")
        return kept

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            async with self._turn:
                await self._refresh()

    async def _refresh(self) -> None:
        store = self._store
        if store is None:
            return
        try:
            kept = await store.list()
        except StateLost:
            if not self._lost:
                message = "The callers of the database cannot be read; those known stay in force"
                self._emit(Notice("warning", "callers_unread", message))
            self._lost = True
            return
        self._lost = False
        self._replace(kept)

    def _replace(self, kept: Sequence[StoredCaller]) -> None:
        found = {one.name: one for one in kept}
        if found != self._kept:
            self._kept = found
            self._callers.replace(map(rules_of, found.values()))

    def _tell(self, event: str, message: str, name: str) -> None:
        self._emit(Notice("info", event, message, (("caller", name),)))


def key_id(key: bytes) -> str:
    """Return what a key is called by people: the beginning of its digest, of which nobody finds the key."""
    return key.hex()[:8]
