"""A figure that is asked for, beside the one that was measured."""

from typing import NamedTuple

__all__ = ["Number", "at_most"]


class Number(NamedTuple):
    """One line of the table.

    Attributes:
        name: what is measured, and where.
        required: the limit, as text.
        measured: as text.
        held: whether the limit holds.
    """

    name: str
    required: str
    measured: str
    held: bool


def at_most(name: str, measured: float, limit: float, form: str = "{:.3g}") -> Number:
    """Return a number that must not pass `limit`; both are shown in `form`."""
    return Number(name, f"at most {form.format(limit)}", form.format(measured), measured <= limit)
