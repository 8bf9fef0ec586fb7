"""Callers of the management API in this process's memory: gone at its end; for tests, and to say what a store does."""

from collections.abc import Sequence

from seawall.contracts.callers import StoredCaller

__all__ = ["MemoryCallers"]


class MemoryCallers:
    """A `CallerStore`."""

    def __init__(self) -> None:
        self._callers: dict[str, StoredCaller] = {}

    async def list(self) -> Sequence[StoredCaller]:
        """Return all callers, by name."""
        return [self._callers[name] for name in sorted(self._callers)]

    async def put(self, caller: StoredCaller) -> None:
        """Keep a caller in place of what was kept under its name."""
        self._callers[caller.name] = caller

    async def revoke(self, name: str) -> None:
        """Forget a caller; nothing where there is none."""
        self._callers.pop(name, None)
