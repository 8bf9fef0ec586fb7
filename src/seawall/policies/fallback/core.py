"""When a fallback serves, how long those before it may take, and what the answer of last resort looks like."""

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.call import Call
from seawall.contracts.errors import CallError, Refusal, UpstreamError
from seawall.contracts.reply import Reply
from seawall.policies.fallback.settings import FallbackSettings

__all__ = ["FAILED", "MARGIN", "SHARE", "Fixed", "may_go_on", "until"]

FAILED = frozenset((429, 500, 502, 503, 504))
MARGIN = 0.05  # seconds before the deadline at which attempts end for a fixed answer (semantics 1.2)
SHARE = 0.6  # of what is left, for a target that is not the last


class Fixed:
    """An answer made once, at build."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, settings: FallbackSettings) -> None:
        self._status = settings.status
        headers: Headers = []
        if settings.body is not None:
            self._body = settings.body.encode()
            headers.append((b"content-type", (settings.type or "text/plain; charset=utf-8").encode("ascii", "replace")))
        elif "json_body" in settings.model_fields_set:
            self._body = orjson.dumps(settings.json_body)
            headers.append((b"content-type", b"application/json"))
        else:
            self._body = b""
        headers += [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in settings.headers.items()]
        if all(name != b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", b"no-store"))
        self._headers = headers

    def reply(self, method: bytes) -> Reply:
        """Return it; to HEAD without its body (RFC 9110 section 9.3.2)."""
        body = self._body
        reply = Reply(self._status, list(self._headers), b"" if method == b"HEAD" else body, len(body))
        reply.mark(b"x-seawall-fallback", b"fixed")
        return reply


def may_go_on(call: Call, outcome: Reply | CallError) -> bool:
    """Whether another target may be asked: nothing has reached the client, and doing it twice does no harm.

    What was never sent is not done twice (semantics 2.1); whether it was is not known of a passed deadline.
    """
    if call.run.committed or type(call.body) is not bytes:
        return False
    if call.idempotent:
        return True
    return isinstance(outcome, Refusal) or (isinstance(outcome, UpstreamError) and not outcome.sent)


def until(now: float, deadline: float, targets_left: int, try_for: float | None, *, fixed: bool) -> float:
    """Return the moment at which the attempts on one target end.

    Args:
        now: monotonic seconds.
        deadline: of the call.
        targets_left: how many targets are there after this one.
        try_for: seconds for a target that is not the last, or None for a share of what is left.
        fixed: whether a fixed answer waits behind the last one.
    """
    left = deadline - now
    end = deadline - min(MARGIN, left / 2) if fixed else deadline
    if targets_left:
        end = min(end, now + (left * SHARE if try_for is None else try_for))
    return end
