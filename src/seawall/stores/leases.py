"""Leases of a process that shares its state with nobody: there is no one else to hold them."""

__all__ = ["MemoryLeases"]


class MemoryLeases:
    """`Leases` of one replica."""

    async def hold(self, name: str, seconds: float) -> bool:
        """Take or renew a lease; it is always this replica's."""
        return True

    async def let_go(self, name: str) -> None:
        """Give a lease back."""
