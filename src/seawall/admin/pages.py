"""Loads what only `/api/v1` and `/docs` need: FastAPI costs a third of a second and many megabytes."""

from seawall.admin.view import Runtime
from seawall.contracts.request import Handler
from seawall.observers.redact import Redactor

__all__ = ["load"]


def load(runtime: Runtime, redact: Redactor) -> Handler:
    """Return the handler of `/api/v1`, `/docs` and `/openapi.json`; imports FastAPI, so not on the loop's thread."""
    from seawall.admin.api import build
    from seawall.server.asgi import asgi_handler

    return asgi_handler(build(runtime, redact))
