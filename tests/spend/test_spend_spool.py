"""The spool: one write() for each row, drained in batches, replayed after kill -9, bounded."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.events import Notice
from seawall.spend.lines import RESERVED, SETTLED, line_of, lines_in
from seawall.spend.memory import MemoryLedger
from seawall.spend.spool import Spool
from seawall.spend.undertaker import Undertaker
from spend_rows import row
from spending import Spending

CRASHING = """
import os, sys
sys.path[:0] = sys.argv[2:]
from spend_rows import row
from spending import Spending

from seawall.contracts.events import Notice
from seawall.spend.spool import Spool
spool = Spool(sys.argv[1])
for number in range(6):
    spool.reserve(row(number, estimated=True))
spool.write(row(0))
spool.write(row(1))
spool.release(row(2).id)
os.write(1, b"x")
os.read(0, 1)
"""


@pytest.fixture
def path(tmp_path):
    """Return where a spool may stand."""
    return str(tmp_path / "ledger.spool")


def ids(rows):
    """Return ids as numbers."""
    return [int(one.id, 16) for one in rows]


def test_a_row_comes_back_as_it_went_in():
    """To the last digit, tokens by kind and unit prices included."""
    one = row(7, cost=Decimal("0.000000123456789012"), user='ann "\n\x00é', estimated=True)
    assert list(lines_in(line_of(SETTLED, one))) == [(SETTLED, one)]


@given(st.data())
def test_a_torn_or_foreign_line_is_nobodys(data):
    """Whatever byte is changed or cut off; the line behind it is read all the same."""
    first, second = line_of(SETTLED, row(1)), line_of(SETTLED, row(2))
    at = data.draw(st.integers(0, len(first) - 2))
    changed = first[:at] + bytes([first[at] ^ data.draw(st.integers(1, 255))]) + first[at + 1 :]
    assert ids(what for _, what in lines_in(changed + second)) in ([2], [])  # a newline may join the two
    assert ids(what for _, what in lines_in(first[:at] + b"\n" + second)) == [2]


def test_rows_are_drained_in_their_order_and_stay_until_they_are_done(path):
    """The same batch again until it is acknowledged."""
    spool = Spool(path)
    for number in range(10):
        spool.write(row(number))
    assert ids(spool.batch(4)) == ids(spool.batch(4)) == [0, 1, 2, 3]
    spool.done(4)
    assert ids(spool.batch(100)) == [4, 5, 6, 7, 8, 9]
    assert len(spool) == 6


def test_one_write_to_the_system_for_each_row_and_nothing_is_synced(path, monkeypatch):
    """A row is there, whole, as soon as write() has returned."""
    spool, calls = Spool(path), []
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: calls.append(len(data)) or real(file, data))
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("synced"))
    spool.reserve(row(1))
    spool.write(row(1))
    assert len(calls) == 2
    assert Path(path).stat().st_size == sum(calls)


def test_more_rows_than_memory_keeps_are_read_back_from_the_file(path, monkeypatch):
    """Memory is bounded, order and number are not touched by it."""
    monkeypatch.setattr("seawall.spend.spool._KEPT", 8)
    spool, seen = Spool(path), []
    for number in range(50):
        spool.write(row(number))
        assert len(spool._rows) <= 8
    while batch := spool.batch(5):
        seen += ids(batch)
        spool.done(len(batch))
        if len(seen) == 20:
            spool.write(row(50))
    assert seen == list(range(51))


def test_a_killed_process_leaves_its_rows_and_its_open_reservations(path):
    """Kill -9 of a real process: settled rows are drained by the next, open reservations are its orphans."""
    places = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(":"), *sys.path]
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, path, *places], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.read(1) == b"x"
        process.send_signal(signal.SIGKILL)
    spool = Spool(path)
    assert ids(spool.batch(10)) == [0, 1]
    orphans = spool.orphans()
    assert ids(orphans) == [3, 4, 5]
    for one in orphans:
        spool.write(one)
    assert ids(spool.batch(10)) == [0, 1, 3, 4, 5]
    assert spool.orphans() == []


def test_processes_that_share_a_path_have_files_of_their_own_and_inherit_from_the_dead(path):
    """Who lives keeps his; what a dead one left is taken over once."""
    first, second = Spool(path), Spool(path)
    assert first.path != second.path
    second.reserve(row(1))
    second.write(row(2))
    assert first.orphans() == []
    assert first.abandoned() == []
    os.close(second._file)  # as the kernel does for a process that died
    (left,) = first.abandoned()
    assert (ids(left.settled), ids(left.open)) == ([2], [1])
    left.remove()
    assert first.abandoned() == []
    assert not second.path.exists()


def test_a_full_spool_drops_counts_and_tells_once(path):
    """Memory and disk are bounded whatever the database does."""
    told = []
    spool = Spool(path, largest=3000, failed=told.append)
    for number in range(20):
        spool.write(row(number))
    assert spool.size <= 3000
    assert len(spool) + spool.dropped == 20
    assert spool.dropped > 0
    assert len(told) == 1
    assert path in told[0]


def test_a_disk_that_is_full_fails_no_call(path, monkeypatch):
    """A row that was cut off is nobody's, and those after it are read."""
    told = []
    spool = Spool(path, failed=told.append)
    spool.write(row(1))
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:50]))
    spool.write(row(2))
    monkeypatch.setattr(os, "write", lambda file, data: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    spool.write(row(3))
    monkeypatch.setattr(os, "write", real)
    spool.write(row(4))
    os.close(spool._file)
    assert ids(Spool(path).batch(9)) == [1, 4]
    assert spool.dropped == 2
    assert len(told) == 1


def test_what_was_drained_leaves_the_file_and_open_reservations_do_not(path, monkeypatch):
    """A file of nothing but what is in the ledger begins anew, in one step."""
    monkeypatch.setattr("seawall.spend.spool._COMPACT", 2000)
    spool = Spool(path)
    spool.reserve(row(99))
    for number in range(20):
        spool.write(row(number))
    spool.done(len(spool.batch(100)))
    assert spool.size < 1000
    spool.write(row(100))
    os.close(spool._file)
    again = Spool(path)
    assert ids(again.orphans()) == [99]
    assert ids(again.batch(9)) == [100]


def test_an_empty_spool_leaves_no_file(path):
    """One with rows or reservations stays."""
    spool = Spool(path)
    spool.reserve(row(1))
    spool.release(row(1).id)
    spool.close()
    assert not Path(path).exists()
    spool = Spool(path)
    spool.write(row(1))
    spool.close()
    assert Path(path).exists()


async def test_the_memory_ledger_sums_exactly_and_forgets_rows_but_not_sums():
    """By any columns, within a time, in bounded memory."""
    ledger = MemoryLedger(rows=10, sums=3)
    for number in range(30):
        ledger.write(row(number, at=float(number), caller="a", user=f"u{number}", estimated=number == 0))
    ledger.write(row(31, at=31.0, caller="b", cost=Decimal("1.000000000000000001")))
    total = await ledger.spent(["caller"])
    assert [(one.key, one.calls, one.cost) for one in total] == [
        (("b",), 1, Decimal("1.000000000000000001")),
        (("a",), 30, Decimal("0.000375")),
    ]
    assert total[1].estimated == Decimal("0.0000125")
    assert total[1].usage.input == 300
    assert len(ledger._sums) <= 5
    assert [one.calls for one in await ledger.spent(["caller"], since=25, until=30)] == [5]
    with pytest.raises(ValueError, match="by must be"):
        await ledger.spent(["price"])


class Unread:
    """A spool whose neighbours cannot be read so many `times`."""

    def __init__(self, spool):
        self.spool = spool
        self.times = 0

    def __getattr__(self, name):
        return getattr(self.spool, name)

    def abandoned(self):
        """Fail, or do as the spool does."""
        if self.times:
            self.times -= 1
            raise OSError(errno.EIO, "Input/output error")
        return self.spool.abandoned()


async def test_the_undertaker_goes_on_where_a_file_cannot_be_read(path):
    """It is told, and what was left is settled once it can be."""
    loop = asyncio.get_running_loop()
    spool = await loop.run_in_executor(None, Spool, path)
    spending = Spending(marks=spool)
    unread = Unread(spool)
    undertaker = Undertaker(unread, spending.book, every=0.001)
    await undertaker.start()
    unread.times = 2
    Path(f"{path}.7").write_bytes(line_of(RESERVED, row(7)))
    async with asyncio.timeout(10):
        while not spending.rows:
            await asyncio.sleep(0)
    await undertaker.close()
    assert [(one.id, one.estimated) for one in spending.rows] == [(row(7).id, False)]
    assert [dict(one.fields) for one in spending.events.of(Notice, event="spool_unread")] == [
        {"reason": "Input/output error"}
    ] * 2
