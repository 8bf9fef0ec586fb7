"""Files that one process holds at a time: claimed by a lock that ends with the process, read in blocks."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from seawall.contracts.ledger import Row
from seawall.spend.lines import RESERVED, lines_in

__all__ = ["Left", "abandoned", "claimed", "opened", "scan"]

_SIBLINGS = 16  # processes of one machine that share a path
_BLOCK = 1 << 20


def claimed(path: Path) -> tuple[Path, int]:
    """Return the first of `path`, `path.1`, … that no other process holds, with its descriptor.

    Raises:
        OSError: none can be made or held.
    """
    for one in _names(path):
        file = _held(one)
        if file is not None:
            return one, file
    raise OSError(f"{path} and {_SIBLINGS - 1} files beside it are held by other processes")


class Left(NamedTuple):
    """What a process that is gone left in its file.

    Attributes:
        path, file: of it; locked.
        settled: rows.
        open: rows of reservations that were neither settled nor released.
    """

    path: Path
    file: int
    settled: Sequence[Row]
    open: Sequence[Row]

    def remove(self) -> None:
        """Remove the file: all of it is in another one."""
        self.path.unlink(missing_ok=True)
        os.close(self.file)


def abandoned(path: Path, own: Path) -> list[Left]:
    """Return the files of processes that are gone."""
    held = [(one, _held(one)) for one in _names(path) if one != own and one.exists()]
    return [_left(one, file) for one, file in held if file is not None]


def _left(path: Path, file: int) -> Left:
    settled: list[Row] = []
    still: dict[str, Row] = {}
    for mark, what, _ in scan(file, 0):
        still.pop(what if isinstance(what, str) else what.id, None)
        if isinstance(what, Row):
            if mark == RESERVED:
                still[what.id] = what
            else:
                settled.append(what)
    return Left(path, file, settled, tuple(still.values()))


def opened(path: Path) -> int:
    """Open a file to append to and read from; only its owner may read it."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def scan(file: int, begin: int) -> Iterator[tuple[bytes, Row | str, int]]:
    """Yield mark and content of every line from an offset on, with the offset behind it."""
    at, rest = begin, b""
    while block := os.pread(file, _BLOCK, at + len(rest)):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            at += len(line) + 1
            for mark, what in lines_in(line):
                yield mark, what, at


def _names(path: Path) -> list[Path]:
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _SIBLINGS))]


def _held(path: Path) -> int | None:
    """Return the file locked, None where another process holds it or has just put another in its place."""
    file = opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(file).st_ino:
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(file)
    return None
