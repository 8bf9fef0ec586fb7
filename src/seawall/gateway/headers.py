"""Header hygiene in both directions (security.md 5, RFC 9110 section 7.6)."""

from collections.abc import Iterable
from enum import IntEnum

from seawall.contracts.body import Headers

__all__ = ["Action", "Actions", "Seen", "actions_for", "clean_reply", "clean_request"]


class Action(IntEnum):
    """What becomes of a request header; above DROP it is also remembered in `Seen`."""

    KEEP = 0
    DROP = 1
    REQUEST_ID = 2
    TRACEPARENT = 3
    TRACESTATE = 4
    CONNECTION = 5
    VIA = 6
    FORWARDED_FOR = 7
    HINT = 8
    KEEP_AND_NOTE = 9


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
    **dict.fromkeys(_DROPPED, Action.DROP),
    **dict.fromkeys(_KEPT, Action.KEEP),
    b"x-request-id": Action.REQUEST_ID,
    b"traceparent": Action.TRACEPARENT,
    b"tracestate": Action.TRACESTATE,
    b"connection": Action.CONNECTION,
    b"via": Action.VIA,
    b"x-forwarded-for": Action.FORWARDED_FOR,
    b"x-request-timeout": Action.HINT,
    b"grpc-timeout": Action.HINT,
    b"idempotency-key": Action.KEEP_AND_NOTE,
    b"origin": Action.KEEP_AND_NOTE,
    b"sec-fetch-site": Action.KEEP_AND_NOTE,
}
# A client may not have these taken away by naming them in Connection: they say who it is and where it goes.
_PROTECTED = frozenset((b"authorization", b"host", b"cookie", b"x-api-key", b"via", b"idempotency-key"))
_REPLY_DROPPED = frozenset((
    b"x-request-id",  # ours is sent
    b"alt-svc",  # it would lead the client around the gateway (RFC 7838)
    b"proxy-status",  # RFC 9209 section 2: only trusted members are passed on
))  # fmt: skip


class Seen:
    """The request headers the gateway itself reads; None where the client sent none.

    Attributes:
        traceparents: how many there were; more than one is as good as none.
    """

    __slots__ = (
        "connection", "forwarded_for", "hints", "idempotency_key", "origin", "request_id", "sec_fetch_site",
        "traceparent", "traceparents", "tracestate", "via",
    )  # fmt: skip

    def __init__(self) -> None:
        self.connection: bytes | None = None
        self.forwarded_for: bytes | None = None
        self.hints: Headers | None = None
        self.idempotency_key: bytes | None = None
        self.origin: bytes | None = None
        self.request_id: bytes | None = None
        self.sec_fetch_site: bytes | None = None
        self.traceparent: bytes | None = None
        self.traceparents = 0
        self.tracestate: bytes | None = None
        self.via: bytes | None = None

    def note(self, action: Action, name: bytes, value: bytes) -> None:
        """Remember a header; of a list header every line."""
        match action:
            case Action.REQUEST_ID:
                self.request_id = value
            case Action.TRACEPARENT:
                self.traceparent = value
                self.traceparents += 1
            case Action.TRACESTATE:
                self.tracestate = _joined(self.tracestate, value)
            case Action.CONNECTION:
                self.connection = _joined(self.connection, value)
            case Action.VIA:
                self.via = _joined(self.via, value)
            case Action.FORWARDED_FOR:
                self.forwarded_for = _joined(self.forwarded_for, value)
            case Action.HINT:
                self.hints = [*(self.hints or ()), (name, value)]
            case _:
                setattr(self, name.decode("ascii").replace("-", "_"), value)


def _joined(before: bytes | None, value: bytes) -> bytes:
    return value if before is None else before + b", " + value


def actions_for(own: Iterable[bytes]) -> Actions:
    """Return what becomes of each header for an upstream that adds the headers `own` itself."""
    return {**_BASE, **dict.fromkeys(own, Action.DROP)}


def clean_request(headers: Headers, actions: Actions) -> tuple[Headers, Seen]:
    """Return what of a client's headers goes upstream, and what the gateway reads of them."""
    out: Headers = []
    seen = Seen()
    get = actions.get
    for pair in headers:
        name = pair[0]
        action = get(name)
        if action is None:
            # an underscore is a dash to some upstreams, so it could smuggle a header past this list
            if b"_" not in name and name[:10] != b"x-seawall-":
                out.append(pair)
        elif action is Action.KEEP:
            out.append(pair)
        elif action is Action.KEEP_AND_NOTE:
            out.append(pair)
            seen.note(action, name, pair[1])
        elif action is not Action.DROP:
            seen.note(action, name, pair[1])
    if seen.connection is not None and seen.connection.lower() not in (b"keep-alive", b"close"):
        out = _without_nominated(out, seen.connection)
    return out, seen


def _without_nominated(headers: Headers, connection: bytes) -> Headers:
    nominated = {token.strip().lower() for token in connection.split(b",")} - _PROTECTED
    return [pair for pair in headers if pair[0] not in nominated]


def clean_reply(headers: Headers, own: frozenset[bytes]) -> Headers:
    """Return what of an upstream's headers goes to the client.

    Args:
        headers: as the wire gives them, without framing and hop-by-hop ones.
        own: names of the headers added to the request for this upstream; one that an upstream echoes is not passed on.
    """
    out = [pair for pair in headers if pair[0] not in _REPLY_DROPPED and pair[0][:10] != b"x-seawall-"]
    return [pair for pair in out if pair[0] not in own or pair[0] == b"content-type"] if own else out
