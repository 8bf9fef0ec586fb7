"""How long things with Redis may take."""

from typing import NamedTuple

__all__ = ["Times"]


class Times(NamedTuple):
    """Seconds.

    Attributes:
        command: a script may take, the dialling of its connection included.
        bulk: a script that carries a body may take.
        connect: the first try at the start may take before the gateway goes on without.
        again, longest: between two tries to get it back: at first, and at most.
        gather: it waits for the other replicas when Redis is back, so that none takes the whole limit while another
            still has a share of its own; longer than a failing try and the pause after it, `longest` each.
        beat: between two signs of life of a replica.
        gone: after which a replica without one is not counted.
    """

    command: float = 0.25
    bulk: float = 1.0
    connect: float = 1.0
    again: float = 0.05
    longest: float = 1.0
    gather: float = 2.5
    beat: float = 1.0
    gone: float = 5.0
