"""`seawall demo`: a sandbox API that fails in every way, and the gateway in front of it, in one process."""

import asyncio
import errno
import math
import os
import random
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from seawall.app import App
from seawall.cli.figures import Figures, screen
from seawall.cli.serve import run
from seawall.cli.traffic import Load, percentile
from seawall.config import Tree, load
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.testing.sandbox import Sandbox
from seawall.wire import Wire

__all__ = ["SETTINGS", "demo", "settings"]

# Six attempts leave 0.2^6 = 0.006 % of the calls to an API that fails one attempt in five; the budget lets every call
# be tried again, and the breaker trips only where most attempts fail.
SETTINGS = """\
[server]
listen = "127.0.0.1:{port}"

[upstreams.sandbox]
url = "http://127.0.0.1:{sandbox}"
allow_private = true
timeout = "5s"
attempt_timeout = "500ms"
retry = {{ attempts = 6, base = "20ms", max = "200ms", budget = "100%", floor = 20 }}
breaker = {{ failure_rate = "80%", min_calls = 50, open = "5s" }}
concurrency = {{ limit = 128, queue = 256 }}

[upstreams.cached]
url = "http://127.0.0.1:{sandbox}"
allow_private = true
cache = true
retry = false
breaker = false
"""

TRY = (
    ("/hello", "an ordinary call, with id and timing in its headers", ("-i",)),
    ("/flaky?rate=0.5", "half of all attempts fail; you see none of it", ("-i",)),
    ("/hang", "an upstream that never answers: 504 in time, as a problem", ("-i",)),
    ("/stream?events=5", "events, passed on one by one", ("-N",)),
)
STDOUT = 1
EVERY = 0.5  # seconds between two pictures of the traffic on a terminal
EVERY_LINE = 2.0  # and between two lines elsewhere


def settings(port: int, sandbox: int) -> Tree:
    """Return the demo's settings, loaded as a file is.

    Args:
        port: of the gateway, 0 for a free one.
        sandbox: port of the sandbox API.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "demo.toml"
        file.write_text(SETTINGS.format(port=port, sandbox=sandbox), "utf-8")
        return load(file, {})


def demo(port: int, traffic: bool, seconds: float | None = None) -> int:
    """Run the demo until Ctrl-C; return the exit code.

    Args:
        port: of the gateway, 0 for a free one.
        traffic: send a mixed load and show what comes of it.
        seconds: end by itself after so long.
    """
    try:
        return run(_demo(port, traffic, seconds))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"seawall: port {port} is in use; choose another with --port, for example --port 8081", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # where the loop cannot handle signals
        return 0


async def _demo(port: int, traffic: bool, seconds: float | None) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    async with Sandbox() as sandbox:
        tree = await asyncio.to_thread(settings, port, sandbox.port)
        # while figures stand on the terminal, log lines would tear them apart
        log = os.open(os.devnull, os.O_WRONLY) if traffic else STDOUT
        try:
            async with App(tree, log_fd=log, text_log=True) as app:
                print(_welcome(app, sandbox, traffic), flush=True)
                if traffic:
                    await _traffic(app, sandbox, stop, seconds)
                else:
                    await _until(stop, seconds)
        finally:
            if traffic:
                os.close(log)
    print("\nseawall: the demo has ended", flush=True)
    return 0


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # the standard loop on Windows; Ctrl-C still raises KeyboardInterrupt there
            return


async def _until(stop: asyncio.Event, seconds: float | None) -> bool:
    """Wait for the stop, at most so long; return whether it came."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _welcome(app: App, sandbox: Sandbox, traffic: bool) -> str:
    base = f"http://{app.addresses[0]}"
    port = int(base.rpartition(":")[2])
    lines = [
        "",
        f"  Seawall      {base}",
        f"  in front of  {sandbox.url}   a sandbox API that is slow, refuses, hangs, resets and streams, as asked",
        "",
        "  Settings in force:",
        "",
        *(f"    {line}".rstrip() for line in SETTINGS.format(port=port, sandbox=sandbox.port).splitlines()),
        "",
        "  Five things to try:",
        "",
    ]
    tries = [(f"{base}/sandbox{path}", why, options) for path, why, options in TRY]
    tries.append((f"{base}/health", "what the gateway knows of its upstreams", ("-s",)))
    lines += [f"""    curl {options[0]} {f"'{url}'":58} # {why}""" for url, why, options in tries]
    lines += ["", "  The same in PowerShell:", ""]
    # curl.exe comes with Windows 10; plain `curl` may be another command there
    lines += [f"    curl.exe {options[0]} '{url}'" for url, why, options in tries]
    lines += ["", "  Ctrl-C ends it." if traffic else "  Ctrl-C ends it; --traffic shows it under load.", ""]
    return "\n".join(lines)


async def _traffic(app: App, sandbox: Sandbox, stop: asyncio.Event, seconds: float | None) -> None:
    clock, loop = Clock(), asyncio.get_running_loop()
    wire = Wire(clock, Wheel(clock, loop), loop)
    host, _, port = app.addresses[0].rpartition(":")
    load = Load(wire, host, int(port), clock, random.uniform)
    began = clock.now()
    calls = loop.create_task(load.run(), name="demo traffic")
    try:
        with screen() as show:
            ended = False
            while not ended:
                left = math.inf if seconds is None else max(0.0, seconds - (clock.now() - began))
                pause = min(left, EVERY if sys.stdout.isatty() else EVERY_LINE)
                ended = await _until(stop, pause) or pause == left
                show(_figures(app, sandbox, load, clock.now() - began))
    finally:
        calls.cancel()
        await asyncio.gather(calls, return_exceptions=True)
        await wire.close()


def _figures(app: App, sandbox: Sandbox, load: Load, seconds: float) -> Figures:
    outcomes = sandbox.outcomes
    tally = load.tally
    return Figures(
        seconds,
        tally.calls,
        tally.failed,
        percentile(tally.latencies, 0.5),
        percentile(tally.latencies, 0.99),
        outcomes.total(),
        sum(count for word, count in outcomes.items() if not word.startswith("2")),
        ", ".join(f"{word} {count}" for word, count in sorted(outcomes.items())),
        app.runtime.status().upstreams[0].targets[0].breaker,
    )
