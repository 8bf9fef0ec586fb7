"""Rounds: every peer in turn, again and again, so that whatever else the machine does falls on all of them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.load import Loads
from bench.peers import Peer, Upstream
from bench.process import BenchError, Process

__all__ = ["QUICK", "Plan", "Row", "Table", "latency", "saturation", "streaming"]

Row = dict[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often.

    Attributes:
        rounds: interleaved rounds of each scenario.
        seconds: of one round at saturation.
        stream_rounds: how many times over the streams are read in one round.
        latency_rounds, latency_seconds: of the fixed rate.
    """

    rounds: int = 5
    seconds: float = 4.0
    stream_rounds: int = 6
    latency_rounds: int = 5
    latency_seconds: float = 20.0


QUICK = Plan(rounds=3, seconds=1.0, stream_rounds=2, latency_rounds=3, latency_seconds=2.0)
STREAMS = 64
RATE = 200.0


@dataclass(slots=True)
class Table:
    """All rounds of one scenario.

    Attributes:
        scenario: its name.
        rows: by peer, one row of figures for each round.
    """

    scenario: str
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def median(self, peer: str, figure: str) -> float:
        """Return the median over the rounds."""
        return median(row[figure] for row in self.rows[peer])

    def ratio(self, peer: str, figure: str, to: str) -> float:
        """Return the median, over the rounds, of `peer` divided by `to` in the same round."""
        pairs = zip(self.rows[peer], self.rows[to], strict=True)
        return median(row[figure] / other[figure] if other[figure] else 0.0 for row, other in pairs)


def _interleave(scenario: str, peers: Sequence[Peer], rounds: int, once: Callable[[Peer], Row]) -> Table:
    table = Table(scenario, {peer.name: [] for peer in peers})
    for _ in range(rounds):
        for peer in peers:
            row = once(peer)
            peer.alive()
            table.rows[peer.name].append(row)
            peer.calls.forget_log()
    return table


def _failed(peer: Peer, figures: dict[str, float]) -> None:
    if figures["failed"]:
        kinds = ", ".join(f"{figures[kind]:.0f} {kind}" for kind in ("broken", "refused", "slow") if figures.get(kind))
        raise BenchError(
            f"{peer.name}: {figures['failed']:.0f} calls failed of {figures['calls']:.0f} ({kinds or 'of no kind'}); "
            f"the end of its log:\n{peer.calls.tail()}"
        )


def _cost(process: Process, load: Callable[[], dict[str, float]]) -> tuple[float, dict[str, float]]:
    before = process.cpu()
    figures = load()
    return process.cpu() - before, figures


def saturation(scenario: str, peers: Sequence[Peer], loads: Loads, plan: Plan, connections: int) -> Table:
    """CPU per call, calls per second, memory; each peer gets as many calls as it can take."""

    def once(peer: Peer) -> Row:
        used, figures = _cost(
            peer.calls, lambda: loads.saturate(peer.calls.port, peer.calls_path, connections, plan.seconds)
        )
        _failed(peer, figures)
        return {
            "cpu_us": used / figures["calls"] * 1e6,
            "per_second": figures["calls"] / figures["seconds"],
            "busy": used / figures["seconds"],
            "p50_us": figures["p50_us"],
            "p99_us": figures["p99_us"],
            "rss_mb": peer.calls.rss() / 1e6,
        }

    for peer in peers:  # connections to the upstream, caches and branch predictors, the same for all
        loads.saturate(peer.calls.port, peer.calls_path, connections, 1)
    return _interleave(scenario, peers, plan.rounds, once)


def streaming(peers: Sequence[Peer], loads: Loads, plan: Plan, scenario: str = "streaming") -> Table:
    """CPU per event of paced streams; `merged` is the share of events that came with another in one read."""

    def once(peer: Peer) -> Row:
        used, figures = _cost(
            peer.events, lambda: loads.streams(peer.events.port, peer.events_path, STREAMS, plan.stream_rounds)
        )
        _failed(peer, {**figures, "calls": figures["streams"]})
        return {
            "cpu_us": used / figures["events"] * 1e6,
            "per_second": figures["events"] / figures["seconds"],
            "merged": max(0.0, 1 - figures["reads"] / figures["events"]),
            "first_p50_us": figures["first_p50_us"],
            "first_p99_us": figures["first_p99_us"],
            "rss_mb": peer.events.rss() / 1e6,
        }

    return _interleave(scenario, peers, plan.rounds, once)


def latency(peers: Sequence[Peer], loads: Loads, plan: Plan, behind: Upstream) -> Table:
    """What a call waits at a fixed rate far below saturation; `added` is beyond asking the upstream directly."""
    direct = Peer("direct", behind.answers, behind.answers)

    def once(peer: Peer) -> Row:
        figures = loads.steady(peer.calls.port, peer.calls_path, RATE, plan.latency_seconds)
        _failed(peer, figures)
        return {"p50_us": figures["p50_us"], "p99_us": figures["p99_us"], "max_us": figures["max_us"]}

    table = _interleave("latency", [direct, *peers], plan.latency_rounds, once)
    for peer in peers:
        for row, base in zip(table.rows[peer.name], table.rows["direct"], strict=True):
            row["added_p50_us"] = row["p50_us"] - base["p50_us"]
            row["added_p99_us"] = row["p99_us"] - base["p99_us"]
    return table
