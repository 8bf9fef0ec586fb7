"""Tables on the screen and the same figures as JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Table
from bench.peers import split_beside, told

__all__ = ["Check", "check", "introduce", "show", "write"]

BASE = "nginx"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its limit."""

    what: str
    got: float
    limit: float

    @property
    def held(self) -> bool:
        """Whether it is within the limit."""
        return self.got <= self.limit

    def line(self) -> str:
        """Return it as printed."""
        return f"{'held' if self.held else 'OVER':5}{self.what}: {self.got:.2f} (limit {self.limit:g})"


def _columns(table: Table) -> list[tuple[str, str, str]]:
    if table.scenario == "slow upstream":
        return [(f"p{one}_us", f"p{one} us", "8.0f") for one in (50, 95, 99)]
    if table.scenario == "latency":
        return [("p50_us", "p50 us", "8.0f"), ("added_p50_us", "added p50", "9.0f"), ("p99_us", "p99 us", "8.0f"),
                ("added_p99_us", "added p99", "9.0f"), ("max_us", "max us", "8.0f")]  # fmt: skip
    shared = [("cpu_us", "CPU us", "8.2f"), ("per_second", "per s", "9.0f"), ("rss_mb", "RSS MB", "8.1f")]
    if "streaming" in table.scenario:
        return [*shared, ("merged", "merged", "8.3f"), ("first_p50_us", "1st p50", "8.0f")]
    return [*shared, ("p50_us", "p50 us", "8.0f"), ("p99_us", "p99 us", "8.0f"), ("busy", "busy", "6.2f")]


def show(table: Table) -> str:
    """Return one scenario as text: medians, and beside each its ratio to nginx, or the first, in the same rounds."""
    columns = _columns(table)
    base = BASE if BASE in table.rows else next(iter(table.rows))
    widths = [int(form.split(".")[0]) for _, _, form in columns]
    head = "  ".join(f"{title:>{width}} {'ratio':>6}" for (_, title, _), width in zip(columns, widths, strict=True))
    lines = [f"{table.scenario} (median of {len(table.rows[base])} rounds, ratio to {base})", f"  {'':12}{head}"]
    for peer in table.rows:
        cells = []
        for name, _, form in columns:
            if name not in table.rows[peer][0]:
                cells.append(" " * int(form.split(".")[0]) + "       ")
                continue
            has_base = name in table.rows[base][0] and name not in ("merged", "busy")
            ratio = f"{table.ratio(peer, name, base):6.2f}" if has_base else " " * 6
            cells.append(f"{table.median(peer, name):{form}} {ratio}")
        lines.append(f"  {peer:12}" + "  ".join(cells))
    return "\n".join(lines)


def check(tables: Sequence[Table]) -> list[Check]:
    """Return the figures the project has set itself, as far as this run measured them."""
    by_name = {table.scenario: table for table in tables}
    checks = []
    for scenario, peer, limit in (
        ("32 connections", "bare", 2.0),
        ("32 connections", "all", 3.5),
        ("streaming", "all", 2.0),
        ("cached", "cached", 3.0),
    ):
        table = by_name.get(scenario)
        if table and peer in table.rows:
            checks.append(Check(f"{scenario}, {peer}: CPU to nginx", table.ratio(peer, "cpu_us", BASE), limit))
    table = by_name.get("slow upstream")
    if table:
        checks.append(Check("slow upstream: p95 hot to uncached", table.ratio("hot", "p95_us", "uncached"), 0.5))
    if table := by_name.get("model calls"):
        checks.append(Check("model calls, metered: CPU to nginx", table.ratio("models", "cpu_us", BASE), 8.0))
    if table := by_name.get("model streaming"):
        checks.append(
            Check("model streaming, metered: CPU to unmetered", table.ratio("models", "cpu_us", "plain"), 2.0)
        )
    table = by_name.get("latency")
    if table and "all" in table.rows:
        added = table.median("all", "added_p50_us") / table.median(BASE, "added_p50_us")
        beyond = table.median("all", "p99_us") - table.median(BASE, "p99_us")
        checks.append(Check("latency, all: added p50 to nginx's", added, 2.5))
        checks.append(Check("latency, all: p99 beyond nginx's, us", beyond, 1500.0))
    return checks


def introduce(folder: Path, others: Sequence[str] = ()) -> dict[str, str]:
    """Print and return which gateway is measured, and those of `others` beside it, each `NAME=PYTHON`."""
    who = {"gateway": told(folder)}
    for name, python in map(split_beside, others):
        who[name] = told(folder, python)
    for name, text in who.items():
        print(f"{name}: {text}", flush=True)
    return who


def write(
    path: Path, tables: Sequence[Table], checks: Sequence[Check], extra: dict[str, float], who: Mapping[str, str]
) -> None:
    """Write every round and every check, with what it ran on and which gateway was measured."""
    document = {
        "who": dict(who),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_average": os.getloadavg(),
        "scenarios": {table.scenario: table.rows for table in tables},
        "checks": [{"what": c.what, "got": c.got, "limit": c.limit, "held": c.held} for c in checks],
        "extra": extra,
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
