"""The plots of docs/simulation.md, as PNG and SVG: the same bytes for the same run."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from bench.simulate import herds, overload, tails
from bench.simulate.figures import bins, quantile
from bench.simulate.outages import BEFORE, outage
from bench.simulate.scenarios import Outcome, Scenario
from bench.simulate.upstream import Upstream
from bench.simulate.world import World
from seawall.testing import run_virtual

__all__ = ["Runs", "draw_all"]

Runs = Mapping[str, tuple[Upstream, World]]

SHADES = 128
# Okabe and Ito: told apart by everybody
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9")
STYLE: Any = {
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "seawall",
    "path.simplify_threshold": 1.0,
    "figure.dpi": 100,
    "legend.frameon": False,
}
LINES = dict(zip(("none", "retry", "breaker", "concurrency", "all", "fallback"), COLOURS, strict=True))
SHOWN = {
    "outage": ("none", "retry", "breaker", "all", "fallback"),
    "brown-out": ("none", "retry", "breaker", "concurrency", "all"),
    "retry storm": ("none", "retry", "breaker", "concurrency", "all"),
    "recovery": ("none", "retry", "breaker", "concurrency", "all"),
}


def draw_all(folder: Path, runs: Mapping[str, Runs], outcomes: Mapping[str, Mapping[str, Outcome]],
             scenarios: Sequence[Scenario], scale: float = 1.0) -> None:  # fmt: skip
    """Draw every plot into `folder`; `scale` shortens what is run for the plots alone."""
    with mpl.rc_context(STYLE):
        for scenario in scenarios:
            _save(_scenario(scenario, runs[scenario.name]), folder, scenario.name.replace(" ", "-"))
        _save(_bars(outcomes), folder, "policies")
        _save(_herds(scale), folder, "retries")
        _save(_tail(int(20_000 * scale)), folder, "hedging")
        _save(_overload(20.0 * scale), folder, "overload")


def _save(figure: Figure, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    few = Image.open(drawn).convert("RGB").quantize(SHADES, dither=Image.Dither.NONE)  # a third of the bytes
    few.save(folder / f"{name}.png", optimize=True)


def _axes(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes: Any = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def _scenario(scenario: Scenario, runs: Runs) -> Figure:
    figure, (attempts, good, slow) = _axes(3, 1, 7.2, 6.0)
    seconds = range(int(scenario.until))
    for name in SHOWN[scenario.name]:
        colour = LINES[name]
        upstream, world = runs[name]
        asked = bins((one.at for one in upstream.came), 1.0, 0.0, scenario.until)
        attempts.plot(seconds, asked, color=colour, label=name, linewidth=1.2)
        shares, p99 = _by_second(world, int(scenario.until))
        good.plot(seconds, shares, color=colour, linewidth=1.2)
        slow.plot(seconds, p99, color=colour, linewidth=1.2)
    for axes, label in (
        (attempts, "attempts at it per s"), (good, "calls that succeed, %"), (slow, "p99 of a call, s"),
    ):  # fmt: skip
        axes.set_ylabel(label)
        axes.set_xlim(10, scenario.until)
        axes.axvspan(scenario.began, scenario.over, color="#999999", alpha=0.15, linewidth=0)
    attempts.set_title(f"{scenario.name}, policies alone and all together (the event is shaded)", loc="left")
    attempts.legend(ncols=5, loc="upper right", fontsize=8)
    attempts.set_ylim(bottom=0, top=attempts.get_ylim()[1] * 1.2)
    good.set_ylim(-3, 103)
    slow.set_ylim(bottom=0)
    slow.set_xlabel("seconds")
    return figure


def _by_second(world: World, until: int) -> tuple[list[float], list[float]]:
    ends: dict[int, list[tuple[bool, float]]] = defaultdict(list)
    for one in world.done:
        ends[int(one.at)].append((one.good, one.seconds))
    good, p99 = [], []
    for second in range(until):
        some = ends[second]
        good.append(100 * sum(ok for ok, _ in some) / len(some) if some else float("nan"))
        p99.append(quantile((seconds for _, seconds in some), 0.99))
    return good, p99


def _bars(outcomes: Mapping[str, Mapping[str, Outcome]]) -> Figure:
    figure, panels = _axes(2, 2, 8.4, 6.4)
    names = list(next(iter(outcomes.values())))
    shown: Sequence[tuple[str, Callable[[Outcome], float], float]] = (
        ("attempts per call during the event", lambda one: one.amplification, 4.0),
        ("calls that succeed during the event, %", lambda one: 100 * one.success, 100.0),
        ("p99 of a call during the event, s", lambda one: one.p99, 5.0),
        ("seconds until 95 % succeed again (cut at 45)", lambda one: one.recovery, 45.0),
    )
    height = 0.8 / len(outcomes)
    for panel, (label, of, top) in zip(panels, shown, strict=True):
        for index, (colour, (scenario, cells)) in enumerate(zip(COLOURS[1:], outcomes.items(), strict=False)):
            places = [place + (index - 1.5) * height for place in range(len(names))]
            panel.barh(places, [min(top, of(cells[name])) for name in names], height, color=colour, label=scenario)
        panel.set_title(label, loc="left", fontsize=9)
        panel.set_yticks(range(len(names)), names)
        panel.set_xlim(0, top)
        panel.invert_yaxis()
        panel.grid(visible=False, axis="y")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(outcomes))
    return figure


def _herds(scale: float) -> Figure:
    figure, (long, asked) = _axes(1, 2, 8.4, 3.0)
    seconds = max(20.0, 60.0 * scale)
    upstream, _ = run_virtual(outage(200, seconds, {"retry": {}}))
    retries = [one.at - BEFORE for one in upstream.came if one.number > 1]
    counts = bins(retries, 1.0, 0.0, seconds)
    long.bar(range(len(counts)), counts, 1.0, color=COLOURS[2], align="edge")
    long.set_title("200 calls/s into an outage, no breaker", loc="left", fontsize=9)
    long.set_xlabel("seconds of the outage")
    long.set_ylabel("retries per s")
    for colour, slower, label in ((COLOURS[3], 1.0, "first call fast"), (COLOURS[1], 20.0, "first call takes 1 s")):
        came = run_virtual(herds.waited(int(2000 * scale), 5.0, slower)).came
        counts = bins((one.at - 1.0 for one in came if one.number > 1), 0.1, 4.9, 7.1)
        asked.step(
            [4.9 + number / 10 for number in range(len(counts))], counts, where="post", color=colour, label=label
        )
    asked.set_title("calls told Retry-After: 5 all at once", loc="left", fontsize=9)
    asked.set_xlabel("seconds since they were told")
    asked.set_ylabel("retries per 100 ms")
    asked.set_ylim(top=asked.get_ylim()[1] * 1.2)
    asked.legend(fontsize=8, loc="upper center", ncols=2)
    return figure


def _tail(calls: int) -> Figure:
    figure, (axes,) = _axes(1, 1, 7.2, 3.2)
    for colour, hedge, label in ((COLOURS[1], None, "no hedge"), (COLOURS[2], "p95", 'hedge = "p95"')):
        seen, extra = tails.latencies(calls, hedge)
        marks = [1 - 10 ** (-step / 20) for step in range(1, 66)]
        name = f"{label}: {100 * extra:.1f} % extra calls"
        axes.plot(_left(marks), [1000 * quantile(seen, share) for share in marks], color=colour, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()
    ticks = (0.5, 0.1, 0.05, 0.01, 0.005, 0.001)
    axes.set_xticks(ticks, [f"p{100 * (1 - share):g}" for share in ticks])
    axes.minorticks_off()
    axes.set_yticks((10, 20, 50, 100, 200, 500, 1000), ("10", "20", "50", "100", "200", "500", "1000"))
    axes.axhline(100, color="#999999", linestyle="--", linewidth=1)
    axes.set_ylabel("ms")
    axes.set_title("one answer in a hundred takes a second", loc="left")
    axes.legend(fontsize=8, loc="upper left")
    return figure


def _left(shares: Iterable[float]) -> list[float]:
    return [1 - share for share in shares]


def _overload(seconds: float) -> Figure:
    figure, (slow, done) = _axes(1, 2, 8.4, 3.2)
    loads = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
    for colour, policies, label in (
        (COLOURS[1], {}, "no limit"),
        (COLOURS[0], {"concurrency": {"limit": 64}}, "limit = 64"),
        (COLOURS[2], overload.ADAPTIVE, "adaptive"),
    ):
        runs = [overload.offered(times, 20, seconds, policies) for times in loads]
        slow.plot(loads, [1000 * run.p99 for run in runs], color=colour, label=label, marker=".")
        done.plot(loads, [100 * run.throughput for run in runs], color=colour, label=label, marker=".")
    unloaded = overload.offered(0.1, 20, seconds, {}).p99
    slow.axhline(2000 * unloaded, color="#999999", linestyle="--", linewidth=1)
    slow.set_yscale("log")
    slow.set_yticks((50, 100, 200, 500, 1000, 2000, 5000), ("50", "100", "200", "500", "1000", "2000", "5000"))
    slow.minorticks_off()
    slow.set_title("p99 upstream latency, ms (dashed: 2 x unloaded)", loc="left", fontsize=9)
    done.set_title("throughput, % of capacity", loc="left", fontsize=9)
    done.axhline(90, color="#999999", linestyle="--", linewidth=1)
    done.set_ylim(0, 105)
    for axes in (slow, done):
        axes.set_xlabel("offered load / capacity")
    done.legend(fontsize=8, loc="center right")
    return figure
