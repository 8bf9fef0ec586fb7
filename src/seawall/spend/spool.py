"""Rows on their way to the ledger, in an append-only file: what one write() put there survives kill -9.

A line for each reservation (the row it becomes if this process dies), each settled row, and each release. A database
writer drains it: `batch` gives the oldest rows it has not acknowledged, `done` acknowledges them. Nothing is synced to
disk: the kernel keeps what was written whatever becomes of the process. A file that is opened again is replayed from
its beginning; ledgers tell rows apart by id, so that a row drained before changes nothing.
"""

import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from seawall.contracts.ledger import Row
from seawall.spend.files import Left, abandoned, claimed, opened, scan
from seawall.spend.lines import RELEASED, RESERVED, SETTLED, line_of, lines_in

__all__ = ["LARGEST", "Spool"]

LARGEST = 128 << 20  # bytes; about 200,000 rows
_KEPT = 4096  # rows that wait in memory; more are read back from the file
_COMPACT = 4 << 20  # bytes; a file of nothing but what was drained is begun anew above


class Spool:
    """The spool of one process; nothing of it awaits.

    Args:
        path: of the file, made when it is not there. Where another process holds it, `path.1`, `path.2`, … is used.
        largest: bytes; what comes above is dropped and counted, marks of reservations first.
        failed: told once, in words, when the file cannot be written.

    Attributes:
        dropped: settled rows that found no room, or that the file system refused.

    Raises:
        OSError: no file can be made there.
    """

    def __init__(self, path: str, largest: int = LARGEST, failed: Callable[[str], None] | None = None) -> None:
        self._largest = largest
        self._failed = failed
        self._told = False
        self.dropped = 0
        self._named = Path(path)
        self._path, self._file = claimed(self._named)
        self._asked = False
        self._open: dict[str, bytes] = {}  # reservations not settled, with the line that marks each
        self._rows: deque[Row] = deque()  # the oldest that wait
        self._more = 0  # rows that wait and are only in the file, behind those
        self._read = 0  # where reading goes on
        self._size = 0
        self._torn = False
        self._replay()

    @property
    def path(self) -> Path:
        """The file that is used."""
        return self._path

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def __len__(self) -> int:
        """Return how many settled rows wait to be drained."""
        return len(self._rows) + self._more

    def reserve(self, row: Row) -> None:
        """Mark what is reserved: the row that stands for it if this process dies."""
        line = line_of(RESERVED, row)
        if self._append(line):
            self._open[row.id] = line

    def write(self, row: Row) -> None:
        """Take a settled row; its reservation is over."""
        self._open.pop(row.id, None)
        if not self._append(line_of(SETTLED, row)):
            self.dropped += 1
        elif self._more or len(self._rows) >= _KEPT:
            self._more += 1
        else:
            self._rows.append(row)
            self._read = self._size

    def release(self, number: str) -> None:
        """A reservation is over and cost nothing."""
        if self._open.pop(number, None) is not None:
            self._append(line_of(RELEASED, number))

    def orphans(self) -> Sequence[Row]:
        """Return the reservations that this file's last process left open, once; `write` each as it is settled now.

        Ask before anything is reserved here.
        """
        found = [] if self._asked else _rows(self._open.values())
        self._asked = True
        return found

    def abandoned(self) -> Sequence[Left]:
        """Return what processes that are gone left in files beside this one; it blocks, so ask in a thread.

        `write` the rows that were settled, and each open reservation as it is settled now; then `remove` the file.
        """
        return abandoned(self._named, self._path)

    def batch(self, most: int) -> Sequence[Row]:
        """Return the oldest rows that wait, at most `most`; the same ones until they are `done`."""
        if len(self._rows) < most and self._more:
            self._refill()
        return tuple(islice(self._rows, most))

    def done(self, count: int) -> None:
        """Forget the `count` oldest rows: they are in the ledger."""
        for _ in range(min(count, len(self._rows))):
            self._rows.popleft()
        if not len(self) and self._size > _COMPACT:
            self._compact()

    def close(self) -> None:
        """Close the file; it is removed where nothing waits in it."""
        if self._file < 0:
            return
        if not len(self) and not self._open:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1

    def _append(self, line: bytes) -> bool:
        if self._size + len(line) > self._largest:
            self._tell(f"it has reached {self._largest} bytes and nothing drains it")
            return False
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(self._file, line)
        except OSError as error:
            self._tell(error.strerror or type(error).__name__)
            return False
        self._size += written
        self._torn = written < len(line)
        if self._torn:
            self._tell("the disk is full")
        return not self._torn

    def _tell(self, why: str) -> None:
        if not self._told and self._failed is not None:
            self._failed(f"{self._path} takes no more rows: {why}")
        self._told = True

    def _replay(self) -> None:
        """Read what an earlier process left."""
        self._size = os.fstat(self._file).st_size
        for mark, what, _ in scan(self._file, 0):
            if isinstance(what, str):
                self._open.pop(what, None)
            elif mark == RESERVED:
                self._open[what.id] = line_of(RESERVED, what)
            else:
                self._open.pop(what.id, None)
                self._more += 1
        self._torn = self._size > 0 and os.pread(self._file, 1, self._size - 1) != b"\n"

    def _refill(self) -> None:
        for mark, what, end in scan(self._file, self._read):
            self._read = end
            if mark == SETTLED and isinstance(what, Row):
                self._rows.append(what)
                self._more -= 1
                if len(self._rows) >= _KEPT:
                    return
        self._more = 0

    def _compact(self) -> None:
        """Begin a new file with the marks of open reservations; it takes the old one's name in one step."""
        fresh = self._path.with_name(self._path.name + ".new")
        text = b"".join(self._open.values())
        try:
            file = opened(fresh)
            os.ftruncate(file, 0)
            os.write(file, text)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.replace(self._path)
        except OSError as error:
            self._tell(error.strerror or type(error).__name__)
            return
        os.close(self._file)
        self._file = file
        self._size = self._read = len(text)
        self._torn = self._told = False


def _rows(lines: Iterable[bytes]) -> list[Row]:
    return [row for line in lines for _, row in lines_in(line) if isinstance(row, Row)]
