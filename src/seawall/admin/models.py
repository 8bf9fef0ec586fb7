"""Shapes of the management API; every field is in the OpenAPI document, every example is validated by a test."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from seawall.admin.health import readiness
from seawall.admin.view import QueueView, Status, TargetView, UpstreamView

__all__ = [
    "BreakerHold",
    "Pool",
    "Problem",
    "Queue",
    "Reloaded",
    "SettingsShown",
    "Target",
    "Traffic",
    "Upstream",
    "Upstreams",
    "Version",
]

_TRAFFIC: JsonDict = {"attempts": 240, "failures": 3, "mean_seconds": 0.12}
_POOL: JsonDict = {"idle": 2, "busy": 1, "waiting": 0}
_TARGET: JsonDict = {
    "label": "weather",
    "url": "https://api.open-meteo.com",
    "breaker": "closed",
    "mode": "on",
    "retry_after": 0.0,
    "paused": 0.0,
    "pool": _POOL,
}
_QUEUE: JsonDict = {"route": "", "used": 1, "limit": 8, "waiting": 0, "most": 32}
_UPSTREAM: JsonDict = {
    "name": "weather",
    "mount": "/weather",
    "required": False,
    "state": "up",
    "targets": [_TARGET],
    "queues": [_QUEUE],
    "traffic": _TRAFFIC,
    "routes": ["GET /v1/forecast"],
    "policies": {"retry": "3 attempts, 100ms to 2s"},
}


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Traffic(_Shape):
    """What went to an upstream within the last minute."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TRAFFIC]})

    attempts: int = Field(description="Attempts that ended.", ge=0)
    failures: int = Field(description="Of them, those without an answer or with a 5xx.", ge=0)
    mean_seconds: float = Field(description="Mean time of an attempt, in seconds.", ge=0)


class Pool(_Shape):
    """Connections to one target."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POOL]})

    idle: int = Field(description="Kept open, in no use.")
    busy: int = Field(description="Carrying a call.")
    waiting: int = Field(description="Calls that wait for a connection.")


class Target(_Shape):
    """One address of an upstream."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TARGET]})

    label: str = Field(description="The target's label.")
    url: str = Field(description="Scheme, host, port and base.")
    breaker: Literal["closed", "open", "half_open", "off"] = Field(description="State of its breaker.")
    mode: Literal["on", "shadow", "forced_open", "forced_closed", "off"] = Field(description="Mode of its breaker.")
    retry_after: float = Field(description="Seconds until an open breaker lets a probe through.")
    paused: float = Field(description="Seconds for which it asked to be left alone.")
    pool: Pool


class BreakerHold(_Shape):
    """How a breaker is to decide."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"hold": "open"}, {"hold": "closed"}]})

    hold: Literal["open", "closed"] | None = Field(
        description="open refuses every call, closed lets every call through, null lets the breaker decide again."
    )


class Queue(_Shape):
    """One concurrency limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_QUEUE]})

    route: str = Field(description="The route it belongs to; empty for the upstream's own.")
    used: int = Field(description="Slots in use.")
    limit: int = Field(description="Slots there are.")
    waiting: int = Field(description="Calls that wait.")
    most: int = Field(description="Calls that may wait.")


class Upstream(_Shape):
    """One upstream as it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UPSTREAM]})

    name: str = Field(description="Its name in the settings.")
    mount: str = Field(description="Where it stands in the gateway's paths.")
    required: bool = Field(description="Whether /ready fails while it is down.")
    state: Literal["up", "down"] = Field(description="Down while every target's breaker refuses.")
    targets: list[Target]
    queues: list[Queue]
    traffic: Traffic
    routes: list[str] = Field(description="Names of its routes, in order of matching.")
    policies: dict[str, str] = Field(description="Its policies, each with its values in one line.")


class Upstreams(_Shape):
    """Every upstream, in the order of the settings."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"upstreams": [_UPSTREAM]}]})

    upstreams: list[Upstream]


class Version(_Shape):
    """What is running."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": "0.1.0", "ready": "pass", "versions": {"python": "3.11.9"}}]}
    )

    version: str = Field(description="Of Seawall.")
    ready: Literal["pass", "warn", "fail"] = Field(description="The verdict of /ready.")
    versions: dict[str, str] = Field(description="Of Python, the loop and libraries.")


class SettingsShown(_Shape):
    """The settings in force, every secret masked."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"settings": {"server": {"listen": "127.0.0.1:8080", "admin_token": "***"}}}]}
    )

    settings: dict[str, Any] = Field(description="By table, as in seawall.toml.")


class Reloaded(_Shape):
    """What a reload came to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"upstreams": ["weather", "lamps"], "restart_needed_for": ["log"]}]}
    )

    upstreams: list[str] = Field(description="Every upstream now in force.")
    restart_needed_for: list[str] = Field(
        description="Tables that have changed and stay as they were until a restart: of server, log, memory."
    )


class Problem(BaseModel):
    """An error in the one shape of all errors (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:seawall:not-found",
                    "title": "No such upstream",
                    "status": 404,
                    "detail": "Upstreams: weather, lamps.",
                    "error": {"message": "Upstreams: weather, lamps.", "type": "not-found", "code": "not-found"},
                }
            ]
        }
    )

    type: str = Field(description="What kind of problem, a URI.")
    title: str = Field(description="The same for every occurrence of it.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This occurrence.")
    error: dict[str, Any] = Field(description="The same for SDKs that read `error`.")
    faults: list[str] | None = Field(None, description="Everything that is wrong with the settings, one line each.")


def shown(view: UpstreamView, shut: bool) -> Upstream:
    """Return the shape of one upstream; `shut` when every target's breaker refuses."""
    return Upstream(
        name=view.name,
        mount=view.mount,
        required=view.required,
        state="down" if shut else "up",
        targets=[_target(one) for one in view.targets],
        queues=[_queue(one) for one in view.queues],
        traffic=Traffic(**{name: getattr(view.traffic, name) for name in Traffic.model_fields}),
        routes=list(view.routes),
        policies=dict(view.policies),
    )


def version_of(status: Status, versions: dict[str, str]) -> Version:
    """Return the shape of what is running."""
    return Version(version=status.version, ready=readiness(status)[0], versions=versions)


def _target(view: TargetView) -> Target:
    pool = Pool(idle=view.pool.idle, busy=view.pool.busy, waiting=view.pool.waiting)
    return Target.model_validate(
        {name: getattr(view, name) for name in Target.model_fields if name != "pool"} | {"pool": pool}
    )


def _queue(view: QueueView) -> Queue:
    return Queue(**{name: getattr(view, name) for name in Queue.model_fields})
