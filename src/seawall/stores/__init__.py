"""State behind small protocols: in memory by default."""

from seawall.stores.callers import MemoryCallers
from seawall.stores.memory import MemoryEntries

__all__ = ["MemoryCallers", "MemoryEntries"]
