"""A whole gateway in front of one upstream: in this process, or in one of its own; and an upstream that tells."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seawall.app import App
from seawall.config.load import parse
from seawall.testing.exchange import Exchange
from seawall.testing.faultserver import App as Program
from seawall.testing.faultserver import FaultServer
from seawall.testing.listener import Abort, Counts

__all__ = ["Gateway", "Process", "Watched", "calls", "curl", "gateway", "process", "settings", "until"]

PATIENCE = 60.0  # seconds after which something that should happen is taken not to


def settings(url: str, more: str = "", *, server: str = "", listen: str = "127.0.0.1:0") -> str:
    """Return settings for one upstream `up`; `more` stands in or below its table, `server` in `[server]`."""
    return (
        f'[server]\nlisten = "{listen}"\n{server}\n[log]\nrate = "100000/s"\n'
        f'[upstreams.up]\nurl = "{url}"\nallow_private = true\n{more}\n'
    )


@dataclass(frozen=True)
class Gateway:
    """A gateway in this process.

    Attributes:
        app: what runs.
        port: it listens on, on loopback.
        log: the file its log goes to; complete once the gateway has ended.
    """

    app: App
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Of the upstream `up` through the gateway, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/up"

    def in_use(self) -> tuple[int, ...]:
        """Return calls, permits of every limit, queued calls, busy connections and bytes kept for replay."""
        status = self.app.runtime.status()
        queues = [queue for upstream in status.upstreams for queue in upstream.queues]
        pools = [target.pool for upstream in status.upstreams for target in upstream.targets]
        return (
            status.vitals.inflight,
            sum(queue.used for queue in queues),
            sum(queue.waiting for queue in queues),
            sum(pool.busy for pool in pools),
            status.vitals.replay_bytes,
        )


@asynccontextmanager
async def gateway(text: str, log: Path) -> AsyncIterator[Gateway]:
    """Run a gateway with these settings."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        async with App(parse(text, {}).tree, log_fd=fd) as app:
            yield Gateway(app, int(app.addresses[0].rpartition(":")[2]), log)
    finally:
        os.close(fd)


def calls(log: Path) -> list[dict[str, Any]]:
    """Return the lines of all calls in a log."""
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    return [line for line in lines if line["event"] == "call"]


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until something is so.

    Raises:
        TimeoutError: it never was.
    """
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


class _Telling(Counts):
    """Counts that set an event when a peer leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    def abort(self, abort: Abort) -> None:
        """Note a peer that left, and say so."""
        super().abort(abort)
        self.gone.set()


class Watched(FaultServer):
    """An upstream that tells when it was asked and when who asked has left.

    Attributes:
        asked: set when a request has arrived.
        gone: set when a peer left before it had its answer.
    """

    def __init__(self, app: Program | None = None) -> None:
        super().__init__(app)
        telling = _Telling()
        self.counts = telling
        self.asked = asyncio.Event()
        self.gone = telling.gone

    def program(self, exchange: Exchange) -> Any:
        """Answer as told, and say that there was a request."""
        self.asked.set()
        return super().program(exchange)


@dataclass(frozen=True)
class Process:
    """A gateway in a process of its own, `python -m seawall serve`.

    Attributes:
        child: the process.
        port: it listens on.
        out: file with its log.
    """

    child: asyncio.subprocess.Process
    port: int
    out: Path

    def memory(self, field: str) -> int:
        """Return bytes of a field of the kernel's account, such as `VmHWM`."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        found = re.search(rf"{field}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    async def get(self, target: str) -> tuple[int, dict[str, str], bytes] | None:
        """Ask for a page on a connection of its own; None when nobody listens any more."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return None
        writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode())
        raw = b""
        with suppress(ConnectionError):
            raw = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        if not raw:  # accepted by the kernel and reset: the listener was on its way out
            return None
        head, _, body = raw.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        return int(line.split(" ")[1]), dict(field.lower().split(": ", 1) for field in fields), body


@asynccontextmanager
async def process(
    text: str, folder: Path, *command: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Run `serve` with these settings on a free port; end it when it has not ended itself.

    Args:
        text: settings, listening on port 0.
        folder: for the settings and the log.
        command: what to run with Python instead of `-m seawall`.
        env: added to the environment.
    """
    (folder / "seawall.toml").write_text(text)
    out = folder / "out"
    with out.open("wb") as file:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *(command or ("-m", "seawall")), "serve", "--config", str(folder / "seawall.toml"),
            cwd=folder, stdout=file, stderr=asyncio.subprocess.PIPE, env={**os.environ, **(env or {})},
        )  # fmt: skip
    try:
        assert child.stderr is not None
        line = await asyncio.wait_for(child.stderr.readline(), PATIENCE)
        assert b"listening on" in line, line + await child.stderr.read()
        yield Process(child, int(line.rpartition(b":")[2]), out)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def curl(*arguments: str, stdin: bytes | None = None) -> tuple[int, bytes]:
    """Run curl without its own configuration; return its exit code and what it wrote."""
    child = await asyncio.create_subprocess_exec(
        "curl", "--disable", "--silent", "--show-error", "--max-time", str(PATIENCE), "--noproxy", "*", *arguments,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await child.communicate(stdin)
    return child.returncode or 0, out
