"""What becomes a line: per call, per event, sampled, by level and by rate."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from seawall.contracts.events import AttemptEnded, BreakerChanged, CallEnded, Event, Notice, UpstreamPaused
from seawall.contracts.secret import Secret
from seawall.contracts.units import Rate
from seawall.contracts.wheel import Wheel
from seawall.observers.hub import Hub
from seawall.observers.lines import LARGEST
from seawall.observers.log import Log, LogRules
from seawall.observers.redact import Redactor
from seawall.testing import VirtualLoop, virtual

CALL = CallEnded(
    "kitchen", "weather", "GET /v1/forecast", "GET", 200, "ok", "", 2, "miss", 0.0123456, 0.01, 0.0005, 0, 1500, False,
    "req-1", "4bf92f3577b34da6a3ce929d0e0e4736",
)  # fmt: skip
FIELDS = [
    "timestamp", "level", "service", "event", "caller", "upstream", "route", "method", "status", "outcome", "error",
    "attempts", "cache", "latency_ms", "upstream_ms", "queue_ms", "received_bytes", "sent_bytes", "streamed", "tokens",
    "cost", "request_id", "trace_id",
]  # fmt: skip


class Written:
    """A log whose lines are kept."""

    def __init__(
        self, rules: LogRules, uniform: Callable[[float, float], float] = random.uniform, secrets: tuple[str, ...] = ()
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        clock = loop.clock()
        self.raw: list[bytes] = []
        wheel = Wheel(clock, loop)
        log = Log(self.raw.append, rules, clock, wheel, uniform, Redactor(map(Secret, secrets)))
        self.failed: list[object] = []
        self.emit: Callable[[Event], None] = Hub([log], lambda *what: self.failed.append(what)).emit

    @property
    def lines(self) -> list[dict[str, Any]]:
        assert not self.failed
        return [orjson.loads(line) for line in self.raw]


@virtual
async def test_a_call_is_one_line_with_every_field() -> None:
    """The fields of semantics 9.3, always all of them, times in milliseconds."""
    written = Written(LogRules())
    written.emit(CALL)
    (line,) = written.lines
    assert list(line) == FIELDS
    assert line["timestamp"] == "2026-01-01T00:00:00.000Z"
    assert (line["latency_ms"], line["upstream_ms"], line["queue_ms"]) == (12.346, 10.0, 0.5)
    assert (line["level"], line["outcome"], line["attempts"], line["status"]) == ("info", "ok", 2, 200)


@virtual
@pytest.mark.parametrize(
    ("outcome", "level"),
    [("ok", "info"), ("client_error", "info"), ("cancelled", "info"), ("refused", "warning"),
     ("upstream_error", "warning"), ("failed", "error"), ("deadline", "error"), ("broken", "error"), ("new", "error")],
)  # fmt: skip
async def test_the_level_of_a_call_follows_from_its_outcome(outcome: str, level: str) -> None:
    """What the upstream or we did wrong is louder than what a client did."""
    written = Written(LogRules())
    written.emit(CALL._replace(outcome=outcome))
    assert written.lines[0]["level"] == level


@virtual
async def test_success_samples_only_calls_that_went_well() -> None:
    """At `success = 0` no good call is logged, and every failure is."""
    written = Written(LogRules(success=0.0))
    for outcome in ("ok", "failed", "client_error", "refused", "ok", "broken"):
        written.emit(CALL._replace(outcome=outcome))
    assert [line["outcome"] for line in written.lines] == ["failed", "client_error", "refused", "broken"]


@virtual
async def test_success_is_a_share() -> None:
    """A quarter of the draws below 0.25 is a quarter of the lines."""
    draws = iter((0.1, 0.25, 0.24, 0.9))
    written = Written(LogRules(success=0.25), uniform=lambda low, high: next(draws))
    for number in range(4):
        written.emit(CALL._replace(attempts=number))
    assert [line["attempts"] for line in written.lines] == [0, 2]


@virtual
async def test_lines_below_the_level_are_not_written() -> None:
    """At `warning` neither good calls nor notices of level info are written."""
    written = Written(LogRules(level="warning"))
    written.emit(CALL)
    written.emit(CALL._replace(outcome="refused"))
    written.emit(Notice("info", "started", "x"))
    written.emit(Notice("error", "crash", "y"))
    assert [line["event"] for line in written.lines] == ["call", "crash"]


@virtual
async def test_attempts_are_lines_at_debug_only() -> None:
    """At any other level nobody even listens to them."""
    attempt = AttemptEnded("weather", "eu", "", 1, "503", 0.0042)
    quiet, loud = Written(LogRules()), Written(LogRules(level="debug"))
    for written in (quiet, loud):
        written.emit(attempt)
    assert quiet.lines == []
    assert {"event": "attempt", "target": "eu", "result": "503", "upstream_ms": 4.2}.items() <= loud.lines[0].items()


@virtual
async def test_breakers_and_pauses_are_lines() -> None:
    """A breaker that opens is a warning that says when it is tried again."""
    written = Written(LogRules())
    written.emit(BreakerChanged("weather", "eu", "closed", "open", "failure rate 60%", 15.0))
    written.emit(BreakerChanged("weather", "eu", "open", "half_open", "", 0.0))
    written.emit(UpstreamPaused("weather", "eu", 30.0))
    opened, probing, paused = written.lines
    assert (opened["level"], opened["event"], opened["retry_after"], opened["reason"]) == (
        "warning", "breaker", 15.0, "failure rate 60%",
    )  # fmt: skip
    assert (probing["level"], probing["message"]) == ("info", "The breaker of weather is half-open")
    assert (paused["event"], paused["seconds"]) == ("pause", 30.0)


@virtual
async def test_fields_of_a_notice_cannot_forge_the_lines_own() -> None:
    """A field named like the line's own is left out."""
    written = Written(LogRules())
    written.emit(Notice("info", "note", "m", (("level", "error"), ("x-y", [1, "a"]), ("flag", True), ("n", None))))
    (line,) = written.lines
    assert (line["level"], line["x_y"], line["flag"], line["n"]) == ("info", ["1", "a"], True, None)


