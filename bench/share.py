"""A share of one core for a process and all it starts: a control group where this machine lets us make one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Share", "share_of_a_core"]

PERIOD_US = 100_000  # the kernel's default, and what containers get
_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")
_TURN_S = 0.02  # of the duty cycle


@dataclass(slots=True)
class Share:
    """Says how the share is kept.

    Attributes:
        how: for whoever reads the figures.
        prefix: the command under which a process starts inside it.
    """

    how: str
    prefix: tuple[str, ...] = ()
    _folder: Path | None = None
    _stopped: list[threading.Event] = field(default_factory=list)

    def throttled(self) -> float:
        """Return for how many seconds the kernel has held its threads back so far."""
        if self._folder is None:
            return 0.0
        said = dict(line.split() for line in (self._folder / "cpu.stat").read_text().splitlines())
        return int(said["throttled_time"]) / 1e9 if "throttled_time" in said else int(said["throttled_usec"]) / 1e6

    def keep(self, pid: int, share: float) -> None:
        """Hold the process `pid` to its share by hand where the kernel does not."""
        if self._folder is None:
            over = threading.Event()
            self._stopped.append(over)
            threading.Thread(target=_duty, args=(pid, share, over), daemon=True).start()

    def end(self) -> None:
        """Let go of whoever is held by hand."""
        for one in self._stopped:
            one.set()


@contextmanager
def share_of_a_core(share: float) -> Iterator[Share]:
    """Make a place with `share` of one core (0.5 is half) for what its prefix starts; it is gone afterwards."""
    folder = _made(share)
    if folder is None:
        found = Share(
            f"SIGSTOP and SIGCONT, {share:.0%} of every {_TURN_S * 1000:.0f} ms: no control group can be made"
        )
        try:
            yield found
        finally:
            found.end()
        return
    enter = ("sh", "-c", f'echo $$ > {folder}/cgroup.procs && exec "$@"', "share")
    try:
        yield Share(f"{share * PERIOD_US / 1000:.0f} ms of every {PERIOD_US / 1000:.0f} ms ({folder})", enter, folder)
    finally:
        with suppress(OSError):  # somebody is still in it
            folder.rmdir()


def _made(share: float) -> Path | None:
    """Return a new control group, by whichever version of the interface is there.

    The quota is the most it gets; the weight says that it gets it, whatever else this machine does.
    """
    quota = int(share * PERIOD_US)
    name = f"seawall-bench-{os.getpid()}"
    for parent, files in (
        (_V1, {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota), "cpu.shares": "65536"}),
        (_V2, {"cpu.max": f"{quota} {PERIOD_US}", "cpu.weight": "10000"}),
    ):
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            for file, text in files.items():
                (folder / file).write_text(text)
        except OSError:
            folder.rmdir()
            continue
        return folder
    return None


def _duty(pid: int, share: float, over: threading.Event) -> None:
    with suppress(ProcessLookupError):
        while not over.wait(_TURN_S * share):
            os.kill(pid, signal.SIGSTOP)
            over.wait(_TURN_S * (1 - share))
            os.kill(pid, signal.SIGCONT)
