"""Calls and attempts are counted where settings name them, and nothing a client sends makes a series."""

import random
import string

import pytest

from seawall.contracts.events import AttemptEnded, BreakerChanged, CallEnded, UpstreamPaused
from seawall.observers.families import family
from seawall.observers.histogram import BOUNDS, Histogram
from seawall.observers.hub import Hub
from seawall.observers.metrics import Metrics

CALL = CallEnded("", "weather", "forecast", "GET", 200, "ok", "", 1, "", 0.02, 0.01, 0.5, 10, 1500, False, "r", "t")
ATTEMPT = AttemptEnded("weather", "eu", "forecast", 1, "200", 0.02)


def metrics_of(limit: int = 2000) -> Metrics:
    """Return metrics that know one upstream with two routes and one target."""
    metrics = Metrics(limit)
    metrics.configure([("weather", "forecast"), ("weather", "")], [("weather", "eu")])
    return metrics


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float | Histogram]:
    """Return a family's children by their label values."""
    return {labels: value for one, children in metrics.families() if one.name == name for labels, value in children}


def series(metrics: Metrics) -> int:
    """Return how many label sets there are in all."""
    return sum(1 for _, children in metrics.families() for _ in children)


def test_a_call_counts_under_its_labels() -> None:
    """Two good calls and a refusal of one route, one call of the route without a name."""
    metrics = metrics_of()
    for event in (CALL, CALL, CALL._replace(status=503, outcome="refused"), CALL._replace(route="", method="POST")):
        metrics.call_ended(event)
    assert values(metrics, "seawall_calls") == {
        ("weather", "forecast", "GET", "ok", "2xx"): 2,
        ("weather", "forecast", "GET", "refused", "5xx"): 1,
        ("weather", "default", "POST", "ok", "2xx"): 1,
    }
    assert values(metrics, "seawall_sent_bytes")["weather", "forecast"] == 4500
    assert values(metrics, "seawall_received_bytes")["weather", "forecast"] == 30
    assert values(metrics, "seawall_queue_wait_seconds")["weather", "forecast"] == 1.5


def test_a_callers_calls_count_by_outcome_and_names_are_bounded() -> None:
    """Callers that were told of count for themselves, those above the limit together, all others not at all."""
    metrics = metrics_of(limit=2)
    metrics.configure_callers(["kitchen", "app", "third"])
    for caller in ("kitchen", "kitchen", "third", "made-up", "", "app"):
        metrics.call_ended(CALL._replace(caller=caller))
    metrics.call_ended(CALL._replace(caller="kitchen", outcome="refused"))
    metrics.configure_callers(["kitchen"])
    assert values(metrics, "seawall_caller_calls") == {
        ("kitchen", "ok"): 2, ("kitchen", "refused"): 1, ("app", "ok"): 1, ("overflow", "ok"): 1,
    }  # fmt: skip


def test_an_attempt_counts_by_class_and_a_later_one_is_a_retry() -> None:
    """Statuses by class, failures by their word; every result stands there from the start, at zero."""
    metrics = metrics_of()
    assert values(metrics, "seawall_attempts")["weather", "eu", "5xx"] == 0
    for number, result in enumerate(("503", "reset", "200"), 1):
        metrics.attempt_ended(ATTEMPT._replace(number=number, result=result))
    counted = {key[2]: value for key, value in values(metrics, "seawall_attempts").items() if value}
    assert counted == {"5xx": 1, "reset": 1, "2xx": 1}
    assert values(metrics, "seawall_retries") == {("weather",): 2}
    assert metrics.attempts("weather") == (3, 2, pytest.approx(0.06))
    assert metrics.attempts("other") == (0, 0, 0.0)


def test_a_bound_belongs_to_the_bucket_it_closes() -> None:
    """`le` means less or equal."""
    histogram = Histogram()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] + 1e-9, BOUNDS[-1], BOUNDS[-1] * 2):
        histogram.observe(seconds)
    assert histogram.buckets[:2] == [2, 1]
    assert histogram.buckets[-2:] == [1, 1]
    assert histogram.total == pytest.approx(sum((0.0, BOUNDS[0], BOUNDS[0], BOUNDS[-1], BOUNDS[-1] * 2)))


