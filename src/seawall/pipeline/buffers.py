"""The allowance all bodies kept for replay share (`memory.buffers`)."""

__all__ = ["Allowance"]


class Allowance:
    """Counts bytes that are held; handed to policies as `options["buffers"]`.

    Args:
        limit: bytes.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Take `size` bytes; False, and nothing taken, when that would pass the limit."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        """Give back `size` bytes taken before."""
        self.used -= size
