"""A million distinct keys through a bounded cache: what it accounts for, and what the process grows by."""

import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import cached, report
from bench.load import Loads
from bench.peers import Upstream
from bench.process import BenchError

__all__ = ["GROWTH", "measure"]

LIMIT = 64 << 20  # state.cache_memory of settings/cached.toml
GROWTH = 1.35
WARM, STEP, CONNECTIONS = 2, 5, 32  # seconds, seconds, clients
MEGABYTE = 1e6


def measure(
    stack: ExitStack, folder: Path, behind: Upstream, loads: Loads, keys: int, tell: Callable[[str], None]
) -> list[report.Check]:
    """Return the two checks.

    Args:
        stack: ends what is started.
        folder: for its files.
        behind: answers everything with 1.5 KB.
        loads: asks.
        keys: how many URLs at least.
        tell: is given a line after each step.
    """
    process = cached.peer(stack, folder, behind).calls
    loads.get(process.port, "/slowkept/x", CONNECTIONS, WARM)  # what calls and connections take by themselves
    before, done, most, grown = process.rss(), 0, 0.0, 0
    while done < keys:
        figures = loads.keys(process.port, "/kept/kept/", CONNECTIONS, STEP, done)
        process.alive()
        if figures["failed"]:
            raise BenchError(f"{figures['failed']} calls failed:\n{process.tail()}")
        done += int(figures["calls"]) + CONNECTIONS  # those under way at the end were asked for too
        most = max(most, _accounted(process.port))
        grown = max(grown, process.rss() - before)
        tell(f"{done} keys: accounted {most / MEGABYTE:.1f} MB at most, RSS grew by {grown / MEGABYTE:.1f} MB")
    return [
        report.Check(f"cache, {done} keys: accounted bytes to cache_memory", most / LIMIT, 1.0),
        report.Check(f"cache, {done} keys: RSS growth to cache_memory", grown / LIMIT, GROWTH),
    ]


def _accounted(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("seawall_cache_bytes "):
                return float(line.split()[1])
    raise BenchError("the gateway tells no seawall_cache_bytes")
