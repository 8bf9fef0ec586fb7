"""`python -m bench.memory`: resident memory idle, after `/docs`, over a million calls and a million kept keys."""

import argparse
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import keys, peers, report
from bench.load import OUT, Loads
from bench.process import BenchError, Process

PATH = "/json/answer"
CONNECTIONS = 32
IDLE_LIMIT, DOCS_LIMIT, GROWTH_LIMIT = 64.0, 96.0, 2.0
MEGABYTE = 1e6


def fetch(port: int, path: str) -> int:
    """Return the status of a GET."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        answer.read()
        return int(answer.status)


def call(process: Process, loads: Loads, many: int, done: int) -> int:
    """Make calls until at least `many` were made in all, `done` so far; return how many that are."""
    while done < many:
        left = many - done
        figures = loads.saturate(process.port, PATH, CONNECTIONS, 1 if left < 40_000 else 5)
        process.alive()
        process.forget_log()
        if figures["failed"]:
            raise BenchError(f"{figures['failed']} calls failed:\n{process.tail()}")
        done += int(figures["calls"])
    return done


def _tell(line: str) -> None:
    print(line, flush=True)


def main(argv: Sequence[str]) -> int:
    """Print the figures; return 1 when one is over its limit, 2 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--first", type=int, default=200_000, help="calls between two figures")
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls in all, a multiple of it")
    parser.add_argument("--keys", type=int, default=1_000_000, help="distinct URLs through the cache; 0: none")
    options = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)
            who = report.introduce(folder)
            behind, loads = peers.upstream(stack, folder), Loads(folder)
            idle = peers.gateway(stack, folder / "idle", behind, "all").calls
            fetch(idle.port, "/live")
            figures = {"idle": idle.rss() / MEGABYTE}
            fetch(idle.port, "/docs")
            figures["docs"] = idle.rss() / MEGABYTE
            loaded = peers.gateway(stack, folder / "loaded", behind, "all").calls
            done = 0
            for mark in range(options.first, options.calls + 1, options.first):
                done = call(loaded, loads, mark, done)
                figures[str(mark)] = loaded.rss() / MEGABYTE
                print(f"RSS at {done} calls: {figures[str(mark)]:.1f} MB", flush=True)
            kept = keys.measure(stack, folder, behind, loads, options.keys, _tell) if options.keys else []
    except (BenchError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    growth = figures[str(options.calls)] - figures[str(options.first)]
    checks = [
        report.Check("RSS idle, MB", figures["idle"], IDLE_LIMIT),
        report.Check("RSS after /docs, MB", figures["docs"], DOCS_LIMIT),
        report.Check(f"RSS at {options.calls} calls beyond {options.first}, MB", growth, GROWTH_LIMIT),
    ]
    checks += kept
    for one in checks:
        print(one.line())
    report.write(OUT / "memory.json", [], checks, figures, who)
    return 0 if all(one.held for one in checks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
