"""Both databases of the ledger, held to the same behaviour: exact sums, no row twice, sums outlive rows."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postgres_server import PostgresServer
from seawall.contracts.errors import SettingsError
from seawall.contracts.ledger import LedgerLost, Row, RowStore
from seawall.contracts.secret import Secret
from seawall.contracts.usage import Usage
from seawall.stores.postgres import PostgresRows
from seawall.stores.rows import COLUMNS, GROUPS, money, split, values_of
from seawall.stores.sqlite import SqliteRows

_numbers = itertools.count()


def row(number: int, **fields: object) -> Row:
    """Return a row that differs from others by its number."""
    usual = Row(
        id=f"{number:032x}", at=1_000.0 + number, day="2026-11-25", month="2026-11", caller="kitchen", user="",
        upstream="openai", model="gpt-5-mini", alias="fast", request_id=f"call-{number}", attempt=1, status=200,
        usage=Usage(input=100, output=7, cache_read=30), cost=Decimal("0.0000149"), reserved=Decimal("0.02"),
        estimated=False, prices={"input": "0.00000015"}, source="genai-prices", version="0.2.3",
    )  # fmt: skip
    return usual._replace(**fields)


@pytest.fixture(params=["sqlite", "postgres"])
async def rows(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RowStore]:
    """Give an open, empty store of each kind."""
    if request.param == "sqlite":
        store: RowStore = SqliteRows(str(tmp_path / "ledger.db"))
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        store = PostgresRows(Secret(await server.database(f"rows{next(_numbers)}")), 0, 3)
    await store.open()
    yield store
    await store.close()


async def test_sums_are_exact_to_the_last_digit(rows: RowStore):
    """A thousand costs of 18 digits add up without a rounding, which no double does."""
    cost = Decimal("0.000000000000000001")
    await rows.insert([row(number, cost=cost + Decimal("0.1")) for number in range(1000)])
    (sums,) = await rows.spent(["caller"])
    assert sums.cost == 1000 * cost + 100
    assert sums.calls == 1000
    assert sums.usage == Usage(input=100_000, output=7_000, cache_read=30_000)


async def test_a_row_written_twice_counts_once(rows: RowStore):
    """A replay of the spool after a crash gives rows again that are there already."""
    await rows.insert([row(1), row(2)])
    await rows.insert([row(2), row(3)])
    (sums,) = await rows.spent(["alias"])
    assert sums.calls == 3


async def test_a_batch_is_written_whole_or_not_at_all(rows: RowStore):
    """One row that cannot be written keeps the others of its batch out too, so that a retry finds all or none."""
    with pytest.raises((LedgerLost, SettingsError, ValueError, TypeError, OverflowError)):
        await rows.insert([row(1), row(2, cost=Decimal(10) ** 40)])
    assert await rows.spent(["caller"]) == []


async def test_groups_stand_in_the_order_asked_for_the_dearest_first(rows: RowStore):
    """As a person reads a report."""
    await rows.insert([row(1, caller="a", alias="x"), row(2, caller="b", alias="y", cost=Decimal(3))])
    assert [one.key for one in await rows.spent(["alias", "caller"])] == [("y", "b"), ("x", "a")]


async def test_estimated_money_is_told_apart(rows: RowStore):
    """So that a bill can be compared without what was only estimated."""
    await rows.insert([row(1, cost=Decimal(1)), row(2, cost=Decimal(2), estimated=True)])
    (sums,) = await rows.spent(["upstream"])
    assert (sums.cost, sums.estimated) == (3, 2)


async def test_since_and_until_are_told_by_the_moment_of_settling(rows: RowStore):
    """At or after the first, before the second."""
    await rows.insert([row(number, at=float(number)) for number in range(5)])
    (sums,) = await rows.spent(["caller"], since=1.0, until=3.0)
    assert sums.calls == 2


async def test_sums_outlive_rows_past_their_time(rows: RowStore):
    """A prepaid total counts what was ever spent, whatever `ledger.keep` says; days are gone."""
    await rows.insert([row(1, at=1.0), row(2, at=2.0, estimated=True), row(3, at=50.0)])
    assert await rows.forget(10.0) == 2
    assert await rows.forget(10.0) == 0
    (total,) = await rows.spent(["caller", "user", "alias"])
    assert (total.calls, total.cost, total.estimated) == (3, 3 * Decimal("0.0000149"), Decimal("0.0000149"))
    assert [one.calls for one in await rows.spent(["day"])] == [1]
    await rows.insert([row(4, at=3.0)])
    await rows.forget(10.0)
    (total,) = await rows.spent(["month"])
    assert total.calls == 4


async def test_a_name_that_is_no_column_is_refused(rows: RowStore):
    """Before anything is asked: a report's columns never reach SQL unless they are known (security.md 15)."""
    with pytest.raises(ValueError, match="caller, user, upstream"):
        await rows.spent(["caller; DROP TABLE seawall_ledger"])
    await rows.check()


async def test_texts_come_back_as_they_went(rows: RowStore):
    """Quotes, blanks and letters of any script are parameters, never part of a statement."""
    name = 'o\'brien "x" \\ ; -- Grüße'
    await rows.insert([row(1, user=name)])
    assert [one.key for one in await rows.spent(["user"])] == [(name,)]


async def test_opening_twice_keeps_what_is_there(rows: RowStore):
    """A restart finds its rows; the schema is made once."""
    await rows.insert([row(1)])
    await rows.open()
    assert len(await rows.spent(["caller"])) == 1


@given(st.decimals(min_value=0, max_value=10**6, places=18))
def test_money_survives_being_split(amount: Decimal):
    """Both numbers together are the amount again, whatever it is."""
    assert money(*split(amount)) == amount


def test_more_digits_than_are_kept_are_an_error():
    """Rather than a rounding that nobody sees."""
    with pytest.raises(ValueError, match="18 digits"):
        split(Decimal("1E-19"))


def test_a_row_has_a_value_for_every_column():
    """In the same order."""
    values = dict(zip(COLUMNS, values_of(row(1)), strict=True))
    assert (values["tokens_cache_read"], values["end_user"], values["cost_micro"]) == (30, "", 14)
    assert set(GROUPS.values()) < set(COLUMNS)
