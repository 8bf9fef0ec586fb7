"""Loads what only `/api/v1` and `/docs` need: FastAPI costs a third of a second and many megabytes."""

from typing import Protocol

from seawall.admin.view import Runtime
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.observers.redact import Redactor

__all__ = ["Pages", "load"]


class Pages(Protocol):
    """A `Handler` with something to take down."""

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    async def close(self) -> None:
        """End what still runs."""
        ...


def load(runtime: Runtime, redact: Redactor) -> Pages:
    """Return the handler of `/api/v1`, `/docs` and `/openapi.json`; imports FastAPI, so not on the loop's thread."""
    from seawall.admin.api import build
    from seawall.server.asgi import asgi_handler

    return asgi_handler(build(runtime, redact))
