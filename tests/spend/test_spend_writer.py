"""The writer behind the calls: batches, a database that goes and comes, rows nobody takes, and the spool in between."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from postgres_server import PostgresServer, postgres_server
from seawall.contracts.clock import Clock
from seawall.contracts.events import Notice
from seawall.contracts.ledger import LedgerLost, Row, Spent
from seawall.contracts.secret import Secret
from seawall.spend.spool import Spool
from seawall.spend.writer import BATCH, DurableLedger
from seawall.stores.postgres import PostgresRows
from seawall.stores.sqlite import SqliteRows
from seawall.testing import Recorder, virtual
from spend_rows import row


class Waiting(list[Row]):
    """Rows in memory, for tests in virtual time."""

    def write(self, row: Row) -> None:
        """Take one."""
        self.append(row)

    def batch(self, most: int) -> Sequence[Row]:
        """Return the oldest."""
        return self[:most]

    def done(self, count: int) -> None:
        """Forget the oldest."""
        del self[:count]


class Scripted:
    """A database that is there or not, and remembers when it was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.gone = False
        self.asked: list[float] = []
        self.batches: list[int] = []
        self.forgotten: list[float] = []
        self.hangs = False

    async def open(self) -> None:
        """Connect."""

    async def insert(self, rows: Sequence[Row]) -> None:
        """Write rows, or not."""
        self.asked.append(asyncio.get_running_loop().time())
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.gone:
            raise LedgerLost("gone")
        if any(one.cost < 0 for one in rows):
            raise ValueError("no database takes that")
        self.batches.append(len(rows))
        self.rows.update((one.id, one) for one in rows)

    async def spent(self, by: Sequence[str], *, since: float | None = None, until: float | None = None) -> list[Spent]:
        """Return one sum."""
        return [Spent(("",), len(self.rows))]

    async def forget(self, before: float) -> int:
        """Remember when."""
        self.forgotten.append(before)
        return 0

    async def check(self) -> None:
        """Answer."""

    async def close(self) -> None:
        """Close."""


@asynccontextmanager
async def writing(store: Scripted, recorder: Recorder, keep: float = 100.0) -> AsyncIterator[DurableLedger]:
    """Give a running writer over rows in memory."""
    loop = asyncio.get_running_loop()
    ledger = DurableLedger(store, Waiting(), keep, loop.clock(), recorder)  # type: ignore[attr-defined]
    task = asyncio.create_task(ledger.run(), name="ledger writer")
    yield ledger
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await ledger.close()


@virtual
async def test_rows_are_written_behind_in_batches():
    """A thousand calls are a handful of statements."""
    store = Scripted()
    async with writing(store, Recorder()) as ledger:
        for number in range(1200):
            ledger.write(row(number))
        await asyncio.sleep(1)
        assert ledger.waiting == 0
    assert store.batches == [BATCH, BATCH, 200]


@virtual
async def test_a_lost_database_is_asked_ever_more_slowly_and_told_once():
    """An hour without it is a few hundred attempts, two lines in the log, and no row less."""
    store, recorder = Scripted(), Recorder()
    async with writing(store, recorder) as ledger:
        store.gone = True
        for number in range(10):
            ledger.write(row(number))
            await asyncio.sleep(360)
        assert ledger.lost
        assert 200 < len(store.asked) < 300
        gaps = [later - before for before, later in zip(store.asked, store.asked[1:], strict=False)]
        assert gaps[:5] == pytest.approx([0.5, 1, 2, 4, 8])
        store.gone = False
        await asyncio.sleep(20)
        assert not ledger.lost
        assert len(store.rows) == 10
    assert [one.event for one in recorder.of(Notice)] == ["ledger_lost", "ledger_back"]


