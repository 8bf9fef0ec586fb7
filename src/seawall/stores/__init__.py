"""State behind small protocols: in memory by default."""

from seawall.stores.callers import MemoryCallers
from seawall.stores.memory import MemoryEntries
from seawall.stores.memory_leases import MemoryLeases
from seawall.stores.memory_replicas import MemoryReplicas
from seawall.stores.messages import MemoryMessages

__all__ = ["MemoryCallers", "MemoryEntries", "MemoryLeases", "MemoryMessages", "MemoryReplicas"]
