"""`seawall check`: say everything that is wrong with the settings, at once."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from seawall.config import load_with_sources, resolve, serve_faults
from seawall.config.dump import dump
from seawall.config.tree import Tree

__all__ = ["check"]


def check(config: Path, *, show: bool, live: bool, names: Sequence[str] = ()) -> int:
    """Check the settings of a file; return the exit code.

    What is valid but not served by this version is told on stderr and is no failure.

    Args:
        config: the settings file.
        show: print the settings as understood, secrets masked, and nothing else on stdout.
        live: call each upstream once; 1 when one does not answer.
        names: of the upstreams to call, all where empty; 2 when there is no such upstream.

    Raises:
        SettingsError: the settings are wrong.
    """
    loaded = load_with_sources(config, os.environ)
    if show:
        print(dump(loaded.tree, loaded.sources), end="")
    print(f"{config}: ok, {_summary(loaded.tree)}", file=sys.stderr if show else sys.stdout)
    refused = serve_faults(loaded.tree)
    if refused:
        print(f"`seawall serve` refuses it all the same:\n  {_lines(refused)}", file=sys.stderr)
    if not live:
        return 0
    from seawall.cli.live import probe_all

    upstreams = resolve(loaded.tree)
    unknown = sorted(set(names) - {one.name for one in upstreams})
    if unknown:
        print(f"seawall: there is no upstream {', '.join(unknown)}", file=sys.stderr)
        return 2
    results = asyncio.run(probe_all([one for one in upstreams if not names or one.name in names]))
    for result in results:
        print(f"{result.name}  {result.what}  {result.text}  {result.seconds * 1000:.0f} ms")
    return 0 if all(result.good for result in results) else 1


def _summary(tree: Tree) -> str:
    counts = {
        "upstream": len(tree.upstreams),
        "model": len(tree.models),
        "caller": len(tree.callers),
        "schedule": len(tree.schedules),
    }
    said = [f"{count} {word}{'s' if count != 1 else ''}" for word, count in counts.items() if count]
    return ", ".join(said) or "no upstreams"


def _lines(faults: list[str]) -> str:
    return "\n  ".join(faults)
