"""The breaker's transitions as data, and the diagram in the docs drawn from them (semantics 3.7)."""

from enum import Enum
from typing import NamedTuple

__all__ = ["TRANSITIONS", "State", "Transition", "Trigger", "diagram"]


class State(Enum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"


class Trigger(Enum):
    """Why a breaker moves; the words are the reason in events."""

    FAILURES = "failure rate reached"
    SLOW = "slow rate reached"
    RESTED = "open time over"
    PROBED = "all probes good"
    RELAPSED = "a probe failed"
    HUNG = "a probe hung"
    FORCE_OPEN = "forced open"
    FORCE_CLOSED = "forced closed"
    RELEASE = "released"


class Transition(NamedTuple):
    """One line of the table."""

    old: State
    trigger: Trigger
    new: State


TRANSITIONS: tuple[Transition, ...] = (
    Transition(State.CLOSED, Trigger.FAILURES, State.OPEN),
    Transition(State.CLOSED, Trigger.SLOW, State.OPEN),
    Transition(State.OPEN, Trigger.RESTED, State.HALF_OPEN),
    Transition(State.HALF_OPEN, Trigger.PROBED, State.CLOSED),
    Transition(State.HALF_OPEN, Trigger.RELAPSED, State.OPEN),
    Transition(State.HALF_OPEN, Trigger.HUNG, State.OPEN),
    Transition(State.CLOSED, Trigger.FORCE_OPEN, State.FORCED_OPEN),
    Transition(State.OPEN, Trigger.FORCE_OPEN, State.FORCED_OPEN),
    Transition(State.HALF_OPEN, Trigger.FORCE_OPEN, State.FORCED_OPEN),
    Transition(State.FORCED_CLOSED, Trigger.FORCE_OPEN, State.FORCED_OPEN),
    Transition(State.CLOSED, Trigger.FORCE_CLOSED, State.FORCED_CLOSED),
    Transition(State.OPEN, Trigger.FORCE_CLOSED, State.FORCED_CLOSED),
    Transition(State.HALF_OPEN, Trigger.FORCE_CLOSED, State.FORCED_CLOSED),
    Transition(State.FORCED_OPEN, Trigger.FORCE_CLOSED, State.FORCED_CLOSED),
    Transition(State.FORCED_OPEN, Trigger.RELEASE, State.CLOSED),
    Transition(State.FORCED_CLOSED, Trigger.RELEASE, State.CLOSED),
)


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.CLOSED.value}"]
    lines += [f"    {old.value} --> {new.value}: {trigger.value}" for old, trigger, new in TRANSITIONS]
    return "\n".join(lines) + "\n"
