"""The management API `/api/v1` and its reference page, on FastAPI; imported only when first asked for."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from seawall import __version__
from seawall.admin.cache import add_cache
from seawall.admin.callers import add_callers
from seawall.admin.failures import GUARDED, Errors, error
from seawall.admin.health import shut
from seawall.admin.kept import KeepsAnswers
from seawall.admin.models import (
    BreakerHold,
    Problem,
    Reloaded,
    SettingsShown,
    Upstream,
    Upstreams,
    Version,
    shown,
    version_of,
)
from seawall.admin.reference import page
from seawall.admin.schedules import add_schedules, events_operation
from seawall.admin.spending import add_spending
from seawall.admin.view import Controls, KeepsCallers, KeepsLedger, Reloads, Runtime, Schedules
from seawall.contracts.errors import SettingsError
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.observers.redact import Redactor

__all__ = ["CSP", "build"]

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_FAULT = "upstreams.weather.retry.attempts: must be at least 1, got 0 (for example 3)"
_NAMED: Errors = {
    **GUARDED,
    404: error(
        "There is no such upstream or target.",
        404, "not-found", "Not found", "No upstream has that name. Upstreams: weather.",
    ),
}  # fmt: skip
_SCHEDULED: Errors = {
    **GUARDED,
    404: error(
        "There is no such schedule.",
        404, "not-found", "Not found", "No schedule has that name. Schedules: forecast.",
    ),
}  # fmt: skip
_LISTENED: Errors = {
    **GUARDED,
    400: error(
        "A channel is no name.",
        400, "bad-request", "The request cannot be used", "`channel` is the name of a channel: ?channel=home.weather",
    ),
    503: error(
        "As many listen already as may, or the gateway is ending.",
        503, "saturated", "Nobody more can listen now", "64 listen already, which is the most.",
    ),
}  # fmt: skip
_HELD: Errors = {
    **_NAMED,
    422: error(
        "The body is not what it should be.",
        422, "bad-request", "The request's body is not what it should be", "body.hold: Input should be 'open'",
    ),
}  # fmt: skip
_LOADED: Errors = {
    **GUARDED,
    422: error(
        "The settings have faults; the old ones stay in force.",
        422, "settings", "The settings cannot be used", _FAULT, faults=[_FAULT],
    ),
}  # fmt: skip


def build(runtime: Runtime, redact: Redactor) -> FastAPI:
    """Return the app of `/api/v1`, `/docs` and `/openapi.json`; in any thread, it asks the runtime nothing yet."""

    class Redacted(JSONResponse):
        """JSON without secrets, whatever the settings held."""

        def render(self, content: Any) -> bytes:
            return redact.line(orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS))

    app = FastAPI(
        title="Seawall management API",
        version=__version__,
        description="What the gateway is doing now. Errors are application/problem+json.",
        docs_url=None,
        redoc_url=None,
        default_response_class=Redacted,
        redirect_slashes=False,
    )
    app.add_exception_handler(AnyHTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SettingsError, _faulty)
    _routes(app, runtime)
    if isinstance(runtime, Controls):
        _controls(app, runtime, runtime)
    if isinstance(runtime, Reloads):
        _reload(app, runtime, runtime)
    if isinstance(runtime, Schedules):
        add_schedules(app, runtime, runtime, GUARDED, _SCHEDULED)
    if isinstance(runtime, KeepsAnswers):
        add_cache(app, runtime, runtime)
    if isinstance(runtime, KeepsCallers):
        add_callers(app, runtime, runtime.callers)
    if isinstance(runtime, KeepsLedger):
        add_spending(app, runtime.ledger)
    _pages(app)
    return app


def _routes(app: FastAPI, runtime: Runtime) -> None:
    @app.get("/api/v1/upstreams", summary="Every upstream", tags=["upstreams"], responses=GUARDED)
    async def upstreams() -> Upstreams:
        """Every upstream with its targets, breakers, queues and the last minute's traffic."""
        return Upstreams(upstreams=[shown(one, shut(one)) for one in runtime.status().upstreams])

    @app.get("/api/v1/upstreams/{name}", summary="One upstream", tags=["upstreams"], responses=_NAMED)
    async def upstream(name: str) -> Upstream:
        """One upstream by its name in the settings."""
        return _found(runtime, name)

    @app.get("/api/v1/version", summary="What is running", tags=["gateway"], responses=GUARDED)
    async def version() -> Version:
        """Versions of Seawall and what it runs on, and whether it is ready."""
        return version_of(runtime.status(), dict(runtime.versions()))

    @app.get("/api/v1/settings", summary="The settings in force", tags=["gateway"], responses=GUARDED)
    async def settings() -> SettingsShown:
        """The settings in force, every secret masked."""
        return SettingsShown(settings=dict(runtime.settings()))


