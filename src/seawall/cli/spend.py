"""`seawall spend`: what a running gateway has spent, as a table, JSON or CSV."""

import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from seawall.cli.remote import Remote, RemoteError

__all__ = ["spend"]


def spend(url: str, by: str, since: str, until: str, form: str) -> int:
    """Ask a gateway and print what it says; return the exit code.

    Args:
        url: of the gateway.
        by: columns, with commas between.
        since: day or moment (ISO 8601, UTC where it names no zone) from which on, `""` from the beginning.
        until: the same, before which.
        form: `table`, `json` or `csv`.
    """
    try:
        query = {"by": by, **{name: _moment(text) for name, text in (("since", since), ("until", until)) if text}}
    except ValueError:
        print("seawall: --since and --until are days or moments, for example 2026-11-25 or 2026-11-25T08:00Z",
              file=sys.stderr)  # fmt: skip
        return 2
    try:
        report = Remote(url).ask("GET", f"/api/v1/spend?{urlencode(query)}")
    except RemoteError as error:
        print(f"seawall: {error}", file=sys.stderr)
        return 1
    columns = [name.strip() for name in by.split(",") if name.strip()]
    if form == "json":
        print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    elif form == "csv":
        _csv(columns, report["lines"])
    else:
        _table(columns, report)
    return 0


def _moment(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _rows(columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            *(one["key"][name] for name in columns),
            str(one["calls"]),
            str(one["tokens"].get("input", 0)),
            str(one["tokens"].get("output", 0)),
            one["cost"],
            one["estimated"],
        ]
        for one in lines
    ]


_SUMS = ("calls", "input", "output", "usd", "estimated")


def _csv(columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns, *_SUMS])
    writer.writerows(_rows(columns, lines))


def _table(columns: Sequence[str], report: Mapping[str, Any]) -> None:
    rows = [[*columns, *_SUMS], *_rows(columns, report["lines"])]
    total = ["total", *[""] * (len(columns) - 1), str(report["calls"]), "", "", report["cost"], report["estimated"]]
    rows.append(total)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.ljust(width) if place < len(columns) else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
