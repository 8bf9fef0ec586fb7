"""Which failures are tried again and how long the wait is (semantics 2.1-2.3)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from seawall.contracts.body import Headers
from seawall.contracts.errors import UpstreamError, UpstreamTimeout
from seawall.policies.retry.settings import RetrySettings

__all__ = ["NEVER", "Rules", "backoff", "padded"]

NEVER = -1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings in the form decisions need."""

    settings: RetrySettings
    statuses: frozenset[int] = field(init=False)
    kinds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        on = self.settings.on
        object.__setattr__(self, "statuses", frozenset(int(word) for word in on if word.isdigit()))
        object.__setattr__(self, "kinds", frozenset(word for word in on if not word.isdigit()))

    def error(self, error: UpstreamError, *, idempotent: bool) -> bool:
        """Whether this failure is one to try again.

        What may have been processed is tried again only where doing it twice does no harm; what was never sent
        always is. A body that breaks while the answer is still collected here counts too: no byte of it has reached
        the client. What was handed on as a stream never comes back to this stage.
        """
        if error.sent and not idempotent:
            return False
        if isinstance(error, UpstreamTimeout):
            if error.phase == "connect" and "connect" in self.kinds:
                return True
            return "timeout" in self.kinds
        return error.kind in self.kinds

    def status(self, status: int, headers: Headers, *, idempotent: bool) -> bool:
        """Whether an answer with this status is one to try again; `x-should-retry` is obeyed on any error."""
        if status < 400:
            return False
        for name, value in headers:
            if name == b"x-should-retry":
                word = value.lower()
                if word == b"true":
                    return True
                if word == b"false":
                    return False
        return idempotent and status in self.statuses and not _lasting(headers)


def _lasting(headers: Headers) -> bool:
    """Whether an error says that it holds for a while: asked again at once, its maker would say the same.

    Source: RFC 9111 section 4.2.1, freshness by `max-age`, `s-maxage`, or an Expires later than Date.
    """
    expires = date = b""
    for name, value in headers:
        if name == b"cache-control":
            for part in value.lower().split(b","):
                directive, _, seconds = part.strip(b" \t").partition(b"=")
                if directive in (b"max-age", b"s-maxage") and seconds.isdigit() and seconds.strip(b"0"):
                    return True
        elif name == b"expires":
            expires = value
        elif name == b"date":
            date = value
    return expires != date and _moment(expires) > _moment(date) > 0.0


def _moment(date: bytes) -> float:
    """Return an HTTP-date in seconds since the epoch, 0 for what is none."""
    try:
        return parsedate_to_datetime(date.decode("ascii")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def backoff(retry: int, base: float, longest: float, uniform: Callable[[float, float], float]) -> float:
    """Return seconds before the `retry`-th retry (0 is the first): full jitter.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter": `uniform(0, min(max, base * 2^n))`.
    """
    return uniform(0.0, min(longest, base * 2.0 ** min(retry, 64)))


def padded(wait: float, base: float, uniform: Callable[[float, float], float]) -> float:
    """Return a wait the upstream asked for with jitter added and never taken off: `uniform(0, max(base, 10 %))`."""
    return wait + uniform(0.0, max(base, wait / 10))