def _controls(app: FastAPI, runtime: Runtime, controls: Controls) -> None:
    path = "/api/v1/upstreams/{name}"

    @app.put(f"{path}/breaker", summary="Hold all breakers of an upstream", tags=["upstreams"], responses=_HELD)
    async def hold_all(name: str, wanted: BreakerHold) -> Upstream:
        """Hold every breaker of an upstream open or closed until let go with null; a restart lets them go too."""
        held = [controls.force(name, one.label, wanted.hold) for one in _found(runtime, name).targets]
        if not any(held):
            raise HTTPException(404, "The upstream has no breaker.")
        return _found(runtime, name)

    @app.put(f"{path}/targets/{{label}}/breaker", summary="Hold a breaker", tags=["upstreams"], responses=_HELD)
    async def hold(name: str, label: str, wanted: BreakerHold) -> Upstream:
        """Hold a target's breaker open or closed until it is let go with null; a restart lets it go too."""
        upstream = _found(runtime, name)
        if not controls.force(name, label, wanted.hold):
            targets = ", ".join(one.label for one in upstream.targets) or "none"
            raise HTTPException(404, f"No target of that label has a breaker. Targets: {targets}.")
        return _found(runtime, name)


def _reload(app: FastAPI, runtime: Runtime, settings: Reloads) -> None:
    @app.post("/api/v1/reload", summary="Load the settings again", tags=["gateway"], responses=_LOADED)
    async def reload() -> Reloaded:
        """Load the settings file again, as SIGHUP does: new calls use it, calls under way end on the old settings."""
        waiting = await settings.reload()
        return Reloaded(upstreams=[one.name for one in runtime.status().upstreams], restart_needed_for=list(waiting))


def _found(runtime: Runtime, name: str) -> Upstream:
    known = {one.name: one for one in runtime.status().upstreams}
    if name not in known:
        raise HTTPException(404, f"No upstream has that name. Upstreams: {', '.join(known) or 'none'}.")
    return shown(known[name], shut(known[name]))


def _pages(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        """Add the shape of errors, which no route returns by itself, and take out the framework's own."""
        document = generate()
        document["paths"]["/api/v1/events"] = events_operation(_LISTENED)
        for operation in (one for methods in document["paths"].values() for one in methods.values()):
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]  # a name in a path is any text
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].setdefault("Problem", schema)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    style = files("seawall.admin").joinpath("reference.css").read_text("utf-8")
    text = page(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(text, headers=_HEADERS)

    @app.get("/docs/reference.css", include_in_schema=False)
    async def css() -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)


async def _invalid(request: Request, error: Exception) -> Response:
    """Say where and which rule, and nothing of what was sent."""
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return _response(problem(422, "bad-request", "The request's body is not what it should be", detail))


async def _faulty(request: Request, error: Exception) -> Response:
    """List every fault of the settings that stay out of force."""
    faults = list(error.faults) if isinstance(error, SettingsError) else []
    response = _response(problem(422, "settings", "The settings cannot be used", "; ".join(faults)))
    body = orjson.dumps({**orjson.loads(response.body), "faults": faults})
    return Response(body, 422, media_type="application/problem+json", headers={"cache-control": "no-store"})


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, AnyHTTPException) else 500
    kinds = {
        404: ("not-found", "Not found"),
        405: ("method-not-allowed", "That method does not work here"),
        409: ("conflict", "That cannot be changed here"),
        422: ("bad-request", "The request's body is not what it should be"),
        503: ("saturated", "The store cannot be asked"),
    }
    kind, title = kinds.get(status, ("bad-request", "The request cannot be used"))
    detail = error.detail if isinstance(error, HTTPException) else ""
    more = (error.headers or {}) if isinstance(error, AnyHTTPException) else {}
    return _response(problem(status, kind, title, detail), more)


def _response(reply: Reply, more: Mapping[str, str] = MappingProxyType({})) -> Response:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    headers |= {name.lower(): value for name, value in more.items()}
    return Response(reply.body if isinstance(reply.body, bytes) else b"", reply.status, headers)
