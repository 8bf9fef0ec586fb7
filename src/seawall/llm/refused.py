"""Errors in the shapes of both dialects, and which status an error's own words mean."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.llm.seam import Api, Operation

__all__ = ["error_body", "error_event", "kind_of", "status_of"]

_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_ANTHROPIC: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
_OPENAI: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


def status_of(kind: object, code: object) -> int:
    """Return the HTTP status that an error inside a stream means, 500 where its words say nothing.

    Args:
        kind: its `type`.
        code: its `code`; some providers put a status there.
    """
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    for word in (code, kind):
        if isinstance(word, str) and word in _STATUS:
            return _STATUS[word]
    return 500


def kind_of(dialect: Api, status: int) -> str:
    """Return the dialect's word for an error with a status."""
    if dialect == "anthropic":
        return _ANTHROPIC.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return _OPENAI.get(status, "server_error" if status >= 500 else "invalid_request_error")


def _error(kind: str, code: str | None, message: str, param: str | None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": param, "code": code}


def error_body(
    dialect: Api, status: int, message: str, *, kind: str = "", code: str | None = None, param: str | None = None
) -> bytes:
    """Return an error's body in a dialect's shape.

    Args:
        dialect: of the client.
        status: of the answer.
        message: what is wrong; holds no key and no body.
        kind: the error's type, that of the status where it is empty.
        code: OpenAI's finer word.
        param: the field at fault.
    """
    kind = kind or kind_of(dialect, status)
    if dialect == "anthropic":
        return orjson.dumps({"type": "error", "error": {"type": kind, "message": message}})
    return orjson.dumps({"error": _error(kind, code, message, param)})


def error_event(dialect: Api, operation: Operation, status: int, message: str, *, code: str | None = None) -> bytes:
    """Return the event that ends a stream in an error, as the dialect's SDKs expect it."""
    if dialect == "anthropic":
        return b"event: error\ndata: " + error_body(dialect, status, message) + b"\n\n"
    error = _error(kind_of(dialect, status), code, message, None)
    if operation == "responses":
        whole = {"type": "error", "sequence_number": 0, "code": code, "message": message, "param": None, "error": error}
        return b"event: error\ndata: " + orjson.dumps(whole) + b"\n\n"
    return b"data: " + orjson.dumps({"error": error}) + b"\n\n"
