"""What scrapers get is what Prometheus's own parsers read, and making it never holds the loop."""

import asyncio
import re
from decimal import Decimal

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from seawall.contracts.clock import Clock
from seawall.contracts.events import AttemptEnded, AttemptPaid, CallEnded
from seawall.contracts.usage import Usage
from seawall.observers.exposition import Exposition, accepted
from seawall.observers.families import FAMILIES
from seawall.observers.metrics import Metrics
from seawall.observers.vitals import Vitals

CALL = CallEnded("", "weather", "forecast", "GET", 200, "ok", "", 1, "", 0.02, 0.01, 0.5, 10, 1500, False, "r", "t")
# what Prometheus sends
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
ODD = 'a"b\\c\nd'


def filled(routes: int = 2) -> Metrics:
    """Return metrics with every family filled, also with label values that need escaping."""
    metrics = Metrics()
    names = [("weather", "forecast"), ("weather", ODD), *(("u", f"r{number}") for number in range(routes))]
    metrics.configure(names, [("weather", ODD)])
    for upstream, route in names:
        metrics.call_ended(CALL._replace(upstream=upstream, route=route, cache="hit"))
    metrics.configure_callers([ODD])
    metrics.call_ended(CALL._replace(caller=ODD, route=ODD))
    metrics.attempt_ended(AttemptEnded("weather", ODD, "", 2, "503", 0.02))
    metrics.money.attempt_paid(AttemptPaid(ODD, "weather", "", "m", Decimal(1), Usage(1, 2), True, "settings", False))
    held = {one.name for one, _ in metrics.families()}
    for one in FAMILIES:
        if one.name not in held:
            metrics.source(one.name, lambda one=one: [(tuple(f"{label}-1" for label in one.labels), 1.0)])
    return metrics


async def text_of(metrics: Metrics, openmetrics: bool) -> str:
    """Render once."""
    failed: list[object] = []
    text = await Exposition(metrics, Clock().now, lambda *what: failed.append(what)).render(openmetrics)
    assert not failed
    return text.decode()


async def test_both_formats_are_read_by_prometheus_own_parsers_with_equal_samples() -> None:
    """Every family comes out of both parsers with its type; the samples are the same."""
    metrics = filled()
    plain = list(parser.text_string_to_metric_families(await text_of(metrics, False)))
    opened = list(parse_openmetrics(await text_of(metrics, True)))
    assert {one.name for one in opened} == {one.name for one in FAMILIES}
    assert {one.name: one.type for one in opened} == {one.name: one.kind for one in FAMILIES}
    assert {one.name: one.unit for one in opened} == {one.name: one.unit for one in FAMILIES}

    def samples(families: list[object]) -> set[object]:
        return {(s.name, frozenset(s.labels.items()), s.value) for one in families for s in one.samples}

    assert samples(plain) == samples(opened)
    assert ("seawall_calls_total", ODD) in {(s.name, s.labels.get("route")) for one in opened for s in one.samples}


async def test_histograms_add_up() -> None:
    """Buckets are cumulative, the last is the count, the sum is there."""
    (one,) = [one for one in parse_openmetrics(await text_of(filled(), True)) if "call_duration" in one.name]
    mine = [s for s in one.samples if s.labels.get("route") == "forecast"]
    buckets = [s.value for s in mine if s.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1
    assert {s.name[len(one.name) :]: s.value for s in mine if "_bucket" not in s.name} == {"_sum": 0.02, "_count": 1}


def test_names_follow_the_conventions() -> None:
    """Lower case, prefixed, base units, units as suffixes, no suffix that the format adds itself."""
    for one in FAMILIES:
        assert re.fullmatch(r"(seawall|process)_[a-z_]+", one.name), one.name
        assert not one.name.endswith(("_total", "_count", "_sum", "_bucket", "_info", "_milliseconds", "_ms"))
        assert not one.unit or one.name.endswith(f"_{one.unit}")
        assert one.help.endswith(".")
        assert set(one.labels) <= {
            "upstream", "route", "method", "outcome", "status", "status_class", "target", "result", "state", "schedule",
            "version", "python", "loop", "caller", "model", "kind", "scope", "name", "period",
        }  # fmt: skip
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        (PROMETHEUS, True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.9", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=lots", False),
        ("application/openmetrics-text;q=7", False),
        ("application/openmetrics-text;version=9.0.0", False),
        ("APPLICATION/OpenMetrics-Text", True),
        (";;,=", False),
    ],
)  # fmt: skip
def test_the_format_follows_from_accept(accept: str, wanted: bool) -> None:
    """OpenMetrics only where it is accepted at least as gladly as text; garbage is text."""
    assert accepted(accept) is wanted


