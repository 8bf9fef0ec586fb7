"""`python -m bench`: measure, print, write bench/out/results.json."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import cached, measure, peers, report
from bench.load import OUT, Loads
from bench.process import BenchError

SCENARIOS = ("calls", "many", "stream", "latency", "cached", "slow", "models")


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes; rougher")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario only; may be repeated")
    parser.add_argument("--settings", default="bare,all", help="which files of bench/settings; empty: none")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=COMMAND", help="another proxy; ${PORT} in it"
    )
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="the gateway of another interpreter too, where CPU is measured",
    )
    parser.add_argument("--enforce", action="store_true", help="exit 1 when a limit does not hold")
    return parser.parse_args(argv)


def run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> list[measure.Table]:
    """Start everything, measure what was asked for, print as it comes."""
    plan = measure.QUICK if options.quick else measure.Plan()
    wanted = {*(options.only or SCENARIOS)}
    if "cached" in wanted:
        wanted.add("slow")  # what a hit costs, and what it is good for
    loads = Loads(folder)
    behind = peers.upstream(stack, folder)
    nginx = peers.nginx_proxy(stack, folder, behind)
    keeps = cached.peer(stack, folder, behind) if "slow" in wanted else nginx
    all_peers = [nginx]
    all_peers += [peers.gateway(stack, folder, behind, name) for name in options.settings.split(",") if name]
    others = [
        peers.beside(stack, folder, behind, name, text)
        for text in options.beside
        for name in options.settings.split(",")
        if name
    ]
    all_peers += [peers.foreign(stack, folder, behind, text) for text in options.peer]
    steps: dict[str, Callable[[], list[measure.Table]]] = {
        "calls": lambda: [measure.saturation("32 connections", [*all_peers, *others], loads, plan, 32)],
        "many": lambda: [measure.saturation("512 connections", all_peers, loads, plan, 512)],
        "stream": lambda: [measure.streaming([*all_peers, *others], loads, plan)],
        "latency": lambda: [measure.latency(all_peers, loads, plan, behind)],
        "cached": lambda: [cached.hits([nginx, keeps], loads, plan)],
        "slow": lambda: [cached.slow(keeps, loads, plan)],
        "models": lambda: models(nginx, peers.models(stack, folder, behind, options.beside), loads, plan),
    }
    tables = []
    for name in SCENARIOS:
        if name in wanted:
            for table in steps[name]():
                tables.append(table)
                print(report.show(table), end="\n\n", flush=True)
    return tables


def models(
    base: peers.Peer, started: tuple[peers.Peer, list[peers.Peer]], loads: Loads, plan: measure.Plan
) -> list[measure.Table]:
    """Metered calls beside nginx, and metered events beside the same ones unmetered."""
    nginx = replace(base, calls_path="/json/v1/chat/completions")
    plain, metered = started
    calls = measure.saturation("model calls", [nginx, *metered], loads.chat(stream=False), plan, 32)
    events = measure.streaming([nginx, plain, *metered], loads.chat(stream=True), plan, "model streaming")
    return [calls, events]


def main(argv: Sequence[str]) -> int:
    """Return 0, 1 when a limit does not hold and `--enforce` is given, 2 when nothing could be measured."""
    options = arguments(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)  # nginx's worker runs as nobody when it is started by root
            who = report.introduce(folder, options.beside)
            tables = run(options, folder, stack)
    except BenchError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    checks = report.check(tables)
    for one in checks:
        print(one.line())
    report.write(OUT / "results.json", tables, checks, {}, who)
    return 1 if options.enforce and not all(one.held for one in checks) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
