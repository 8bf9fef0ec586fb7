"""The document of `/diagnostics`: what one wants to see first when something is odd."""

from dataclasses import asdict
from typing import Any

from seawall.admin.health import readiness
from seawall.admin.view import Runtime

__all__ = ["MOST_TASKS", "diagnostics"]

MOST_TASKS = 200  # names shown; their number is always told


def diagnostics(runtime: Runtime) -> dict[str, Any]:
    """Return the document as plain values; settings come masked."""
    status = runtime.status()
    ready, reason = readiness(status)
    tasks = runtime.tasks()
    return {
        "phase": status.phase,
        "ready": ready,
        "reason": reason,
        "time": status.wall,
        "versions": dict(runtime.versions()),
        "vitals": asdict(status.vitals),
        "upstreams": [asdict(one) for one in status.upstreams],
        "cache": asdict(status.cache),
        "schedules": [asdict(one) for one in status.schedules],
        "stores": [asdict(one) for one in status.stores],
        "tasks": {"count": len(tasks), "names": list(tasks[:MOST_TASKS])},
        "settings": dict(runtime.settings()),
    }
