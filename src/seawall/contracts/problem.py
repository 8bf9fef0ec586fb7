"""Errors in one shape: `application/problem+json` (RFC 9457), readable by OpenAI SDKs too."""

import math

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.errors import CallError
from seawall.contracts.reply import Reply

__all__ = ["problem", "problem_of"]

# RFC 9209 section 2.3: error types of Proxy-Status
_PROXY_ERROR = {
    "deadline": b"http_response_timeout",
    "upstream-timeout": b"http_response_timeout",
    "upstream-unreachable": b"destination_unavailable",
    "upstream-broken": b"http_protocol_error",
    "address-refused": b"destination_ip_prohibited",
    "saturated": b"connection_limit_reached",
    "breaker-open": b"destination_unavailable",
    "not-found": b"destination_not_found",
}


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str = "",
    *,
    policy: str = "",
    upstream: str = "",
    retry_after: float | None = None,
    request_id: str = "",
) -> Reply:
    """Return a problem reply.

    Args:
        status: 400..599.
        kind: last part of `urn:seawall:…`, or a whole URI.
        title: the same for every occurrence of this kind.
        detail: this occurrence; holds no secret, query or body.
        policy: the policy that decided, if one did.
        upstream: name from settings.
        retry_after: seconds; rounded up, since clients must not come early.
        request_id: of the call.
    """
    uri = kind if ":" in kind else f"urn:seawall:{kind}"
    short = "quota-exceeded" if kind.endswith("#quota-exceeded") else kind
    text = detail or title
    body: dict[str, object] = {
        "type": uri,
        "title": title,
        "status": status,
        "detail": text,
        "instance": f"urn:seawall:call:{request_id}" if request_id else None,
        "policy": policy or None,
        "upstream": upstream or None,
        "retry_after": retry_after,
        "request_id": request_id or None,
        "error": {"message": text, "type": short, "code": short, "param": None},
    }
    status_member = b"seawall; error=" + _PROXY_ERROR.get(
        kind, b"http_request_denied" if status < 500 else b"proxy_internal_error"
    )
    headers: Headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        (b"proxy-status", status_member),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(0, math.ceil(retry_after))))
    elif status in (429, 503):
        headers.append((b"retry-after", b"1"))
    return Reply(status, headers, orjson.dumps({key: value for key, value in body.items() if value is not None}))


def problem_of(error: CallError, *, upstream: str = "", request_id: str = "") -> Reply:
    """Return the problem reply of a call's error."""
    reply = problem(
        error.status_hint,
        error.type,
        error.title,
        error.detail,
        policy=error.policy,
        upstream=upstream,
        retry_after=error.retry_after,
        request_id=request_id,
    )
    reply.headers += error.headers
    return reply
