"""Replicas where there is one."""

__all__ = ["MemoryReplicas"]


class MemoryReplicas:
    """A `Replicas` of a process that shares nothing: it is alone, and there is no store to lose."""

    count = 1
    lost = False
