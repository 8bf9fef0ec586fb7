"""What is well, as values: `pass`, `warn` or `fail`, and why (draft-inadarei-api-health-check-06)."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from seawall.admin.view import ScheduleView, Status, StoreView, TargetView, UpstreamView

__all__ = ["Verdict", "checks", "health", "readiness", "shut", "verdict"]

Verdict = Literal["pass", "warn", "fail"]

_FAILING = 0.5  # share of a minute's attempts without an answer or with a 5xx
_ENOUGH = 5  # attempts in that minute
_LATE = 0.25  # seconds of loop lag worth a warning
_OVERDUE = 60.0  # seconds for which a run has been due


def readiness(status: Status) -> tuple[Verdict, str]:
    """Return the verdict of `/ready` and why.

    It fails only while starting or draining, or for a required upstream none of whose targets may be called, or a
    required store that is lost: a load balancer must not take every replica out for anything else (semantics 9.1).
    """
    if status.phase != "ready":
        return "fail", f"The gateway is {status.phase}"
    down = [f"upstream {one.name}" for one in status.upstreams if shut(one)]
    lost = [f"store {one.name}" for one in status.stores if not one.connected]
    required = [f"upstream {one.name}" for one in status.upstreams if one.required and shut(one)]
    required += [f"store {one.name}" for one in status.stores if one.required and not one.connected]
    if required:
        return "fail", f"Required and not available: {', '.join(required)}"
    if down or lost:
        return "warn", f"Not available: {', '.join(down + lost)}"
    return "pass", ""


def verdict(status: Status) -> tuple[Verdict, str]:
    """Return the verdict of `/health`: readiness, and a warning for what is not well yet serves."""
    ready, reason = readiness(status)
    if ready != "pass":
        return ready, reason
    warnings = [
        f"{key}: {one.get('output', one['observedValue'])}"
        for key, found in checks(status).items()
        for one in found
        if one["status"] != "pass"
    ]
    return ("warn", "; ".join(warnings)) if warnings else ("pass", "")


def health(status: Status, detail: bool = True) -> dict[str, Any]:
    """Return the document of `/health`; without `detail` only its verdict."""
    worst, reason = verdict(status)
    document: dict[str, Any] = {"status": worst, "version": status.version.partition(".")[0], "serviceId": "seawall"}
    if detail:
        document |= {"releaseId": status.version, "checks": checks(status)}
        if reason:
            document["output"] = reason
    return document


def checks(status: Status) -> Mapping[str, list[dict[str, Any]]]:
    """Return the `checks` member: arrays under `component:measurement` (section 4)."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status.wall))
    found: dict[str, list[dict[str, Any]]] = {}
    for upstream in status.upstreams:
        found[f"{upstream.name}:breaker"] = [_breaker(upstream, target, at) for target in upstream.targets]
        found[f"{upstream.name}:failures"] = [_failures(upstream, at)]
        found[f"{upstream.name}:responseTime"] = [
            _check(upstream.name, "component", round(upstream.traffic.mean_seconds * 1000, 3), "ms", "pass", at)
        ]
    for schedule in status.schedules:
        found[f"{schedule.name}:schedule"] = [_schedule(schedule, at)]
    for store in status.stores:
        found[f"{store.name}:connection"] = [_store(store, at)]
    vitals = status.vitals
    found["loop:lag"] = [
        _check("", "system", round(vitals.lag_max * 1000, 3), "ms", "warn" if vitals.lag_max > _LATE else "pass", at)
    ]
    found["memory:resident"] = [_check("", "system", vitals.resident, "bytes", "pass", at)]
    found["uptime"] = [_check("", "system", round(vitals.uptime, 3), "s", "pass", at)]
    return found


def shut(upstream: UpstreamView) -> bool:
    """Return whether every target's breaker refuses."""
    return bool(upstream.targets) and all(_blocks(target) for target in upstream.targets)


def _blocks(target: TargetView) -> bool:
    return target.mode == "forced_open" or (target.mode == "on" and target.breaker == "open")


def _breaker(upstream: UpstreamView, target: TargetView, at: str) -> dict[str, Any]:
    worst: Verdict = "pass"
    if target.breaker in ("open", "half_open"):
        worst = "fail" if upstream.required and shut(upstream) else "warn"
    check = _check(target.label, "component", target.breaker, "", worst, at)
    if target.breaker == "open" and target.retry_after > 0:
        check["output"] = f"open, tried again in {target.retry_after:.0f} s"
    return check


def _failures(upstream: UpstreamView, at: str) -> dict[str, Any]:
    traffic = upstream.traffic
    failing = traffic.attempts >= _ENOUGH and traffic.failures >= _FAILING * traffic.attempts
    share = round(100 * traffic.failures / traffic.attempts, 1) if traffic.attempts else 0.0
    check = _check(upstream.name, "component", share, "percent", "warn" if failing else "pass", at)
    if failing:
        check["output"] = f"{traffic.failures} of {traffic.attempts} attempts of the last minute failed"
    return check


def _schedule(schedule: ScheduleView, at: str) -> dict[str, Any]:
    late = schedule.late > _OVERDUE
    well = not late and schedule.result in ("", "ok")
    check = _check(schedule.name, "component", schedule.result or "waiting", "", "pass" if well else "warn", at)
    if late:
        check["output"] = f"a run has been due for {schedule.late:.0f} s"
    elif not well:
        check["output"] = f"{schedule.result}, {schedule.detail}"
    return check


def _store(store: StoreView, at: str) -> dict[str, Any]:
    worst: Verdict = "pass" if store.connected else "fail" if store.required else "warn"
    return _check(store.name, "datastore", "connected" if store.connected else "lost", "", worst, at)


def _check(component: str, kind: str, value: object, unit: str, status: Verdict, at: str) -> dict[str, Any]:
    members: Iterable[tuple[str, object]] = (
        ("componentId", component),
        ("componentType", kind),
        ("observedValue", value),
        ("observedUnit", unit),
        ("status", status),
        ("time", at),
    )
    return {name: member for name, member in members if member != ""}
