"""What both databases of the ledger keep beside its rows: the callers that the management API made."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

import orjson

from seawall.contracts.callers import StoredCaller, StoredCaps, StoredKey, StoredUsers
from seawall.contracts.ledger import LedgerLost, RowStore
from seawall.contracts.state import StateLost
from seawall.contracts.units import Rate

__all__ = ["Database", "DatabaseCallers"]


class Database(RowStore, Protocol):
    """A `RowStore` that keeps texts by name as well."""

    async def texts(self) -> Sequence[tuple[str, str]]:
        """Return every name with its text, by name."""
        ...

    async def put_text(self, name: str, text: str) -> None:
        """Keep a text in place of what was kept under its name."""
        ...

    async def drop_text(self, name: str) -> None:
        """Forget a name."""
        ...


class DatabaseCallers:
    """A `CallerStore` in the ledger's database: digests of keys, never keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> Sequence[StoredCaller]:
        """Return all callers, by name.

        Raises:
            StateLost: the database cannot be asked now.
        """
        try:
            return [_caller(name, orjson.loads(text)) for name, text in await self._database.texts()]
        except LedgerLost as error:
            raise StateLost(str(error)) from error

    async def put(self, caller: StoredCaller) -> None:
        """Keep a caller in place of what was kept under its name.

        Raises:
            StateLost: the database cannot be asked now.
        """
        try:
            await self._database.put_text(caller.name, orjson.dumps(_plain(caller), default=_pair).decode())
        except LedgerLost as error:
            raise StateLost(str(error)) from error

    async def revoke(self, name: str) -> None:
        """Forget a caller.

        Raises:
            StateLost: the database cannot be asked now.
        """
        try:
            await self._database.drop_text(name)
        except LedgerLost as error:
            raise StateLost(str(error)) from error


def _plain(caller: StoredCaller) -> dict[str, Any]:
    """Return a caller by the names of its fields; what a later version adds, an earlier one passes over."""
    plain = caller._asdict()
    plain["keys"] = [key._asdict() for key in caller.keys]
    plain["spend"] = _amounts(caller.spend)
    users = caller.users
    plain["users"] = None if users is None else {**users._asdict(), "spend": _amounts(users.spend)}
    return plain


def _caller(name: str, plain: dict[str, Any]) -> StoredCaller:
    users = plain.get("users")
    return StoredCaller(
        name,
        tuple(StoredKey(key["digest"], key["created"]) for key in plain["keys"]),
        _rate(plain.get("rate")),
        _rate(plain.get("tokens")),
        plain.get("concurrency"),
        _names(plain.get("upstreams")),
        _names(plain.get("models")),
        users
        and StoredUsers(
            users["header"], _rate(users.get("rate")), _rate(users.get("tokens")), users.get("most", 10_000),
            _caps(users.get("spend")),
        ),
        _caps(plain.get("spend")),
    )  # fmt: skip


def _amounts(caps: StoredCaps) -> dict[str, str]:
    """Return caps as decimal texts, since JSON's numbers are not exact."""
    return {name: str(amount) for name, amount in caps._asdict().items() if amount is not None}


def _caps(value: Any) -> StoredCaps:
    amounts = value or {}
    return StoredCaps(*(None if (text := amounts.get(name)) is None else Decimal(text) for name in StoredCaps._fields))


def _pair(value: Any) -> list[float]:
    """Return what stands for a rate: its number and its seconds.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, Rate):
        return list(value)
    raise TypeError(type(value).__name__)


def _rate(value: Any) -> Rate | None:
    return None if value is None else Rate(int(value[0]), float(value[1]))


def _names(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(map(str, value))
