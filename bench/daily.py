"""`python -m bench.daily`: a hundred users' day on half a core, in bursts of 30; what the gateway adds to each call.

What is added is the caller's wait for the last byte, less the time the provider says it took for that very call. The
same calls straight to the provider, in turns with the others, show how much of it is the load's own and the provider's.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sqlite3
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from bench import crowd, report
from bench.load import FOLDER, OUT
from bench.process import GATEWAY_CORE, LOAD_CORE, BenchError, Process, free_port
from bench.share import Share, share_of_a_core

KEY = "sk-" + "1" * 64
PROVIDER = FOLDER.parent / "tests" / "provider"
MODELS = {"fast": "gpt-5-mini", "smart": "gpt-5"}
EVERY = 4  # bursts through the gateway for one straight to the provider
LIMIT_MS = 20.0
PARTS = (0.5, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Used:
    """What the gateway used: seconds the day took, of CPU, waiting for a core, held back by its share; bytes of RSS."""

    seconds: float
    cpu: float
    waited: float
    held_back: float
    rss: int


@dataclass(frozen=True, slots=True)
class Day:
    """What was measured: milliseconds added to each call, by where it went; what went wrong; what it took."""

    added: dict[str, list[float]]
    faults: list[str]
    used: Used


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.daily", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--calls", type=int, default=20, help="of each user")
    parser.add_argument("--parallel", type=int, default=30, help="calls of one burst")
    parser.add_argument("--streamed", type=float, default=0.5, help="share of the calls that stream")
    parser.add_argument("--share", type=float, default=0.5, help="of one core, for the gateway")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--enforce", action="store_true", help="exit 1 when a limit does not hold")
    return parser.parse_args(argv)


def provider(stack: ExitStack, folder: Path, name: str) -> Process:
    """Start a scripted provider."""
    port = free_port()
    process = Process(name, [sys.executable, str(PROVIDER), "--port", str(port)], LOAD_CORE, port, folder / name)
    stack.callback(process.stop)
    return process


def gateway(stack: ExitStack, folder: Path, behind: Sequence[Process], share: Share, part: float) -> Process:
    """Start the gateway inside its share."""
    port = free_port()
    env = {
        "PORT": str(port),
        "UPSTREAM": f"http://127.0.0.1:{behind[0].port}",
        "EVENTS": f"http://127.0.0.1:{behind[1].port}",
        "FOLDER": str(folder),
        "KEY_HASH": hashlib.sha256(KEY.encode()).hexdigest(),
    }
    argv = [sys.executable, "-m", "seawall", "serve", "--config", str(FOLDER / "settings" / "daily.toml")]
    process = Process("daily", [*share.prefix, *argv], GATEWAY_CORE, port, folder / "daily", env, 60)
    stack.callback(process.stop)
    share.keep(process.pid, part)
    return process


async def live(options: argparse.Namespace, through: crowd.Door, straight: crowd.Door) -> list[crowd.Said]:
    """Make every call of the day through the gateway, and every fourth burst once more straight to the provider."""
    said = []
    bursts = crowd.day(options.users, options.calls, options.parallel, options.streamed, options.seed)
    for number, burst in enumerate(bursts):
        said += await crowd.ask(through, burst)
        if number % EVERY == 0:
            said += await crowd.ask(straight, burst)
    through.close()
    straight.close()
    return said


def took(behind: Sequence[Process]) -> dict[str, tuple[float, Decimal]]:
    """Return, by the name of the call, seconds and US dollars as the providers' own bills have them."""
    found: dict[str, tuple[float, Decimal]] = {}
    for one in behind:
        with urllib.request.urlopen(f"http://127.0.0.1:{one.port}/bill", timeout=10) as answer:
            rows = json.load(answer)["rows"]
        for row in rows:
            if row["request_id"] in found:
                raise BenchError(f"call {row['request_id']} reached a provider twice: nobody can say what was added")
            found[row["request_id"]] = (row["seconds"], Decimal(row["cost"]))
    return found


