"""State behind small protocols: in memory by default."""

from seawall.stores.memory import MemoryEntries
from seawall.stores.messages import MemoryMessages

__all__ = ["MemoryEntries", "MemoryMessages"]
