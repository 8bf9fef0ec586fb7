"""Every fault of an upstream, over real sockets through server, pipeline and wire, is the cell the docs show."""

import os
from collections.abc import Iterator

import pytest
from matrix import CALLS, FAULTS, gateway, outcome, place, table

CELLS = table()


@pytest.fixture
def log() -> Iterator[int]:
    """Give a descriptor for the log."""
    fd = os.open(os.devnull, os.O_WRONLY)
    yield fd
    os.close(fd)


def test_the_table_has_every_cell() -> None:
    """A fault or a kind of call that is added must be documented."""
    assert set(CELLS) == {(row, column) for row in FAULTS for column in CALLS}


@pytest.mark.parametrize("row", FAULTS)
async def test_a_fault_gives_what_the_table_says(row: str, log: int) -> None:
    """One row: each kind of call meets the fault on every attempt, on a gateway of its own."""
    for column in CALLS:
        async with place(row) as (url, _), gateway(url, log) as (app, host, port):
            said = await outcome(column, host, port, lambda app=app: app.metrics.attempts("up")[0])
            assert (row, column, said) == (row, column, CELLS[row, column])
            pools = app.runtime.status().upstreams[0]
            assert all(target.pool.busy == 0 for target in pools.targets)
            assert all(queue.used == 0 for queue in pools.queues)


async def test_a_stale_connection_is_not_seen_by_the_caller(log: int) -> None:
    """The upstream closes or resets a kept connection: the next call goes through on a fresh one, also a POST."""
    from seawall.testing import faults
    from seawall.testing.exchange import End

    async with place("none") as (url, server), gateway(url, log) as (app, host, port):
        for end in (End.FIN, End.RESET):
            server.faults = [faults.early_close(end), None] * 2
            for column in ("GET", "GET", "POST", "POST"):
                said = await outcome(column, host, port, lambda: app.metrics.attempts("up")[0])
                assert said == "200, 1 attempt"
