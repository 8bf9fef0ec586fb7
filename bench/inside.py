"""`python -m bench.inside`: one call's work in this process, without sockets: instructions, or where the time goes.

Server, gateway, pipeline and wire are the real ones, built by `App` from a file of `settings/`; only the two transports
are stand-ins, which answer at once with the bytes a real peer sends. So the count is the same on every run (a change of
1 % is a change), takes seconds, and holds nothing of the kernel's or the event loop's transports. With `--settings
models` it holds the ledger too, its writer's thread included, until the last row is in the database.
"""

import argparse
import asyncio
import cProfile
import gc
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvloop

from bench.load import BODY, FOLDER, chat_body
from bench.peers import ANSWER, CHAT, LOAD_KEY
from seawall.app import App
from seawall.config import load
from seawall.contracts.clock import Clock
from seawall.contracts.form import form
from seawall.contracts.wheel import Wheel
from seawall.server.connection import Connection
from seawall.server.limits import Limits
from seawall.server.state import State
from seawall.wire.connection import Connection as Answers
from seawall.wire.pool import Pool

CONNECTIONS = 32
WARM_UP, COUNTED = 320, 3200  # calls
_HEAD = (
    b"POST %b HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer %b\r\n"
    b"Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: bench/1\r\nX-Client-Lang: python\r\n"
    b"Content-Length: %d\r\n"
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.29.0\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%b"
)


class Talk:
    """What client and upstream say to each other, as bytes.

    Args:
        settings: name of the file; `models` is asked for a chat completion, every other one for some JSON.
    """

    def __init__(self, settings: str) -> None:
        chat = settings == "models"
        path = b"/v1/chat/completions" if chat else b"/json/answer"
        self.body = chat_body(stream=False) if chat else BODY
        self.head = _HEAD % (path, LOAD_KEY, len(self.body))
        answer = (CHAT if chat else ANSWER).encode()
        self.answer = _ANSWER % (len(answer), answer)


class Stub:
    """A transport that hands everything written to `wrote` and is never full."""

    def __init__(self, wrote: Callable[[bytes], object]) -> None:
        self.write = wrote

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 50000) if name == "peername" else None

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        """Nothing to close."""

    close = abort


class Rig:
    """Clients that send the next request as soon as the answer is written, and an upstream that answers at once.

    Args:
        app: the gateway.
        loop: the running one.
        talk: what is said.
        unlike: give every request a header that no other has, so that nothing can be remembered of its head.
    """

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop, talk: Talk, unlike: bool) -> None:
        self._loop = loop
        self._talk = talk
        self._unlike = unlike
        clock = Clock()
        state = State(app.handler, Limits(), clock, Wheel(clock, loop), loop, _refused, _report)
        for target in app.runtime.upstreams[0].targets:
            self._connect(app._engine.wire._pool(target))  # noqa: SLF001 - there is no socket to dial
        self._clients = [Connection(state) for _ in range(CONNECTIONS)]
        for client in self._clients:
            client.connection_made(Stub(partial(self._answered, client)))  # type: ignore[arg-type]  # as above
        self._left = 0
        self._open = 0
        self._done: asyncio.Future[None] = loop.create_future()

    def _connect(self, pool: Pool) -> None:
        for _ in range(CONNECTIONS):
            answers = pool._new()  # noqa: SLF001 - as above
            answers.connection_made(Stub(partial(self._asked, answers)))  # type: ignore[arg-type]  # what a call needs
            pool.open.add(answers)
            pool.put(answers)

    async def run(self, calls: int) -> None:
        """Make so many calls.

        Raises:
            RuntimeError: one was answered with something else than 200.
        """
        self._done = self._loop.create_future()
        self._left = self._open = calls
        for client in self._clients:
            self._next(client)
        await self._done

    def _next(self, client: Connection) -> None:
        if self._left:
            self._left -= 1
            own = b"X-Request-Id: %d\r\n\r\n" % self._left if self._unlike else b"\r\n"
            self._loop.call_soon(client.data_received, self._talk.head + own + self._talk.body)

    def _asked(self, answers: Answers, _: bytes) -> None:
        self._loop.call_soon(answers.data_received, self._talk.answer)

    def _answered(self, client: Connection, data: bytes) -> None:
        self._open -= 1
        if not data.startswith(b"HTTP/1.1 200 ") and not self._done.done():
            self._done.set_exception(RuntimeError(f"answered {data[:60]!r}"))
        elif not self._open:
            self._done.set_result(None)
        self._next(client)