@virtual
async def test_a_row_that_no_database_takes_keeps_no_other_out():
    """It is counted and told with what finds it again."""
    store, recorder = Scripted(), Recorder()
    async with writing(store, recorder) as ledger:
        for number in range(5):
            ledger.write(row(number, cost=Decimal(-1) if number == 2 else Decimal(1)))
        await asyncio.sleep(1)
    assert len(store.rows) == 4
    assert ledger.refused == 1
    assert recorder.one(Notice, event="ledger_row_refused")


@virtual
async def test_a_report_counts_what_was_written_a_moment_ago():
    """What waits is written first."""
    store = Scripted()
    async with writing(store, Recorder()) as ledger:
        ledger.write(row(1))
        assert (await ledger.spent(["caller"]))[0].calls == 1


@virtual
async def test_a_database_that_hangs_holds_up_neither_report_nor_end_for_long():
    """Five seconds each; what waits stays where it is."""
    store = Scripted()
    ledger = DurableLedger(store, Waiting(), 100.0, asyncio.get_running_loop().clock(), Recorder())  # type: ignore[attr-defined]
    store.hangs = True
    ledger.write(row(1))
    began = asyncio.get_running_loop().time()
    await ledger.close()
    assert asyncio.get_running_loop().time() - began == pytest.approx(5.0)
    assert ledger.waiting == 1


@virtual
async def test_rows_past_their_time_are_deleted_each_hour():
    """Counted back from now by `ledger.keep`."""
    store = Scripted()
    began = asyncio.get_running_loop().clock().wall()  # type: ignore[attr-defined]
    async with writing(store, Recorder(), keep=60.0) as ledger:
        for number in range(3):
            ledger.write(row(number))
            await asyncio.sleep(4000)

    assert len(store.forgotten) == 4
    assert store.forgotten[0] == pytest.approx(began - 60)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """Give a server; a test that stops it starts it again."""
    with postgres_server() as server:
        yield server


async def test_postgres_stopped_under_load_loses_no_row(postgres: PostgresServer, tmp_path: Path):
    """Rows go on settling while it is down, nothing raises, and all are there once it is back, each once."""
    store = PostgresRows(Secret(await postgres.database("stopped")), 1, 5)
    spool = await asyncio.to_thread(Spool, str(tmp_path / "spool"))
    ledger = DurableLedger(store, spool, 1e6, Clock(), Recorder())
    await ledger.open()
    task = asyncio.create_task(ledger.run(), name="ledger writer")
    try:
        for number in range(2000):
            if number == 500:
                await asyncio.to_thread(postgres.stop)
            if number == 1500:
                assert ledger.waiting > 900
                await asyncio.to_thread(postgres.start)
            ledger.write(row(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert await ledger.flush(30.0)
        (sums,) = await ledger.spent(["caller"])
        assert sums.calls == 2000
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await ledger.close()
        await asyncio.to_thread(spool.close)


KILLED = """
import asyncio, os, signal, sys
from seawall.contracts.clock import Clock
from seawall.spend.spool import Spool
from seawall.spend.writer import DurableLedger
from seawall.stores.sqlite import SqliteRows
sys.path.insert(0, sys.argv[3])
from spend_rows import row

async def main():
    ledger = DurableLedger(SqliteRows(sys.argv[1]), Spool(sys.argv[2]), 1e9, Clock(), lambda event: None)
    await ledger.open()
    task = asyncio.create_task(ledger.run())
    for number in range(3000):
        ledger.write(row(number))
        if number % 50 == 0:
            await asyncio.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_kill_9_in_the_middle_of_a_batch_loses_no_row_and_writes_none_twice(tmp_path: Path):
    """The next process finds what waited in the spool, and the database tells rows apart by id."""
    database, spool = str(tmp_path / "ledger.db"), str(tmp_path / "spool")
    here = str(Path(__file__).parents[1])
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, database, spool, here], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    store = SqliteRows(database)
    ledger = DurableLedger(store, await asyncio.to_thread(Spool, spool), 1e9, Clock(), Recorder())
    await ledger.open()
    (sums,) = await ledger.spent(["caller"])
    assert sums.calls == 3000
    await ledger.close()
