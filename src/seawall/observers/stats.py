"""The numbers of one route and of one target, and the closed sets their labels come from."""

from seawall.observers.histogram import Histogram

__all__ = ["OVERFLOW", "UNMATCHED", "CallKey", "RouteStats", "TargetStats", "canonical"]

UNMATCHED = "unmatched"
OVERFLOW = "overflow"
OTHER = "_OTHER"

CallKey = tuple[str, str, int]  # method, outcome, status // 100

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_OUTCOMES = frozenset(
    ("ok", "upstream_error", "client_error", "refused", "failed", "deadline", "cancelled", "broken"),
)
_CLASSES = tuple(f"{hundred}xx" for hundred in range(1, 6))
_RESULTS = (*_CLASSES, "connect", "reset", "timeout", "cancelled")
_LABEL_OF = {str(status): f"{status // 100}xx" for status in range(100, 600)} | {one: one for one in _RESULTS}
_FAILURES = ("5xx", "connect", "reset", "timeout")


def canonical(key: CallKey) -> CallKey:
    """Return the key with what is in no closed set replaced: nothing a client or upstream sends makes a series."""
    method, outcome, hundred = key
    return (
        method if method in _METHODS else OTHER,
        outcome if outcome in _OUTCOMES else OTHER,
        hundred if 1 <= hundred <= 5 else 0,
    )


class RouteStats:
    """What is counted of calls to one route."""

    __slots__ = ("cache", "calls", "labels", "latency", "received", "sent", "waited")

    def __init__(self, labels: tuple[str, str]) -> None:
        self.labels = labels
        self.calls: dict[CallKey, int] = {}
        self.cache = {"hit": 0, "stale": 0, "miss": 0, "bypass": 0}
        self.latency = Histogram()
        self.received = 0
        self.sent = 0
        self.waited = 0.0


class TargetStats:
    """What is counted of attempts at one target."""

    __slots__ = ("changes", "labels", "latency", "pauses", "results", "retries")

    def __init__(self, labels: tuple[str, str]) -> None:
        self.labels = labels
        self.results = dict.fromkeys(_RESULTS, 0)
        self.latency = Histogram()
        self.retries = 0
        self.pauses = 0
        self.changes = {"closed": 0, "open": 0, "half_open": 0}

    def count(self, result: str) -> None:
        """Count one attempt's result, a status as text or a word."""
        label = _LABEL_OF.get(result, OTHER)
        if label in self.results:
            self.results[label] += 1
        else:
            self.results[label] = 1

    @property
    def configured(self) -> bool:
        """Whether it stands for a target of the settings, shown before its first attempt."""
        return self.labels[0] not in (UNMATCHED, OVERFLOW)

    @property
    def attempts(self) -> int:
        """How many attempts ended."""
        return sum(self.results.values())

    @property
    def failures(self) -> int:
        """How many of them got no answer, or a 5xx."""
        return sum(self.results[word] for word in _FAILURES)
