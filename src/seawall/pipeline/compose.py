"""Fold stages into one callable: the order of positions is the order of execution."""

from collections.abc import Sequence
from functools import partial

from seawall.contracts.policy import Position, Proceed, Stage

__all__ = ["compose"]


def compose(stages: Sequence[tuple[Position, Stage]], end: Proceed) -> Proceed:
    """Return one `Proceed` that runs the stages outermost first and then `end`.

    Stages of one position keep the order they came in. Each link is a C-level partial, so that a stage costs its own
    coroutine and no further Python frame.
    """
    proceed = end
    for _, stage in sorted(stages, key=_position)[::-1]:
        proceed = partial(stage.send, proceed=proceed)
    return proceed


def _position(placed: tuple[Position, Stage]) -> Position:
    return placed[0]
