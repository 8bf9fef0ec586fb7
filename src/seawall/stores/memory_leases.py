"""Leases where there is one replica: every name is its own."""

__all__ = ["MemoryLeases"]


class MemoryLeases:
    """A `Leases` of a process that shares nothing."""

    async def hold(self, name: str, seconds: float) -> bool:
        """Return True: nobody else could have it."""
        return True

    async def let_go(self, name: str) -> None:
        """Do nothing."""