def booked(folder: Path) -> tuple[int, Decimal]:
    """Return how many rows the ledger has, and US dollars in all."""
    with sqlite3.connect(folder / "ledger.db") as database:
        count, micro, rest = database.execute(
            "SELECT count(*), sum(cost_micro), sum(cost_rest) FROM seawall_ledger"
        ).fetchone()
    return count, Decimal(micro or 0).scaleb(-6) + Decimal(rest or 0).scaleb(-18)


def use(process: Process, share: Share, since: Used | None = None) -> Used:
    """Return what the gateway has used, since `since` where it is given."""
    now = (time.monotonic(), process.cpu(), process.waited(), share.throttled())
    first = (since.seconds, since.cpu, since.waited, since.held_back) if since else (0.0, 0.0, 0.0, 0.0)
    seconds, cpu, waited, held_back = (one - other for one, other in zip(now, first, strict=True))
    return Used(seconds, cpu, waited, held_back, process.rss())


def measure(options: argparse.Namespace, folder: Path, stack: ExitStack) -> Day:
    """Start everything, live the day, compare the books."""
    share = stack.enter_context(share_of_a_core(options.share))
    print(f"its share: {share.how}", flush=True)
    behind = [provider(stack, folder, name) for name in ("openai", "claude")]
    process = gateway(stack, folder, behind, share, options.share)
    through = crowd.Door("gateway", process.port, {name: name for name in MODELS}, KEY)
    straight = crowd.Door("straight", behind[0].port, MODELS)
    before = use(process, share)
    said = asyncio.run(live(options, through, straight))
    used = use(process, share, before)
    share.end()
    process.stop()
    bill = took(behind)
    faults = [f"{one.name}: {one.fault}" for one in said if one.fault] + books(folder, bill)
    added: dict[str, list[float]] = {"gateway": [], "straight": []}
    for one in said:
        if not one.fault:
            added[one.name.partition("-")[0]].append((one.seconds - bill[one.name][0]) * 1000)
    return Day(added, faults, used)


def books(folder: Path, bill: dict[str, tuple[float, Decimal]]) -> list[str]:
    """Return in what the ledger differs from the providers' bills."""
    costs = [cost for name, (_, cost) in bill.items() if name.startswith("gateway")]
    got, wanted = booked(folder), (len(costs), sum(costs, Decimal(0)))
    return (
        [] if got == wanted else [f"the ledger has {got[0]} rows, {got[1]} USD; the bills {wanted[0]}, {wanted[1]} USD"]
    )


def at(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of all are not above (nearest rank)."""
    return sorted(values)[max(0, -int(-len(values) * part // 1) - 1)]


def told(found: Day) -> dict[str, float]:
    """Print what was measured and return it by name."""
    figures: dict[str, float] = {}
    for door, values in found.added.items():
        ranks = {f"p{part * 100:g}": at(values, part) for part in PARTS}
        figures |= {f"{door}_{rank}_ms": value for rank, value in ranks.items()}
        line = "  ".join(f"{rank} {value:.2f}" for rank, value in ranks.items())
        print(f"added, ms, {door}: {line}  ({len(values)} calls)")
    used, calls = found.used, max(1, len(found.added["gateway"]))
    print(
        f"gateway: {used.cpu:.2f} s of CPU in {used.seconds:.0f} s, {used.cpu / calls * 1e6:.0f} us a call; "
        f"RSS {used.rss / 1e6:.1f} MB; it waited {used.waited:.2f} s for the core, {used.held_back:.2f} s for its share"
    )
    return figures | asdict(used)


def main(argv: Sequence[str]) -> int:
    """Print the figures; return 1 when one is over its limit and `--enforce` is given, 2 when they cannot be had."""
    options = arguments(argv)
    os.sched_setaffinity(0, {LOAD_CORE} & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            who = report.introduce(Path(name))
            found = measure(options, Path(name), stack)
    except (BenchError, OSError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    for fault in found.faults[:5]:
        print(f"  {fault}")
    figures = told(found)
    checks = [
        report.Check("daily: p95 added, ms", figures["gateway_p95_ms"], LIMIT_MS),
        report.Check("daily: errors and wrong books", len(found.faults), 0),
    ]
    for one in checks:
        print(one.line())
    report.write(OUT / "daily.json", [], checks, figures, who)
    return 1 if options.enforce and not all(one.held for one in checks) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
