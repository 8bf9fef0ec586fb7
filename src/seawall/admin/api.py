"""The management API `/api/v1` and its reference page, on FastAPI; imported only when first asked for."""

from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from seawall import __version__
from seawall.admin.health import shut
from seawall.admin.models import BreakerHold, Problem, SettingsShown, Upstream, Upstreams, Version, shown, version_of
from seawall.admin.reference import page
from seawall.admin.view import Controls, Runtime
from seawall.contracts.problem import problem
from seawall.observers.redact import Redactor

__all__ = ["CSP", "build"]

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "The admin token is missing or wrong.", "content": {"application/problem+json": {}}},
    404: {
        "description": "There is no such upstream.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


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
    _routes(app, runtime)
    if isinstance(runtime, Controls):
        _controls(app, runtime, runtime)
    _pages(app)
    return app


def _routes(app: FastAPI, runtime: Runtime) -> None:
    unauthenticated: dict[int | str, dict[str, Any]] = {401: _PROBLEMS[401]}

    @app.get("/api/v1/upstreams", summary="Every upstream", tags=["upstreams"], responses=unauthenticated)
    async def upstreams() -> Upstreams:
        """Every upstream with its targets, breakers, queues and the last minute's traffic."""
        return Upstreams(upstreams=[shown(one, shut(one)) for one in runtime.status().upstreams])

    @app.get("/api/v1/upstreams/{name}", summary="One upstream", tags=["upstreams"], responses=_PROBLEMS)
    async def upstream(name: str) -> Upstream:
        """One upstream by its name in the settings."""
        return _found(runtime, name)

    @app.get("/api/v1/version", summary="What is running", tags=["gateway"], responses=unauthenticated)
    async def version() -> Version:
        """Versions of Seawall and what it runs on, and whether it is ready."""
        return version_of(runtime.status(), dict(runtime.versions()))

    @app.get("/api/v1/settings", summary="The settings in force", tags=["gateway"], responses=unauthenticated)
    async def settings() -> SettingsShown:
        """The settings in force, every secret masked."""
        return SettingsShown(settings=dict(runtime.settings()))


def _controls(app: FastAPI, runtime: Runtime, controls: Controls) -> None:
    path = "/api/v1/upstreams/{name}/targets/{label}/breaker"

    @app.put(path, summary="Hold a breaker", tags=["upstreams"], responses=_PROBLEMS)
    async def hold(name: str, label: str, wanted: BreakerHold) -> Upstream:
        """Hold a target's breaker open or closed until it is let go with null; a restart lets it go too."""
        upstream = _found(runtime, name)
        if not controls.force(name, label, wanted.hold):
            targets = ", ".join(one.label for one in upstream.targets) or "none"
            raise HTTPException(404, f"No target of that label has a breaker. Targets: {targets}.")
        return _found(runtime, name)


def _found(runtime: Runtime, name: str) -> Upstream:
    known = {one.name: one for one in runtime.status().upstreams}
    if name not in known:
        raise HTTPException(404, f"No upstream has that name. Upstreams: {', '.join(known) or 'none'}.")
    return shown(known[name], shut(known[name]))


def _pages(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        """Add the shape of errors, which no route returns by itself."""
        document = generate()
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
    reply = problem(422, "bad-request", "The request's body is not what it should be", detail)
    body = reply.body if isinstance(reply.body, bytes) else b""
    return Response(body, 422, {name.decode(): value.decode() for name, value in reply.headers})


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, AnyHTTPException) else 500
    kinds = {404: ("not-found", "Not found"), 405: ("method-not-allowed", "That method does not work here")}
    kind, title = kinds.get(status, ("bad-request", "The request cannot be used"))
    detail = error.detail if isinstance(error, HTTPException) else ""
    reply = problem(status, kind, title, detail)
    body = reply.body if isinstance(reply.body, bytes) else b""
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    if isinstance(error, AnyHTTPException):
        headers |= {name.lower(): value for name, value in (error.headers or {}).items()}
    return Response(body, status, headers)
