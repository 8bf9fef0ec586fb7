"""Errors of the management API as its document shows them: each with the body it has."""

from typing import Any

import orjson

from seawall.contracts.problem import problem

__all__ = ["GUARDED", "Errors", "error"]

Errors = dict[int | str, dict[str, Any]]


def error(description: str, status: int, kind: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Return an error of the document, with the body it has as the example."""
    body = problem(status, kind, title, detail).body
    example = {**orjson.loads(body if isinstance(body, bytes) else b"{}"), **more}
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": description, "content": {"application/problem+json": shape}}


GUARDED: Errors = {
    401: error(
        "The admin token is missing.", 401, "unauthenticated", "The admin token is needed",
        "Send it as `Authorization: Bearer <server.admin_token>`.",
    )
}  # fmt: skip
