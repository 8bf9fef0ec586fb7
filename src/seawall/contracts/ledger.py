"""One line of the record of spending, and where lines go."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple, Protocol

from seawall.contracts.usage import NOTHING, Usage

__all__ = ["Ledger", "LedgerLost", "Row", "RowStore", "Spent", "row_of"]


class Row(NamedTuple):
    """One attempt that cost something, or might have; written once, when it is settled (semantics 8.1, 8.3).

    Attributes:
        id: unique over all replicas, and sorts by time (UUIDv7 in hex); what a replay is told apart by.
        at: when it was settled, seconds since the epoch.
        day, month: in the time zone of `[spend]`, `2026-11-25` and `2026-11`.
        caller, user: who pays; `""` nobody known.
        upstream, model, alias: as in `Bill`.
        request_id: of the call.
        attempt: its number within the call.
        status: the upstream's, 0 where none came.
        usage: tokens by kind.
        cost: US dollars, exact.
        reserved: US dollars held for it before.
        estimated: nothing was reported; cost comes from the input bound and what was seen.
        prices: US dollars per token by kind, as text, as they were applied.
        source: where the prices come from (`settings`, `genai-prices`, `response`, `fixed`, `free`, `reserved` for
            what a dead process left).
        version: of that source.
    """

    id: str
    at: float
    day: str
    month: str
    caller: str
    user: str
    upstream: str
    model: str
    alias: str
    request_id: str
    attempt: int
    status: int
    usage: Usage
    cost: Decimal
    reserved: Decimal
    estimated: bool
    prices: Mapping[str, str]
    source: str
    version: str


row_of: Callable[
    [
        tuple[
            str, float, str, str, str, str, str, str, str, str, int, int, Usage, Decimal, Decimal, bool,
            Mapping[str, str], str, str,
        ]
    ],
    Row,
] = partial(tuple.__new__, Row)  # fmt: skip


class Spent(NamedTuple):
    """One line of a report: what was spent under a key.

    Attributes:
        key: values of the columns grouped by, in their order.
        calls: rows.
        usage: summed.
        cost: US dollars, exact.
        estimated: of `cost`, in estimated rows.
    """

    key: tuple[str, ...]
    calls: int
    usage: Usage = NOTHING
    cost: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)


class Ledger(Protocol):
    """The durable record. Nothing of it stands on the way of a call but `write`."""

    def write(self, row: Row) -> None:
        """Take a row: synchronous and without waiting for a database; never fails a call."""
        ...

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums of what was written, by columns among `caller user upstream model alias day month`.

        Args:
            by: columns, at least one.
            since: settled at or after, seconds since the epoch.
            until: settled before, seconds since the epoch.
        """
        ...


class LedgerLost(Exception):
    """The database cannot be reached, or did not answer in time; what was asked may be asked again."""


class RowStore(Protocol):
    """A database of rows. Every method raises `LedgerLost` where the database is gone for now."""

    async def open(self) -> None:
        """Connect, and make or migrate the schema.

        Raises:
            LedgerLost: it cannot be reached.
            SettingsError: it was written by a later version, or is not ours to write.
        """
        ...

    async def insert(self, rows: Sequence[Row]) -> None:
        """Write rows, all or none; one that is there already (by id) changes nothing."""
        ...

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums as `Ledger.spent` does. Rows past their time count in every sum without `since` and `until`."""
        ...

    async def forget(self, before: float) -> int:
        """Delete rows settled before, seconds since the epoch; their sums are kept. Return how many."""
        ...

    async def check(self) -> None:
        """Return where the database answers."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
