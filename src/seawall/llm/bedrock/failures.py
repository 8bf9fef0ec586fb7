"""Errors of Bedrock: of a whole answer by status and header, inside a stream by name."""

from collections.abc import Mapping
from typing import Any

import orjson

from seawall.contracts.body import Headers
from seawall.llm.bedrock.eventstream import Event

__all__ = ["failure_of", "message_of", "name_of", "parsed"]

# bedrock-runtime 2023-09-30, the exceptions of ConverseStreamOutput
_STATUS: Mapping[str, int] = {
    "internalServerException": 500,
    "modelStreamErrorException": 424,
    "validationException": 400,
    "throttlingException": 429,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 408,
}
_LONGEST = 2048


def failure_of(event: Event) -> tuple[int, str]:
    """Return status and message of an exception inside a stream, or of an error of the transport below it."""
    if event.kind == "error":
        return 500, _said(event.name, event.payload.decode("utf-8", "replace"))
    status = _STATUS.get(event.name[:1].lower() + event.name[1:], 500)
    said = parsed(event.payload)
    original = said.get("originalStatusCode")
    if status == 424 and isinstance(original, int) and 400 <= original <= 599:
        status = original  # the model's own error, which says more than that there was one
    return status, _said(event.name, message_of(said))


def message_of(said: Mapping[str, Any]) -> str:
    """Return the message of an error's document, in whichever way it is spelled."""
    for name in ("message", "Message", "originalMessage"):
        value = said.get(name)
        if isinstance(value, str) and value:
            return value[:_LONGEST]
    return ""


def name_of(headers: Headers) -> str:
    """Return the name of an error from `x-amzn-errortype`: what stands before a colon or behind a hash."""
    for name, value in headers:
        if name == b"x-amzn-errortype":
            return value.decode("latin-1").partition(":")[0].rpartition("#")[2][:128]
    return ""


def parsed(payload: bytes) -> dict[str, Any]:
    """Return the object that a payload is, an empty one where it is none."""
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _said(name: str, message: str) -> str:
    return f"{name}: {message}"[:_LONGEST] if message else name or "The stream ended in an error"
