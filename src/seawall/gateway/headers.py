"""Header hygiene in both directions (security.md 5, RFC 9110 section 7.6)."""

from collections.abc import Iterable
from operator import itemgetter

from seawall.contracts.body import Headers

__all__ = ["Action", "Actions", "Seen", "actions_for", "clean_reply", "clean_request", "with_limits", "without"]


# What becomes of a request header: kept, dropped, or noted in `Seen` under this name (and kept where `True` says so).
Action = bool | tuple[str, bool]
Actions = dict[bytes, Action]

_DROPPED = (
    # hop-by-hop and framing, which is rebuilt; Host is the target's
    b"host", b"content-length", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"keep-alive", b"expect",
    b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"http2-settings",
    # who the client is said to be: written anew, or nobody's business
    b"forwarded", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix",
    b"x-forwarded-server", b"x-real-ip", b"true-client-ip", b"x-client-ip", b"x-cluster-client-ip",
    # they make another call out of the one whose policies were chosen
    b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"x-http-method", b"x-method-override",
)  # fmt: skip
_KEPT = (
    b"accept", b"accept-encoding", b"accept-language", b"authorization", b"cache-control", b"content-encoding",
    b"content-type", b"cookie", b"if-modified-since", b"if-none-match", b"pragma", b"range", b"referer",
    b"user-agent", b"x-api-key", b"x-stainless-lang", b"x-stainless-runtime",
)  # fmt: skip
_BASE: Actions = {
    **dict.fromkeys(_DROPPED, False),
    **dict.fromkeys(_KEPT, True),
    b"x-request-id": ("request_id", False),
    b"traceparent": ("traceparent", False),
    b"tracestate": ("tracestate", False),
    b"connection": ("connection", False),
    b"via": ("via", False),
    b"x-forwarded-for": ("forwarded_for", False),
    b"x-request-timeout": ("hints", False),
    b"grpc-timeout": ("hints", False),
    b"idempotency-key": ("idempotency_key", True),
    b"x-seawall-key": ("key", False),
    b"origin": ("origin", True),
    b"sec-fetch-site": ("sec_fetch_site", True),
}
# A client may not have these taken away by naming them in Connection: they say who it is and where it goes.
_PROTECTED = frozenset((b"authorization", b"host", b"cookie", b"x-api-key", b"via", b"idempotency-key"))
_LIMITS = frozenset((
    b"ratelimit", b"ratelimit-policy", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset",
    b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests",
    b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens",
))  # fmt: skip
_REPLY_DROPPED = frozenset((
    b"x-request-id",  # ours is sent
    b"alt-svc",  # it would lead the client around the gateway (RFC 7838)
    b"proxy-status",  # RFC 9209 section 2: only trusted members are passed on
))  # fmt: skip


_OWN = b"x-seawall-"
_name = itemgetter(0)
_joined = b"\n".join


class Seen:
    """The request headers the gateway itself reads, None where the client sent none.

    A header that stands several times is joined with commas; where only one is allowed that makes it invalid, which is
    what it is.

    Attributes:
        hints: X-Request-Timeout and grpc-timeout, with their names.
        key: X-Seawall-Key.
    """

    # Defaults on the class and no constructor: most requests set one or two of these.
    connection: bytes | None = None
    forwarded_for: bytes | None = None
    hints: Headers | None = None
    idempotency_key: bytes | None = None
    key: bytes | None = None
    origin: bytes | None = None
    request_id: bytes | None = None
    sec_fetch_site: bytes | None = None
    traceparent: bytes | None = None
    tracestate: bytes | None = None
    via: bytes | None = None

    def note(self, attribute: str, pair: tuple[bytes, bytes]) -> None:
        """Remember a header."""
        if attribute == "hints":
            self.hints = [*(self.hints or ()), pair]
            return
        before = getattr(self, attribute)
        setattr(self, attribute, pair[1] if before is None else before + b", " + pair[1])


def actions_for(own: Iterable[bytes]) -> Actions:
    """Return what becomes of each header for an upstream that adds the headers `own` itself."""
    return {**_BASE, **dict.fromkeys(own, False)}


def clean_request(headers: Headers, actions: Actions) -> tuple[Headers, Seen]:
    """Return what of a client's headers goes upstream, and what the gateway reads of them."""
    out: Headers = []
    seen = Seen()
    get = actions.get
    keep = out.append
    for pair in headers:
        action = get(pair[0])
        if action is True:
            keep(pair)
        elif action is None:
            # an underscore is a dash to some upstreams, so it could smuggle a header past this list
            if 95 not in pair[0] and pair[0][:10] != _OWN:
                keep(pair)
        elif action is not False:
            seen.note(action[0], pair)
            if action[1]:
                keep(pair)
    if seen.connection is not None and seen.connection.lower() not in (b"keep-alive", b"close"):
        out = _without_nominated(out, seen.connection)
    return out, seen


def _without_nominated(headers: Headers, connection: bytes) -> Headers:
    nominated = {token.strip().lower() for token in connection.split(b",")} - _PROTECTED
    return [pair for pair in headers if pair[0] not in nominated]


def without(headers: Headers, key: bytes | None) -> Headers:
    """Return the headers without any that hold a caller's key, which is for us: no upstream sees it (security.md 5)."""
    return headers if not key else [pair for pair in headers if key not in pair[1]]


def clean_reply(headers: Headers, own: frozenset[bytes]) -> Headers:
    """Return what of an upstream's headers goes to the client.

    Args:
        headers: as the wire gives them, without framing and hop-by-hop ones.
        own: names of the headers added to the request for this upstream; one that an upstream echoes is not passed on.
    """
    if _REPLY_DROPPED.isdisjoint(map(_name, headers)) and _joined(map(_name, headers)).find(_OWN) < 0:
        out = headers.copy()  # as nearly always; looking at all names in C costs a fifth of the loop below
    else:
        out = [pair for pair in headers if pair[0] not in _REPLY_DROPPED and pair[0][:10] != _OWN]
    return [pair for pair in out if pair[0] not in own or pair[0] == b"content-type"] if own else out


def with_limits(headers: Headers, limits: Headers) -> Headers:
    """Return the headers of an answer to a caller with limits: an upstream's own limits are for us, ours for it."""
    if _LIMITS.isdisjoint(map(_name, headers)):
        return headers + limits
    out = [pair for pair in headers if pair[0] not in _LIMITS]
    out += limits
    return out
