"""docs/operations/metrics.md from the table of metrics; `python -m seawall.observers.document` writes it."""

import sys
from pathlib import Path

from seawall.observers.families import FAMILIES, Family
from seawall.observers.histogram import BOUNDS

__all__ = ["files"]

_LABELS = {
    "upstream": "name in the settings; `unmatched` for what no upstream took, `overflow` above the limit",
    "caller": "name in the settings or of the management API, `anonymous` without a key; `overflow` above the limit",
    "route": "the route's `match`, `default` where none matched, `unmatched`, `overflow`",
    "method": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, or `_OTHER`",
    "outcome": "`ok`, `upstream_error`, `client_error`, `refused`, `failed`, `deadline`, `cancelled`, `broken`",
    "status": "the status it was refused with",
    "status_class": "`1xx` to `5xx` of what the client got, `0xx` for anything else",
    "target": "label of the target in the settings",
    "result": "`1xx` to `5xx`, or `connect`, `reset`, `timeout`, `cancelled`; `_OTHER`",
    "model": "alias in the settings, empty for plain calls and models without one, `unmatched`, `overflow`",
    "kind": "`input`, `output`, `cache_read`, `cache_write`, `cache_write_1h`, `reasoning`, `audio_input`, "
    "`audio_output`, `tools`",
    "scope": "`gateway`, `caller`, `model`",
    "name": "of the caller or model in the settings, empty for the gateway",
    "period": "`day`, `month`, `total`",
    "schedule": "name in the settings",
    "version": "of Seawall",
    "python": "version of Python",
    "loop": "`uvloop` or `asyncio`",
}
_OWN = {
    ("seawall_upstream_connections", "state"): "`idle`, `busy`",
    ("seawall_breaker_state", "state"): "`closed`, `open`, `half_open`",
    ("seawall_breaker_changes", "state"): "`closed`, `open`, `half_open`",
    ("seawall_schedule_runs", "result"): "`ok`, `failed`, `unpublished`",
}
_INTRO = """\
# Metrics

<!-- Written by `make docs` from src/seawall/observers/families.py; edit there. -->

`GET /metrics` answers in the Prometheus text format, or in OpenMetrics 1.0 where `Accept` prefers it. Where
`server.admin_token` is set, it is needed: `Authorization: Bearer <token>`. A text is at most one second old; however
many scrape, one is made a second, in slices between which calls go on.

Label values come from the settings only. What a client sends (a path, a method, a key, a status of an odd upstream)
never makes a series: it counts under `unmatched` or `_OTHER`. Above 2,000 label sets of one family the rest counts
under `overflow`, and [`seawall_series_limit_reached`](#seawall_series_limit_reached) is 1.

Queries to begin with:

```promql
# share of calls that failed, by upstream
sum by (upstream) (rate(seawall_calls_total{outcome=~"failed|deadline|broken|upstream_error"}[5m]))
  / sum by (upstream) (rate(seawall_calls_total[5m]))

# 95th percentile of what callers waited
histogram_quantile(0.95, sum by (upstream, le) (rate(seawall_call_duration_seconds_bucket[5m])))

# how much of the traffic is retries
sum by (upstream) (rate(seawall_retries_total[5m])) / sum by (upstream) (rate(seawall_attempts_total[5m]))

# US dollars an hour, by caller
sum by (caller) (rate(seawall_cost_usd_total[1h])) * 3600

# open breakers
seawall_breaker_state{state="open"} == 1
```
"""


def files() -> dict[str, str]:
    """Return every generated file by its path in the repository."""
    bounds = ", ".join(f"{bound:g}" for bound in BOUNDS)
    end = f"\n## Buckets\n\nHistograms have the bounds {bounds} seconds.\n"
    return {"docs/operations/metrics.md": _INTRO + "".join(map(_section, FAMILIES)) + end}


def _section(family: Family) -> str:
    unit = f", in {family.unit}" if family.unit else ""
    lines = [f"\n## {family.exposed}\n", f"{family.help} A {family.kind}{unit}.\n".replace("A info", "An info")]
    if family.labels:
        lines.append("| label | values |\n| --- | --- |")
        lines += [f"| `{one}` | {_OWN.get((family.name, one)) or _LABELS[one]} |" for one in family.labels]
        lines.append("")
    return "\n".join(lines)


def main(root: Path) -> None:
    """Write every generated file below `root`."""
    for path, text in files().items():
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
