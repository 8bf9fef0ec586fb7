"""Schedules and events in the management API: what runs when, run it now, and the description of the event stream."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from seawall.admin.view import Runtime, Schedules, ScheduleView

__all__ = ["Schedule", "ScheduleList", "add_schedules", "events_operation"]

_SCHEDULE: JsonDict = {
    "name": "forecast",
    "call": "GET /weather/v1/forecast",
    "rhythm": "900s",
    "publish": "home.weather",
    "running": False,
    "elsewhere": False,
    "last": 1767225600.0,
    "last_seconds": 0.21,
    "result": "ok",
    "status": 200,
    "detail": "",
    "succeeded": 1767225600.0,
    "next": 1767226542.5,
    "late": 0.0,
    "runs": {"ok": 96},
}

_EVENTS = (
    "Server-sent events (text/event-stream) without an end. Each is one line of JSON with `channel`, `time` and "
    "`data`, 8 KiB at most. A comment comes every 15 seconds without a message. Who comes back with Last-Event-ID is "
    "first given what was missed, as far as it is kept."
)


class Schedule(BaseModel):
    """One schedule as it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_SCHEDULE]})

    name: str = Field(description="Its name in the settings.")
    call: str = Field(description="Method and path, without the query.")
    rhythm: str = Field(description="`every` in seconds, or the cron expression and its time zone.")
    publish: str = Field(description="Channel its answers are published on, empty where they are not.")
    running: bool = Field(description="Whether a run is under way.")
    elsewhere: bool = Field(description="Whether another replica has the run that was due last.")
    last: float | None = Field(description="When the latest run started, in seconds since the epoch.")
    last_seconds: float = Field(description="How long it took.", ge=0)
    result: Literal["", "ok", "failed", "unpublished"] = Field(
        description="What it came to; unpublished: the answer is good and cannot be published."
    )
    status: int = Field(description="Of its answer, 0 where there was none.")
    detail: str = Field(description="What is wrong, in words.")
    succeeded: float | None = Field(description="When the latest good run started.")
    next: float | None = Field(description="When the next one starts.")
    late: float = Field(description="Seconds since a run was due that has not begun.", ge=0)
    runs: dict[str, int] = Field(description="How many runs came to what, since the start.")


class ScheduleList(BaseModel):
    """Every schedule, in the order of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"schedules": [_SCHEDULE]}]})

    schedules: list[Schedule]


def events_operation(errors: Mapping[int | str, dict[str, Any]]) -> dict[str, Any]:
    """Return the description of `/api/v1/events`, which is served beside the framework (admin/events.py)."""
    stream = {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    return {
        "get": {
            "tags": ["events"],
            "summary": "Published messages, as they come",
            "description": _EVENTS,
            "operationId": "events_api_v1_events_get",
            "parameters": [
                _parameter("channel", "query", "Only this channel; may be repeated. Default: all."),
                _parameter("Last-Event-ID", "header", "The last id that was seen."),
            ],
            "responses": {"200": stream, **{str(status): error for status, error in errors.items()}},
        }
    }


def _parameter(name: str, place: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": False, "description": text, "schema": {"type": "string"}}


def add_schedules(
    app: FastAPI, runtime: Runtime, schedules: Schedules, guarded: dict[int | str, dict[str, Any]],
    named: dict[int | str, dict[str, Any]],
) -> None:  # fmt: skip
    """Add the routes of schedules.

    Args:
        app: to add them to.
        runtime: what is shown.
        schedules: what can be run.
        guarded: errors of every route.
        named: errors of a route with a name.
    """

    @app.get("/api/v1/schedules", summary="Every schedule", tags=["schedules"], responses=guarded)
    async def every() -> ScheduleList:
        """Every schedule with its latest and next run."""
        return ScheduleList(schedules=[_shown(one) for one in runtime.status().schedules])

    @app.post("/api/v1/schedules/{name}/run", summary="Run a schedule now", tags=["schedules"], responses=named)
    async def run(name: str) -> Schedule:
        """Run a schedule now and answer when it is done; where a run is under way, wait for that one."""
        if not await schedules.run(name):
            known = ", ".join(one.name for one in runtime.status().schedules) or "none"
            raise HTTPException(404, f"No schedule has that name. Schedules: {known}.")
        return next(_shown(one) for one in runtime.status().schedules if one.name == name)


def _shown(view: ScheduleView) -> Schedule:
    return Schedule.model_validate(asdict(view))
