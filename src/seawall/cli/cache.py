"""`seawall cache`: what a running gateway keeps, and making it forget."""

import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from seawall.cli.remote import Remote, RemoteError
from seawall.contracts.units import show_size

__all__ = ["list_paths", "purge", "show"]

_CACHE = "/api/v1/cache"


def list_paths(url: str, upstream: str, prefix: str, limit: int) -> int:
    """Show how full the cache is and the paths answers are kept of; return the exit code.

    Args:
        url: of the gateway.
        upstream: its name, `""` for all.
        prefix: the paths begin so.
        limit: paths at most.
    """

    def work() -> int:
        query = urlencode({"upstream": upstream, "prefix": prefix, "limit": limit})
        shown = Remote(url).ask("GET", f"{_CACHE}?{query}")
        print(
            f"{shown['answers']} answers, {show_size(shown['bytes'])} of {show_size(shown['limit'])}, "
            f"{shown['evicted']} evicted, {shown['flights']} under way, {shown['refreshed']} refreshed behind"
        )
        for one in shown["paths"]:
            urls = "" if one["urls"] == 1 else f"  {one['urls']} queries"
            print(f"{one['upstream']}  {one['path']}  {one['answers']}  {show_size(one['bytes'])}{urls}")
        if shown["left_out"]:
            print(f"and {shown['left_out']} answers more: name an upstream, a --prefix, or raise --limit")
        return 0

    return _asking(work)


def show(url: str, upstream: str, path: str) -> int:
    """Show the answers of a path, headers and sizes; return the exit code."""

    def work() -> int:
        query = urlencode({"upstream": upstream, "path": path})
        found = Remote(url).ask("GET", f"{_CACHE}/answers?{query}")["answers"]
        if not found:
            print(f"nothing is kept of {path}; `seawall cache list {upstream}` names what is")
            return 1
        for one in found:
            _print(one, path)
        return 0

    return _asking(work)


def purge(url: str, upstream: str, path: str, prefix: str, everything: bool) -> int:
    """Make answers invalid at every replica; return the exit code.

    Args:
        url: of the gateway.
        upstream: its name, `""` with `everything`.
        path: one URL, or `""`.
        prefix: all whose path begins so, or `""`.
        everything: of every upstream.
    """
    if everything == bool(upstream) or (path and prefix):
        print(
            "seawall: say what to purge: UPSTREAM PATH for one URL, UPSTREAM --prefix PATH, UPSTREAM for all of it, "
            "or --all (for example `seawall cache purge weather '/v1/forecast?latitude=52.5'`)",
            file=sys.stderr,
        )
        return 2

    def work() -> int:
        what = {"upstream": upstream or None, "path": path or None, "prefix": prefix or None}
        print(f"purged: {Remote(url).ask('POST', f'{_CACHE}/purge', what)['answers']} answers here")
        return 0

    return _asking(work)


def _print(one: Mapping[str, Any], path: str) -> None:
    left = one["ttl"]
    freshness = f"fresh for {left:.0f}s" if left > 0 else f"stale for {-left:.0f}s"
    names = path.partition("?")[0] + ("?" + "&".join(f"{name}=***" for name in one["query"]) if one["query"] else "")
    varies = f", varies by {', '.join(one['varies'])}" if one["varies"] else ""
    print(f"{one['status']}  {names}  {show_size(one['bytes'])}, age {one['age']:.0f}s, {freshness}{varies}")
    for name, value in one["headers"]:
        print(f"    {name}: {value}")


def _asking(work: Callable[[], int]) -> int:
    try:
        return work()
    except RemoteError as error:
        print(f"seawall: {error}", file=sys.stderr)
        return 1