def _refused(status: int) -> None:
    raise RuntimeError(f"the server refused with {status}")


def _report(error: BaseException) -> None:
    raise error


async def _calls(options: argparse.Namespace, settings: str, around: Callable[[], Any]) -> float:
    """Return CPU seconds of the calls made within `around()`, after a warm-up."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ |= {
            "PORT": "0", "UPSTREAM": "http://127.0.0.1:9", "EVENTS": "http://127.0.0.1:9", "FOLDER": folder,
            "KEY_HASH": sha256(LOAD_KEY).hexdigest(),
        }  # fmt: skip
        log = os.open(os.devnull, os.O_WRONLY)
        tree = load(FOLDER / "settings" / f"{settings}.toml", os.environ)
        async with App(tree, log_fd=log, listen=False) as app:
            rig = Rig(app, asyncio.get_running_loop(), Talk(settings), options.unlike)
            await rig.run(WARM_UP)
            await _written(app)
            gc.collect()
            gc.freeze()
            gc.disable()  # a collection more or less within the count would be most of the difference between two runs
            with around():
                pass  # what counting itself costs
            with around():
                before: float = time.process_time()
                await rig.run(options.calls)
                await _written(app)
                used: float = time.process_time() - before
        os.close(log)
    return used


async def _written(app: App) -> None:
    """Return once every row is in the ledger's database: that is part of what a call costs."""
    durable = app._engine.durable  # noqa: SLF001 - no call waits for it, so nobody else need know
    if durable is not None and not await durable.ledger.flush():
        raise RuntimeError("the ledger took too long")


class Counted:
    """Counts only what is inside: callgrind's counters are set to zero before and dumped after."""

    def __enter__(self) -> None:
        self._tell("--zero")

    def __exit__(self, *_: object) -> None:
        self._tell("--dump")

    def _tell(self, word: str) -> None:
        subprocess.run(["callgrind_control", word, str(os.getpid())], capture_output=True, check=True)


def instructions(options: argparse.Namespace, settings: str) -> float:
    """Return instructions per call, counted by callgrind in another process."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        out = Path(name) / "out"
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        argv = [
            sys.executable,
            "-m",
            "bench.inside",
            "--counted",
            "--settings",
            settings,
            "--calls",
            str(options.calls),
        ]
        argv += ["--unlike"] if options.unlike else []
        done = subprocess.run(
            [*tool, *argv], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        if done.returncode:
            raise RuntimeError(f"under callgrind it ended with {done.returncode}:\n{done.stderr[-2000:]}")
        empty, full = (_total(Path(f"{out}.{part}")) for part in (1, 2))
    return (full - empty) / int(options.calls)


def _total(dump: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("callgrind wrote no total")
    return int(found[1])


def show(options: argparse.Namespace, name: str) -> None:
    """Measure one file of settings and print what was asked for."""
    if options.counted:
        uvloop.run(_calls(options, name, Counted))
    elif options.profile:
        profile = cProfile.Profile()
        uvloop.run(_calls(options, name, lambda: profile))
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    elif options.time:
        used: float = uvloop.run(_calls(options, name, nullcontext)) / options.calls
        print(f"{name:12}{used * 1e6:8.2f} us per call")
    else:
        print(f"{name:12}{instructions(options, name):10.0f} instructions per call", flush=True)


def main(argv: Sequence[str]) -> int:
    """Return 0, or 2 when instructions cannot be counted."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__)
    parser.add_argument("--settings", default="bare,all", help="which files of bench/settings")
    parser.add_argument("--calls", type=int, default=COUNTED)
    parser.add_argument("--unlike", action="store_true", help="every request has a header that no other has")
    parser.add_argument("--profile", action="store_true", help="print where the time goes, by function")
    parser.add_argument("--time", action="store_true", help="CPU microseconds instead of instructions")
    parser.add_argument("--counted", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not (options.profile or options.time) and shutil.which("callgrind_control") is None:
        print("bench: valgrind is not installed (Debian: apt-get install valgrind)", file=sys.stderr)
        return 2
    if not options.counted:
        print(f"gateway: {form()}", flush=True)
    for name in options.settings.split(","):
        show(options, name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
