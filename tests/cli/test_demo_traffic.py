"""The demo's load: what it calls, what it counts, how it is shown."""

import asyncio
import io
import random

import pytest

from seawall.cli.figures import Figures, screen, share
from seawall.cli.traffic import MIX, Load, percentile
from seawall.contracts.clock import Clock
from seawall.contracts.errors import UpstreamBroken
from seawall.testing import START, ScriptedTransport, VirtualLoop, answer, stream, virtual

FIGURES = Figures(3.0, 200, 0, 0.0012, 0.512, 240, 30, "200 210, hang 30", "closed")


def load(transport: ScriptedTransport, callers: int = 2) -> Load:
    """Return a load in virtual time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return Load(transport, "127.0.0.1", 1, loop.clock(), random.Random(1).uniform, callers=callers, pause=1.0)


@virtual
async def test_callers_count_good_and_bad_answers_and_close_them_all() -> None:
    """A 5xx, no answer and a broken body are failures; a 404 is an answer."""
    transport = ScriptedTransport(
        [answer(200, after=0.5), answer(503), UpstreamBroken("x"), stream(b"a", b"b", cut=1), answer(404)]
    )
    calls = load(transport)
    assert [await calls.call(MIX[0]) for _ in range(5)] == [True, False, False, False, True]
    assert (calls.tally.calls, calls.tally.failed, transport.open) == (5, 3, 0)
    assert list(calls.tally.latencies) == [0.5, 0.0, 0.0, 0.0]


@virtual
async def test_a_stream_is_read_to_its_end_and_is_no_latency_sample() -> None:
    """It takes the time its events take."""
    transport = ScriptedTransport([stream(b"a", b"b", gap=3.0)])
    calls = load(transport)
    assert await calls.call(MIX[-1])
    assert asyncio.get_running_loop().time() == START + 6
    assert (list(calls.tally.latencies), transport.open) == ([], 0)


@virtual
async def test_the_load_is_mixed_as_its_shares_say_and_ends_when_cancelled() -> None:
    """Every kind is called, the commonest most; no caller is left behind."""
    transport = ScriptedTransport(then=200)
    task = asyncio.create_task(load(transport, callers=4).run())
    await asyncio.sleep(500)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    paths = [seen.attempt.call.path for seen in transport.seen]
    assert 3000 < len(paths) < 5000
    for kind in MIX:
        assert paths.count(kind.path) / len(paths) == pytest.approx(kind.share, abs=0.03)
    assert transport.open == 0


def test_rounding_in_the_choice_falls_on_the_last_kind() -> None:
    """Shares add up to one only about."""
    calls = Load(ScriptedTransport(), "127.0.0.1", 1, Clock(), lambda _, most: most + 1)
    assert calls._choose() is MIX[-1]


@pytest.mark.parametrize(
    ("values", "at", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.99, 3.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0), (list(map(float, range(1, 101))), 0.99, 99)],
)
def test_percentiles_are_of_the_nearest_rank(values: list[float], at: float, expected: float) -> None:
    """A value that was seen, not one between two."""
    assert percentile(values, at) == expected


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 0, "0.0 %"), (0, 9, "0.0 %"), (1, 10_000, "< 0.1 %"), (1, 8, "12.5 %")]
)
def test_a_share_that_is_not_zero_never_shows_as_zero(part: int, whole: int, text: str) -> None:
    """One failed call in ten thousand is still one."""
    assert share(part, whole) == text


def test_figures_are_one_line_where_there_is_no_terminal() -> None:
    """For a log or a pipe."""
    out = io.StringIO()
    with screen(out) as show:
        show(FIGURES)
    assert out.getvalue() == (
        "    3 s  callers: 200 calls, 0.0 % failed, p50 1 ms, p99 512 ms  |  "
        "upstream: 240 attempts, 12.5 % failed (200 210, hang 30)  |  retries 40, breaker closed\n"
    )


@pytest.mark.parametrize("failed", [0, 3])
def test_figures_are_a_table_on_a_terminal(failed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers beside the upstream, drawn anew in place."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with screen(out) as show:
        show(FIGURES)
        show(Figures(4.0, 300, failed, 0.001, 0.5, 340, 40, "200 300", "open"))
    text = out.getvalue()
    for words in ("what callers saw", "what the upstream did", "12.5 %", "p50 / p99", "retries", "closed", "open"):
        assert words in text
    assert ("0.0 %" in text.rpartition("traffic, 4 s")[2]) is (failed == 0)
