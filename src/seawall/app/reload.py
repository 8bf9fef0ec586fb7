"""Settings loaded again while calls are under way: one reload at a time, and a faulty file changes nothing."""

import asyncio
from collections.abc import Callable

from seawall.app.spending import warm
from seawall.config import Tree
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit, Notice

__all__ = ["KEPT", "Reload", "in_force"]

KEPT = ("server", "log", "memory", "state", "ledger")  # tables that need a restart

_NO_FILE = "settings: were not loaded from a file, there is nothing to load again"


class Reload:
    """Loads settings and puts them in force.

    Args:
        load: reads the settings file; None where there is none.
        apply: puts a tree in force and returns the tables whose change needs a restart.
        emit: observers.
    """

    def __init__(self, load: Callable[[], Tree] | None, apply: Callable[[Tree], tuple[str, ...]], emit: Emit) -> None:
        self._load = load
        self._apply = apply
        self._emit = emit
        # Reading takes a thread, so a second reload might overtake the first and put an older file in force
        self._turn = asyncio.Lock()

    async def __call__(self) -> tuple[str, ...]:
        """Reload; return the tables whose change needs a restart.

        Raises:
            SettingsError: the settings are wrong or cannot be served; the old ones stay in force.
        """
        try:
            if self._load is None:
                raise SettingsError([_NO_FILE])
            async with self._turn:
                return self._apply(await asyncio.get_running_loop().run_in_executor(None, self._read, self._load))
        except SettingsError as error:
            fields = (("faults", list(error.faults)),)
            self._emit(Notice("error", "not_reloaded", "Settings were not reloaded, the old ones stay", fields))
            raise

    @staticmethod
    def _read(load: Callable[[], Tree]) -> Tree:
        return warm(load())


def in_force(tree: Tree, started: Tree) -> tuple[Tree, tuple[str, ...]]:
    """Return the settings that a reload can put in force, and the names of tables whose change waits for a restart.

    Args:
        tree: as loaded.
        started: in force since the start.
    """
    waiting = tuple(name for name in KEPT if getattr(tree, name) != getattr(started, name))
    return tree.model_copy(update={name: getattr(started, name) for name in KEPT}), waiting
