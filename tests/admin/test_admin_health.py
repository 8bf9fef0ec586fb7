"""When the gateway is ready, what is well, and how that is told."""

from dataclasses import replace
from typing import Any

import pytest

from seawall.admin.diagnostics import MOST_TASKS, diagnostics
from seawall.admin.health import checks, health, readiness, verdict
from seawall.admin.view import ScheduleView, Status, StoreView, TargetView, TrafficView, UpstreamView, VitalsView

SHUT = TargetView("eu", "https://eu.example", breaker="open", retry_after=12.4)
SOUND = TargetView("us", "https://us.example")


def status_of(*targets: TargetView, required: bool = False, **changes: Any) -> Status:
    """Return a ready gateway with one upstream."""
    return Status("ready", 0.0, "0.1.0", (UpstreamView("orders", "/orders", required, targets),), **changes)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (status_of(SOUND), "pass"),
        (replace(status_of(SOUND), phase="starting"), "fail"),
        (replace(status_of(SOUND), phase="draining"), "fail"),
        (status_of(SHUT), "warn"),
        (status_of(SHUT, required=True), "fail"),
        (status_of(SHUT, SOUND, required=True), "pass"),
        (status_of(SHUT, SHUT, required=True), "fail"),
        (status_of(required=True), "pass"),
        (status_of(replace(SHUT, breaker="half_open"), required=True), "pass"),
        (status_of(replace(SHUT, mode="shadow"), required=True), "pass"),
        (status_of(replace(SOUND, mode="forced_open"), required=True), "fail"),
        (status_of(replace(SHUT, mode="forced_closed"), required=True), "pass"),
        (status_of(SOUND, stores=(StoreView("state", "redis://x", False),)), "warn"),
        (status_of(SOUND, stores=(StoreView("state", "redis://x", False, True),)), "fail"),
        (status_of(SOUND, stores=(StoreView("state", "redis://x", True, True),)), "pass"),
    ],
)
def test_ready_fails_only_for_what_is_required(status: Status, expected: str) -> None:
    """Starting, draining, a required upstream none of whose targets may be called, a required store that is lost."""
    assert readiness(status)[0] == expected


def test_the_reason_names_what_is_missing() -> None:
    """By name, required things first."""
    lost = (StoreView("state", "redis://x", False),)
    assert readiness(status_of(SHUT, stores=lost)) == ("warn", "Not available: upstream orders, store state")
    assert readiness(status_of(SHUT, required=True, stores=lost)) == (
        "fail",
        "Required and not available: upstream orders",
    )
    assert readiness(replace(status_of(), phase="draining")) == ("fail", "The gateway is draining")


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        (TrafficView(0, 0), "pass"),
        (TrafficView(4, 4), "pass"),
        (TrafficView(10, 4), "pass"),
        (TrafficView(10, 5), "warn"),
    ],
)
def test_health_reads_the_traffic_that_went_by(traffic: TrafficView, expected: str) -> None:
    """Half of a minute's attempts failing is a warning, once there are enough to say so."""
    upstream = UpstreamView("orders", "/orders", targets=(SOUND,), traffic=traffic)
    assert verdict(Status("ready", 0.0, "0.1.0", (upstream,)))[0] == expected


def test_one_open_breaker_of_two_is_a_warning_of_health_but_not_of_ready() -> None:
    """The upstream still serves, and somebody should look."""
    status = status_of(SHUT, SOUND)
    assert readiness(status) == ("pass", "")
    assert verdict(status) == ("warn", "orders:breaker: open, tried again in 12 s")


def test_a_late_loop_is_a_warning() -> None:
    """More than a quarter of a second."""
    assert verdict(status_of(SOUND, vitals=VitalsView(lag_max=0.3))) == ("warn", "loop:lag: 300.0")


def test_checks_are_arrays_with_the_members_of_the_draft() -> None:
    """Each check has its value, status and time; measurements have units."""
    found = checks(status_of(SHUT, SOUND, required=True, stores=(StoreView("state", "redis://x", False, True),)))
    assert all(isinstance(one, list) for one in found.values())
    assert found["orders:breaker"][0] == {
        "componentId": "eu",
        "componentType": "component",
        "observedValue": "open",
        "status": "warn",
        "time": "1970-01-01T00:00:00Z",
        "output": "open, tried again in 12 s",
    }
    assert found["state:connection"][0]["status"] == "fail"
    assert found["state:connection"][0]["componentType"] == "datastore"
    assert found["uptime"][0]["observedUnit"] == "s"


def test_a_required_upstream_that_is_down_fails_its_check() -> None:
    """The check says fail where the whole does."""
    found = checks(status_of(SHUT, required=True))
    assert found["orders:breaker"][0]["status"] == "fail"


def test_health_without_detail_names_nothing() -> None:
    """Who has no token learns the verdict and nothing about upstreams."""
    document = health(status_of(SHUT), detail=False)
    assert document == {"status": "warn", "version": "0", "serviceId": "seawall"}
    assert "orders" in str(health(status_of(SHUT)))
    assert "output" not in health(status_of(SOUND))


async def test_diagnostics_shows_everything_and_bounds_the_tasks(runtime: Any) -> None:
    """Settings, versions, upstreams with pools and queues; of very many tasks the first and their number."""
    runtime.running = tuple(f"task-{number}" for number in range(MOST_TASKS + 50))
    document = diagnostics(runtime)
    assert document["upstreams"][0]["targets"][0]["pool"] == {"idle": 2, "busy": 1, "waiting": 0}
    assert document["upstreams"][0]["queues"][0]["limit"] == 8
    assert document["settings"]["server"]["admin_token"] == "***"
    assert (document["tasks"]["count"], len(document["tasks"]["names"])) == (MOST_TASKS + 50, MOST_TASKS)
    assert (document["phase"], document["ready"], document["reason"]) == ("ready", "pass", "")


@pytest.mark.parametrize(
    ("result", "late", "expected", "output"),
    [
        ("", 0.0, ("pass", "waiting"), None),
        ("ok", 59.0, ("pass", "ok"), None),
        ("ok", 61.0, ("warn", "ok"), "a run has been due for 61 s"),
        ("failed", 0.0, ("warn", "failed"), "failed, the answer was 503"),
        ("unpublished", 0.0, ("warn", "unpublished"), "unpublished, the answer was 503"),
    ],
)
def test_a_schedule_that_fails_or_is_late_is_a_warning(
    result: str, late: float, expected: tuple[str, str], output: str | None
) -> None:
    """Of health and not of readiness: what is polled may be down, the gateway serves."""
    view = ScheduleView("forecast", "GET /weather/x", "900s", result=result, detail="the answer was 503", late=late)
    status = Status("ready", 0.0, "1", schedules=(view,))
    (check,) = checks(status)["forecast:schedule"]
    assert (check["status"], check["observedValue"], check.get("output")) == (*expected, output)
    assert (readiness(status)[0], verdict(status)[0]) == ("pass", expected[0])
