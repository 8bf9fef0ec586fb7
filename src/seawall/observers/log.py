"""One line per call, and lines for what else happens; sampled, limited in rate and bounded in length."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seawall.contracts.clock import Clock
from seawall.contracts.events import AttemptEnded, BreakerChanged, CallEnded, CapUsed, Notice, UpstreamPaused
from seawall.contracts.units import Rate
from seawall.contracts.wheel import Wheel
from seawall.observers.callline import CallLine, call_fields
from seawall.observers.lines import Fields, Stamp, json_line, text_line
from seawall.observers.rate import LineRate
from seawall.observers.redact import Redactor

__all__ = ["LEVELS", "Log", "LogRules"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_RATE = Rate(200, 1.0)
LEVEL_OF_OUTCOME = {
    "ok": "info",
    "client_error": "info",
    "cancelled": "info",
    "refused": "warning",
    "upstream_error": "warning",
    "failed": "error",
    "deadline": "error",
    "broken": "error",
}


@dataclass(frozen=True, slots=True)
class LogRules:
    """What is logged and how.

    Attributes:
        format: `json` or `text`.
        level: the least that is logged: `debug`, `info`, `warning`, `error`.
        success: share of calls with outcome `ok` that are logged, 0..1; all others always are.
        rate: lines of calls above it are counted in one line, and apart from them lines of everything else.
        service: the line's `service` field.
    """

    format: str = "json"
    level: str = "info"
    success: float = 1.0
    rate: Rate = _RATE
    service: str = "seawall"


class Log:
    """A listener that writes lines.

    Args:
        write: takes one line with its newline; must not block.
        rules: what is logged and how.
        clock: gives the time of day.
        wheel: tells of lines above the rate a second later.
        uniform: `random.uniform`, for `success`.
        redact: knows the secrets that must not be written.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        rules: LogRules,
        clock: Clock,
        wheel: Wheel,
        uniform: Callable[[float, float], float],
        redact: Redactor,
    ) -> None:
        self._write = write
        self._wall = clock.wall
        self._uniform = uniform
        self._redact = redact
        self._success = rules.success
        self._service = rules.service
        self._render = json_line if rules.format == "json" else text_line
        self._json = rules.format == "json"
        self._call_line = CallLine(rules.service)
        self._stamp = Stamp()
        self._least = LEVELS[rules.level]
        quiet = {word for word, level in LEVEL_OF_OUTCOME.items() if LEVELS[level] < self._least}
        self._quiet = frozenset(quiet if rules.success > 0 else quiet | {"ok"})
        self._calls = LineRate(rules.rate, wheel, clock.now, self._suppressed)
        self._others = LineRate(rules.rate, wheel, clock.now, self._suppressed)

    @property
    def suppressed(self) -> int:
        """How many lines the rate left out so far."""
        return self._calls.total + self._others.total

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """Every event; single attempts only at level `debug`."""
        hears: dict[type, Callable[[Any], None]] = {
            CallEnded: self.call_ended,
            BreakerChanged: self.breaker_changed,
            CapUsed: self.cap_used,
            UpstreamPaused: self.upstream_paused,
            Notice: self.notice,
        }
        if self._least <= LEVELS["debug"]:
            hears[AttemptEnded] = self.attempt_ended
        return hears

    def call_ended(self, event: CallEnded) -> None:
        """Write the call's line, unless it is a success that is left out."""
        outcome = event.outcome
        if outcome in self._quiet or (outcome == "ok" and self._success < 1 and self._uniform(0, 1) >= self._success):
            return
        if not self._calls.take():
            return
        level = LEVEL_OF_OUTCOME.get(outcome, "error")
        stamp = self._stamp(self._wall())
        if self._json:
            self._write(self._call_line(event, stamp, level, self._redact.text))
            return
        fields = call_fields(event, stamp, level, self._service)
        for name in ("method", "request_id", "trace_id"):  # of a call's fields only these are ever chosen by a client
            fields[name] = self._redact.text(fields[name])
        self._write(self._render(fields))

    def attempt_ended(self, event: AttemptEnded) -> None:
        """Write one attempt's line; heard only at level `debug`."""
        self._other(
            "debug",
            "attempt",
            "An attempt ended",
            {
                "upstream": event.upstream,
                "target": event.target,
                "route": event.route,
                "number": event.number,
                "result": event.result,
                "upstream_ms": round(event.seconds * 1000, 3),
            },
        )

    def breaker_changed(self, event: BreakerChanged) -> None:
        """Write a breaker's move: a warning when it opens."""
        self._other(
            "warning" if event.new == "open" else "info",
            "breaker",
            f"The breaker of {event.upstream} is {event.new.replace('_', '-')}",
            {
                "upstream": event.upstream,
                "target": event.target,
                "old": event.old,
                "new": event.new,
                "reason": event.reason,
                "retry_after": round(event.retry_after, 3),
            },
        )

    def upstream_paused(self, event: UpstreamPaused) -> None:
        """Write that an upstream asked to be left alone."""
        self._other(
            "warning",
            "pause",
            f"{event.upstream} asked to be left alone",
            {
                "upstream": event.upstream,
                "target": event.target,
                "seconds": round(event.seconds, 3),
            },
        )

    def cap_used(self, event: CapUsed) -> None:
        """Write that a share of a cap is spent; of an end user's cap only at level `info`."""
        whose = f"{event.scope} {event.name}".rstrip()
        self._other(
            "info" if event.scope == "user" else "warning",
            "cap",
            f"{event.share:.0%} of the {event.period} cap of {whose} is spent",
            {
                "scope": event.scope,
                "name": event.name,
                "period": event.period,
                "share": event.share,
                "spent": float(event.spent),
                "cap": float(event.cap),
            },
        )

    def notice(self, event: Notice) -> None:
        """Write anything else; its fields cannot overwrite the line's own."""
        self._other(
            event.level, event.event, event.message, {name.replace("-", "_"): value for name, value in event.fields}
        )

    def lost(self, count: int) -> bytes:
        """Return the line that tells of `count` lines the writer had no room for."""
        message = "Lines were dropped because they could not be written fast enough"
        return self._rendered("warning", "log_dropped", message, {"count": count})

    def _other(self, level: str, event: str, message: str, fields: Mapping[str, object]) -> None:
        if LEVELS.get(level, 40) >= self._least and self._others.take():
            self._line(level, event, message, fields)

    def _line(self, level: str, event: str, message: str, fields: Mapping[str, object]) -> None:
        self._write(self._rendered(level, event, message, fields))

    def _rendered(self, level: str, event: str, message: str, fields: Mapping[str, object]) -> bytes:
        own: Fields = {
            "timestamp": self._stamp(self._wall()),
            "level": level,
            "service": self._service,
            "event": event,
            "message": self._redact.text(message),
        }
        for name, value in fields.items():
            if name not in own:
                own[name] = value if value is None or isinstance(value, bool | int | float) else self._safe(value)
        return self._redact.line(self._render(own))

    def _safe(self, value: object) -> str | list[object]:
        if isinstance(value, list | tuple):
            return [self._safe(one) for one in value]
        return self._redact.text(value if isinstance(value, str) else str(value))

    def _suppressed(self, count: int) -> None:
        self._line("warning", "log_suppressed", "Lines above log.rate were left out", {"count": count})
