"""A process under measurement: started on one core, its CPU time and memory read from /proc, ended by its id."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["GATEWAY_CORE", "LOAD_CORE", "BenchError", "Process", "free_port"]

GATEWAY_CORE = 0
LOAD_CORE = 1


class BenchError(Exception):
    """The measurement cannot be made; the message says what is missing or broke."""


def free_port() -> int:
    """Return a loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One server with whatever children it has, pinned to one core.

    Args:
        name: for messages.
        argv: command line.
        core: the only core it may run on.
        port: where it will listen; the constructor returns once it does.
        folder: working directory; `<name>.log` in it takes both outputs.
        env: variables beside the present ones.
        patience: seconds it may take to listen.

    Raises:
        BenchError: it ended or did not listen in time, with the end of its log.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        core: int,
        port: int,
        folder: Path,
        env: Mapping[str, str] | None = None,
        patience: float = 15.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self._popen = pinned(argv, core, folder, log.fileno(), env)
        try:
            self._wait(patience)
        except BenchError:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self._popen.pid

    def _wait(self, patience: float) -> None:
        while not listens(self.port):
            if self._popen.poll() is not None or time.monotonic() - self.started > patience:
                raise BenchError(f"{self.name} does not listen on {self.port}:\n{self.tail()}")
            time.sleep(0.01)

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def alive(self) -> None:
        """Raise when it has ended.

        Raises:
            BenchError: with the end of its log.
        """
        if self._popen.poll() is not None:
            raise BenchError(f"{self.name} ended with {self._popen.returncode}:\n{self.tail()}")

    def forget_log(self) -> None:
        """Empty its log, so that a line per call does not fill the disk."""
        os.truncate(self.log, 0)

    def cpu(self) -> float:
        """Return CPU seconds used so far by it and its children, in nanosecond steps, kernel time included."""
        return sum(_cpu(pid) for pid in family(self.pid))

    def waited(self) -> float:
        """Return seconds in which it and its children could have run and the core was somebody else's."""
        return sum(_cpu(pid, 1) for pid in family(self.pid))

    def rss(self) -> int:
        """Return resident bytes of it and its children together."""
        return sum(_status(pid, "VmRSS") for pid in family(self.pid))

    def stop(self) -> None:
        """End it and wait for it."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(10)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()


def pinned(
    argv: Sequence[str], core: int, folder: Path, out: int, env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    """Start `argv` on `core`: the child inherits the affinity this process has for that moment."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} & before or before)
    try:
        return subprocess.Popen(
            list(argv),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
        )
    finally:
        os.sched_setaffinity(0, before)


def listens(port: int) -> bool:
    """Whether a loopback port accepts connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family(pid: int) -> list[int]:
    """Return `pid` and all its descendants that live now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
        parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, ()))
    return found


def _cpu(pid: int, field: int = 0) -> float:
    """Return seconds of all its threads: 0 on a core, 1 waiting for one."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[field])
    return total / 1e9


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0
