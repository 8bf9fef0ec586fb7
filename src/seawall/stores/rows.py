"""Rows of the ledger as databases keep them: columns, groups, and money as two whole numbers.

No database adds decimals of any length exactly, so a sum of US dollars is kept as whole millionths of a dollar and the
rest in units of 10^-18 dollars: both are whole numbers that every engine adds exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, localcontext
from typing import Any

import orjson

from seawall.contracts.ledger import Row, Spent
from seawall.contracts.usage import Usage

__all__ = [
    "COLUMNS",
    "GROUPS",
    "KEPT_GROUPS",
    "SUMS",
    "TEXTS",
    "VERSION",
    "columns_of",
    "money",
    "schema",
    "spent_of",
    "split",
    "summed",
    "summed_before",
    "values_of",
    "within",
]

VERSION = 1  # of the schema

_MICRO = 6  # digits of the first number
_REST = 12  # digits of the second
_USAGE = tuple(f"tokens_{name}" for name in Usage._fields)
# Names in the database; "user" is a word of SQL.
COLUMNS = (
    "id", "at", "day", "month", "caller", "end_user", "upstream", "model", "alias", "request_id", "attempt", "status",
    *_USAGE, "cost_micro", "cost_rest", "reserved_micro", "reserved_rest", "estimated", "prices", "source", "version",
)  # fmt: skip
# What is summed up, as it stands in a report and in what is kept of rows past their time.
SUMS = ("calls", *_USAGE, "cost_micro", "cost_rest", "guessed_micro", "guessed_rest")
GROUPS = {
    "caller": "caller", "user": "end_user", "upstream": "upstream", "model": "model", "alias": "alias",
    "day": "day", "month": "month",
}  # fmt: skip
# Rows past their time are kept as one line for each of these; their days are gone.
KEPT_GROUPS = ("month", "caller", "end_user", "upstream", "model", "alias")
TEXTS = "SELECT name, text FROM seawall_callers ORDER BY name"


def schema(table: Callable[[str, Sequence[str], Sequence[str]], str]) -> tuple[str, ...]:
    """Return the statements that make the schema; `table` makes one of a table's name, columns and key."""
    return (
        table("seawall_ledger", COLUMNS, ("id",)),
        "CREATE INDEX seawall_ledger_at ON seawall_ledger (at)",
        table("seawall_spent_before", (*KEPT_GROUPS, *SUMS), KEPT_GROUPS),
        table("seawall_callers", ("name", "text"), ("name",)),
    )


def within(since: float | None, until: float | None) -> tuple[float, float]:
    """Return limits for `at`, seconds since the epoch, that hold every row where none is given."""
    return (since if since is not None else -1.0, until if until is not None else 1e12)


def split(amount: Decimal) -> tuple[int, int]:
    """Return millionths of a dollar, and the rest in units of 10^-18 dollars.

    Raises:
        ValueError: the amount has more digits than that; no price has.
    """
    with localcontext() as context:
        context.prec = 60
        whole = amount.scaleb(_MICRO + _REST)
        if whole != whole.to_integral_value():
            raise ValueError("an amount has more than 18 digits after the point")
        micro, rest = divmod(int(whole), 10**_REST)
        return micro, rest


def money(micro: int, rest: int) -> Decimal:
    """Return US dollars, exact."""
    with localcontext() as context:
        context.prec = 60
        total = Decimal(int(micro) * 10**_REST + int(rest)).scaleb(-(_MICRO + _REST))
        return total.normalize() if total else Decimal(0)


def values_of(row: Row) -> tuple[Any, ...]:
    """Return a row's values in the order of `COLUMNS`."""
    return (
        row.id, row.at, row.day, row.month, row.caller, row.user, row.upstream, row.model, row.alias, row.request_id,
        row.attempt, row.status, *row.usage, *split(row.cost), *split(row.reserved), row.estimated,
        orjson.dumps(dict(row.prices)).decode(), row.source, row.version,
    )  # fmt: skip


def columns_of(by: Sequence[str]) -> list[str]:
    """Return the columns of a report's groups.

    Raises:
        ValueError: there are none, or one has no such name.
    """
    wrong = [name for name in by if name not in GROUPS]
    if wrong or not by or len(set(by)) != len(by):
        raise ValueError(f"by must be one or more of {', '.join(GROUPS)}, each once, got {', '.join(by) or 'none'}")
    return [GROUPS[name] for name in by]


def summed(groups: Sequence[str], source: str = "seawall_ledger", where: str = "true") -> str:
    """Return the SQL that sums rows up by groups.

    Only names and conditions of this package stand in it, never anything from outside (security.md 15).
    """
    names = ", ".join(groups)
    tokens = ", ".join(f"sum({name}) AS {name}" for name in _USAGE)
    guessed = ", ".join(
        f"sum(CASE WHEN estimated THEN cost_{part} ELSE 0 END) AS guessed_{part}" for part in ("micro", "rest")
    )
    return (
        f"SELECT {names}, count(*) AS calls, {tokens}, sum(cost_micro) AS cost_micro, sum(cost_rest) AS cost_rest, "
        f"{guessed} FROM {source} WHERE {where} GROUP BY {names}"
    )


def summed_before(groups: Sequence[str]) -> str:
    """Return the SQL that sums up by groups what is kept of rows past their time."""
    names = ", ".join(groups)
    sums = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
    return f"SELECT {names}, {sums} FROM seawall_spent_before GROUP BY {names}"


def spent_of(groups: int, found: Iterable[Sequence[Any]]) -> list[Spent]:
    """Return lines of a report from rows of groups and sums, those of one key added up, the dearest first."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for line in found:
        key = tuple(str(value) for value in line[:groups])
        numbers = [int(value) for value in line[groups:]]
        before = sums.get(key)
        sums[key] = numbers if before is None else [one + two for one, two in zip(before, numbers, strict=True)]
    report = [_spent(key, numbers) for key, numbers in sums.items()]
    return sorted(report, key=lambda one: (-one.cost, one.key))


def _spent(key: tuple[str, ...], numbers: list[int]) -> Spent:
    tokens = len(_USAGE)
    micro, rest, guessed_micro, guessed_rest = numbers[1 + tokens :]
    usage = Usage(*numbers[1 : 1 + tokens])
    return Spent(key, numbers[0], usage, money(micro, rest), money(guessed_micro, guessed_rest))