def test_breakers_and_pauses_are_counted() -> None:
    """Moves by the state moved to; a word that is no state makes no series."""
    metrics = metrics_of()
    metrics.breaker_changed(BreakerChanged("weather", "eu", "closed", "open", "", 15.0))
    metrics.breaker_changed(BreakerChanged("weather", "eu", "closed", "ajar", "", 15.0))
    metrics.upstream_paused(UpstreamPaused("weather", "eu", 3.0))
    assert values(metrics, "seawall_breaker_changes") == {
        ("weather", "eu", "closed"): 0,
        ("weather", "eu", "open"): 1,
        ("weather", "eu", "half_open"): 0,
    }
    assert values(metrics, "seawall_upstream_pauses") == {("weather",): 1}


def test_ten_thousand_random_names_make_no_series() -> None:
    """Upstreams, routes, methods, outcomes, statuses and results nobody configured share the same few children."""
    metrics = metrics_of()
    draw = random.Random(7)

    def word() -> str:
        return "".join(draw.choices(string.printable, k=12))

    def noise() -> None:
        known = draw.random() < 0.5
        metrics.call_ended(
            CALL._replace(
                upstream="weather" if known else word(), route="forecast" if known else word(), method=word(),
                outcome=draw.choice(("ok", "failed", word())), status=draw.randrange(0, 1500), request_id=word(),
            )
        )  # fmt: skip
        metrics.attempt_ended(ATTEMPT._replace(upstream="weather" if known else word(), target=word(), result=word()))

    for _ in range(3000):
        noise()
    before = series(metrics)
    for _ in range(10_000):
        noise()
    assert series(metrics) == before
    assert {labels[:2] for labels in values(metrics, "seawall_calls")} == {("weather", "forecast"), ("unmatched",) * 2}
    assert {labels[2] for labels in values(metrics, "seawall_calls")} == {"_OTHER"}


def test_above_the_limit_calls_count_under_overflow_and_it_is_told() -> None:
    """More routes, targets and label sets than the limit: one overflow child takes the rest, nothing is lost."""
    metrics = Metrics(limit=3)
    metrics.configure([("u", f"r{number}") for number in range(5)], [("u", f"t{number}") for number in range(5)])
    for number in range(5):
        metrics.call_ended(CALL._replace(upstream="u", route=f"r{number}"))
        metrics.attempt_ended(ATTEMPT._replace(upstream="u", target=f"t{number}"))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        metrics.call_ended(CALL._replace(upstream="u", route="r0", method=method))
    calls = values(metrics, "seawall_calls")
    assert sum(calls.values()) == 9
    assert calls["overflow", "overflow", "GET", "ok", "2xx"] == 2
    assert calls["overflow", "overflow", "PUT", "ok", "2xx"] == 1
    assert values(metrics, "seawall_attempts")["overflow", "overflow", "2xx"] == 2
    assert values(metrics, "seawall_series_limit_reached") == {(): 1.0}


def test_configuring_again_keeps_what_was_counted() -> None:
    """A reload adds names and loses no count."""
    metrics = metrics_of()
    metrics.call_ended(CALL)
    metrics.configure([("weather", "forecast"), ("lamps", "")], [("weather", "eu"), ("lamps", "lamps")])
    metrics.call_ended(CALL)
    metrics.call_ended(CALL._replace(upstream="lamps", route=""))
    calls = values(metrics, "seawall_calls")
    assert calls["weather", "forecast", "GET", "ok", "2xx"] == 2
    assert calls["lamps", "default", "GET", "ok", "2xx"] == 1


def test_a_source_is_read_when_asked_for_and_bounded() -> None:
    """A gauge of one number, one with labels, and one with too many."""
    metrics = Metrics(limit=2)
    metrics.source("seawall_inflight", lambda: 7)
    metrics.source("seawall_queue_length", lambda: [(("u", f"r{number}"), number) for number in range(5)])
    assert values(metrics, "seawall_inflight") == {(): 7}
    assert values(metrics, "seawall_series_limit_reached") == {(): 0.0}
    assert len(values(metrics, "seawall_queue_length")) == 2
    assert values(metrics, "seawall_series_limit_reached") == {(): 1.0}
    with pytest.raises(KeyError):
        metrics.source("seawall_unheard_of", lambda: 1)


def test_metrics_hear_what_they_count_through_the_hub() -> None:
    """The four events arrive; a family is found by its name."""
    metrics = metrics_of()
    hub = Hub([metrics], lambda *what: pytest.fail(repr(what)))
    for event in (CALL, ATTEMPT, BreakerChanged("weather", "eu", "a", "open", "", 1.0), UpstreamPaused("a", "b", 1.0)):
        hub.emit(event)
    assert sum(values(metrics, "seawall_calls").values()) == 1
    assert family("seawall_calls").exposed == "seawall_calls_total"