async def test_a_rendering_serves_for_a_second_and_each_format_has_its_own() -> None:
    """Scrapes by many cost one rendering a second."""
    now = [0.0]
    metrics = Metrics()
    read = [0]

    def value() -> float:
        read[0] += 1
        return read[0]

    metrics.source("seawall_inflight", value)
    exposition = Exposition(metrics, lambda: now[0], lambda *what: None)
    first = await exposition.render(False)
    assert await exposition.render(False) is first
    assert await exposition.render(True) != first
    now[0] = 1.0
    assert await exposition.render(False) != first
    assert read[0] == 3


async def test_scrapes_at_once_make_one_rendering() -> None:
    """The second waits for the first and gets its text."""
    exposition = Exposition(filled(200), lambda: 0.0, lambda *what: None)
    first, second = await asyncio.gather(exposition.render(False), exposition.render(False))
    assert first is second


async def test_the_loop_turns_while_much_is_rendered() -> None:
    """Tens of thousands of lines are made in slices, and calls that come meanwhile are seen whole."""
    metrics = filled(1900)
    exposition = Exposition(metrics, Clock().now, lambda *what: None)
    rendering = asyncio.ensure_future(exposition.render(True))
    turns = 0
    while not rendering.done():
        await asyncio.sleep(0)
        metrics.call_ended(CALL)
        turns += 1
    text = (await rendering).decode()
    assert turns >= text.count("_total{") // 100 > 70
    (one,) = [one for one in parse_openmetrics(text) if one.name == "seawall_call_duration_seconds"]
    assert len(one.samples) == 1902 * 19


async def test_a_source_that_fails_takes_only_its_own_family_away() -> None:
    """The rest is rendered and the failure told by name."""
    metrics = filled()
    metrics.source("seawall_connections", lambda: 1 / 0)
    failed: list[str] = []
    text = await Exposition(metrics, Clock().now, lambda name, error: failed.append(name)).render(False)
    assert failed == ["seawall_connections"]
    assert b"seawall_connections" not in text
    assert b"seawall_calls_total" in text
    assert b"process_resident_memory_bytes" in text


async def test_vitals_fill_the_process_families_without_blocking_the_loop(clock: Clock) -> None:
    """Memory, CPU, descriptors, lag and build are there; descriptors are counted in a thread."""
    metrics = Metrics()
    vitals = Vitals(clock, asyncio.get_running_loop())
    vitals.expose(metrics, ("0.1.0", "3.11.9", "uvloop"))
    exposition = Exposition(metrics, clock.now, lambda *what: pytest.fail(repr(what)), vitals.process.count_fds)
    text = (await exposition.render(True)).decode()
    vitals.stop()
    found = {s.name: s for one in parse_openmetrics(text) for s in one.samples}
    assert found["process_resident_memory_bytes"].value > 5_000_000
    assert 3 < found["process_open_fds"].value <= found["process_max_fds"].value
    assert found["process_cpu_seconds_total"].value > 0
    assert found["seawall_build_info"].labels == {"version": "0.1.0", "python": "3.11.9", "loop": "uvloop"}
