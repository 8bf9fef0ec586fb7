"""What a memory hit costs beside nginx's own cached answer, and what a caller of a slow upstream gains."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.load import FOLDER, Loads
from bench.measure import Plan, Row, Table
from bench.peers import Peer, Upstream
from bench.process import GATEWAY_CORE, LOAD_CORE, BenchError, Process, free_port

__all__ = ["CACHED", "SLOW", "hits", "peer", "slow"]

CACHED, SLOW = "cached", "slow upstream"
SLOW_MS = 20
CONNECTIONS, FEW = 32, 1  # of one, so that what is waited for is the answer and not the next turn


def peer(stack: ExitStack, folder: Path, behind: Upstream) -> Peer:
    """Start the gateway with settings/cached.toml and the slow upstream behind it."""
    slow_port, port = free_port(), free_port()
    slow_one = Process(
        "slow",
        [sys.executable, str(FOLDER / "slow.py"), str(slow_port), str(SLOW_MS)],
        LOAD_CORE,
        slow_port,
        folder / "slow",
    )
    stack.callback(slow_one.stop)
    env = {
        "PORT": str(port),
        "UPSTREAM": f"http://127.0.0.1:{behind.answers.port}",
        "SLOW": f"http://127.0.0.1:{slow_port}",
    }
    file = str(FOLDER / "settings" / "cached.toml")
    argv = [sys.executable, "-m", "seawall", "serve", "--config", file]
    process = Process(CACHED, argv, GATEWAY_CORE, port, folder / CACHED, env)
    stack.callback(process.stop)
    return Peer(CACHED, process, process, "/kept/kept")


def hits(peers: Sequence[Peer], loads: Loads, plan: Plan) -> Table:
    """CPU per answer from memory; nginx's is the base."""
    table = Table(CACHED, {one.name: [] for one in peers})
    for one in peers:
        loads.get(one.calls.port, "/kept/kept", CONNECTIONS, 1)
    for _ in range(plan.rounds):
        for one in peers:
            before = one.calls.cpu()
            figures = _good(one, loads.get(one.calls.port, "/kept/kept", CONNECTIONS, plan.seconds))
            used = one.calls.cpu() - before
            one.alive()
            table.rows[one.name].append({
                "cpu_us": used / figures["calls"] * 1e6,
                "per_second": figures["calls"] / figures["seconds"],
                "busy": used / figures["seconds"],
                "p50_us": figures["p50_us"],
                "p99_us": figures["p99_us"],
                "rss_mb": one.calls.rss() / 1e6,
            })  # fmt: skip
    return table


def slow(one: Peer, loads: Loads, plan: Plan) -> Table:
    """What a caller waits at p95 on an upstream of 20 ms, asked every time and kept."""
    paths = {"uncached": "/slow/x", "hot": "/slowkept/x"}
    table = Table(SLOW, {name: [] for name in paths})
    for path in paths.values():
        loads.get(one.calls.port, path, FEW, 1)
    for _ in range(plan.rounds):
        for name, path in paths.items():
            figures = _good(one, loads.get(one.calls.port, path, FEW, plan.seconds))
            table.rows[name].append({key: figures[key] for key in ("p50_us", "p95_us", "p99_us")})
    return table


def _good(one: Peer, figures: Row) -> Row:
    if figures["failed"]:
        raise BenchError(f"{one.name}: {figures['failed']:.0f} calls failed of {figures['calls']:.0f}")
    return figures