@virtual
async def test_lines_above_the_rate_are_counted_in_one_line_a_second_later() -> None:
    """Of 10 calls at 3/s three are lines and seven are told, also when nothing else comes."""
    written = Written(LogRules(rate=Rate(3, 1.0)))
    for _ in range(10):
        written.emit(CALL)
    assert len(written.raw) == 3
    await asyncio.sleep(1.1)
    told = written.lines[3:]
    assert [(line["event"], line["count"]) for line in told] == [("log_suppressed", 7)]
    for _ in range(5):
        written.emit(CALL)
    await asyncio.sleep(1.1)
    assert [line["event"] for line in written.lines[4:]] == ["call", "call", "call", "log_suppressed"]


@virtual
async def test_calls_above_the_rate_do_not_hide_a_breaker_that_opens() -> None:
    """A flood of calls uses up the calls' rate, not that of everything else."""
    written = Written(LogRules(rate=Rate(2, 1.0)))
    for _ in range(50):
        written.emit(CALL)
    written.emit(BreakerChanged("weather", "eu", "closed", "open", "", 15.0))
    assert [line["event"] for line in written.lines] == ["call", "call", "breaker"]


@virtual
async def test_a_rate_below_one_a_second_still_lets_one_through() -> None:
    """`6/min` is one line, then one every ten seconds."""
    written = Written(LogRules(rate=Rate(6, 60.0)))
    for _ in range(40):
        written.emit(CALL)
        await asyncio.sleep(0.5)
    assert [line["event"] for line in written.lines].count("call") == 2


@virtual
async def test_a_call_with_an_unspeakable_method_does_not_end_the_log() -> None:
    """Surrogates, control bytes and kilobytes chosen by a client are one bounded line, and the next call another."""
    written = Written(LogRules())
    written.emit(CALL._replace(method="G\ud800\n", request_id="é\x00" * 4000))
    written.emit(CALL)
    assert len(written.lines) == 2
    assert all(len(line) <= LARGEST and line.count(b"\n") == 1 for line in written.raw)


@virtual
async def test_a_secret_is_nowhere_in_any_line() -> None:
    """In what a client chose, a message, a field, inside a list, and where a cut would halve it."""
    secret = "sk-planted-secret-0123456789"
    for form in ("json", "text"):
        written = Written(LogRules(format=form, level="debug"), secrets=(secret,))
        written.emit(CALL._replace(method=secret, request_id=f"a{secret}", trace_id=secret))
        written.emit(
            Notice("info", "note", f"used {secret}", (("key", secret), ("keys", [secret]), ("o", {"k": secret})))
        )
        written.emit(Notice("info", secret, "x" * 505 + secret, (("long", "y" * 500 + secret + "y" * 3000),)))
        written.emit(BreakerChanged("weather", "eu", "closed", "open", f"because {secret}", 1.0))
        text = b"".join(written.raw)
        assert len(written.raw) == 4
        assert b"sk-planted" not in text
        assert b"***" in text
