"""`seawall serve`: run the gateway until it is told to stop."""

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from seawall.app import App
from seawall.config import Tree, load
from seawall.contracts.errors import SettingsError

__all__ = ["run", "serve"]


def serve(config: Path) -> int:
    """Serve the settings of a file; return the exit code.

    Args:
        config: the settings file.

    Raises:
        SettingsError: the settings are wrong or cannot be served.
    """
    try:
        return run(_serving(load(config, os.environ), lambda: load(config, os.environ)))
    except OSError as error:
        print(_plain(error), file=sys.stderr)
        return 1


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on uvloop where there is one, else on the standard loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _serving(tree: Tree, again: Callable[[], Tree]) -> int:
    stop, hangup = asyncio.Event(), asyncio.Event()
    async with App(tree, text_log=sys.stdout.isatty(), again=again) as app:
        _settle_collector()
        _on_signals(stop, hangup)
        for address in app.addresses:
            print(f"seawall: listening on {address}", file=sys.stderr)
        async with asyncio.TaskGroup() as group:
            reloading = group.create_task(_reloading(app, hangup))
            await stop.wait()
            reloading.cancel()
        await app.drain()
    return 0


async def _reloading(app: App, hangup: asyncio.Event) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            await app.reload_again()
        except SettingsError as error:
            for fault in error.faults:
                print(f"not reloaded: {fault}", file=sys.stderr)


def _settle_collector() -> None:
    """Keep the garbage collector off what lives as long as the process: modules, settings, pipelines.

    A call makes some sixty containers and, unless it fails, no cycles, so the default threshold of 700 has the
    collector look at the young ones every dozen calls, mostly for nothing. Cycles still go within a few thousand calls.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def _on_signals(stop: asyncio.Event, hangup: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    handlers = {"SIGTERM": stop.set, "SIGINT": stop.set, "SIGHUP": hangup.set}
    for name, handler in handlers.items():
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, handler)
        except NotImplementedError:  # the standard loop on Windows; Ctrl-C still raises KeyboardInterrupt there
            continue


def _plain(error: OSError) -> str:
    address = error.filename or "that address"
    if error.errno == errno.EADDRINUSE:
        return (
            f"seawall: {address} is in use; stop what listens there, or set another one: "
            'server.listen = "127.0.0.1:8081" in the settings, or SEAWALL_SERVER__LISTEN=127.0.0.1:8081'
        )
    return f"seawall: cannot listen on {address}: {error.strerror or error}"
