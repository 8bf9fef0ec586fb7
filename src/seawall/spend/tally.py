"""Accounts on Redis: holds and settles in all accounts of an attempt by one script, and finds what the dead left."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.contracts.ledger import Row
from seawall.contracts.state import StateLost
from seawall.spend.account import Account, Full, Standing, longer, refusal, tightest
from seawall.spend.calendar import Today
from seawall.spend.caps import Want
from seawall.spend.counters import Counters
from seawall.spend.lines import RESERVED, line_of, lines_in
from seawall.spend.scripts import BEAT, LEFT, RESERVE, SETTLE

if TYPE_CHECKING:
    from seawall.stores.redis import Link

__all__ = ["Settled", "Tally"]

_HOLDERS = "seawall:spend:holders"
_KEEP = 40 * 86400 * 1000  # milliseconds an account is kept after its last call: longer than any month
_OVER = 3600 * 1000  # milliseconds for which a reservation is known to be over


class Settled(NamedTuple):
    """What a reservation came to.

    Attributes:
        number: of the reservation.
        cost: picodollars, 0 where it is released.
        wants: accounts.
        today: the day it is.
    """

    number: str
    cost: int
    wants: Sequence[Want]
    today: Today


class Tally:
    """The accounts of all replicas.

    Every method raises `StateLost` where Redis is lost.

    Args:
        link: to Redis.
        known: remembers accounts as last seen.
    """

    def __init__(self, link: "Link", known: Counters) -> None:
        self._run = link.run
        self._me = link.replica
        self._known = known

    async def hold(
        self, number: str, amount: int, wants: Sequence[Want], today: Today, mark: Row, *, force: bool = False
    ) -> Standing | Full:
        """Hold an amount in every account or in none; return what was left before.

        Args:
            number: of the reservation; one that is over is not held again.
            amount: picodollars.
            wants: accounts and caps.
            today: the day it is.
            mark: stands for it if this replica dies.
            force: whatever the caps say.
        """
        args: list[Any] = [number, amount, line_of(RESERVED, mark), today.day, today.month, int(force), _KEEP]
        for want in wants:
            caps = want.caps
            args += ["" if cap is None else cap for cap in (caps.day, caps.month, caps.total)]
            args += self._spent(want, today)
        fits, *values = await self._run(RESERVE, [_reservations(self._me), _over(number), *map(_key, wants)], args)
        seen, full = self._seen(wants, today, values), None
        standing = tightest(seen)
        for want, account in seen:
            full = longer(full, refusal(want.key, want.caps, account, amount))
            account.held += amount if fits else 0
        if fits:
            return standing
        if full is None:
            raise StateLost("The reservation is over")
        return full

    async def settle(self, settled: Settled, replica: str = "") -> list[tuple[Want, Account]] | None:
        """Settle a reservation, of this replica where none is given; return its accounts, None where it was over."""
        number, cost, wants, today = settled
        keys = [_reservations(replica or self._me), _over(number), *map(_key, wants)]
        args: list[Any] = [number, cost, today.day, today.month, _OVER, _KEEP]
        for want in wants:
            args += self._spent(want, today)
        values = await self._run(SETTLE, keys, args)
        return self._seen(wants, today, values) if values else None

    async def dead(self, seconds: float) -> list[str]:
        """Give a sign of life; return a replica that gave none for so long, if any, to be buried here."""
        found = await self._run(BEAT, [_HOLDERS], [self._me, int(seconds * 1000)])
        return [replica.decode("ascii") for replica in found]

    async def left(self, replica: str) -> list[tuple[str, Row]]:
        """Return a dead replica's open reservations: numbers, and rows that stand for them."""
        found = await self._run(LEFT, [_reservations(replica), _HOLDERS], [replica])
        return [
            (number.decode("ascii"), row)
            for number, record in zip(found[::2], found[1::2], strict=True)
            for _, row in lines_in(record.partition(b" ")[2])
            if isinstance(row, Row)
        ]

    def _spent(self, want: Want, today: Today) -> tuple[int, int, int]:
        """Return what is known to be spent, for a Redis that has forgotten."""
        seen = self._known.account(want, today)
        return (0, 0, 0) if seen is None else (seen.day_spent, seen.month_spent, seen.total)

    def _seen(self, wants: Sequence[Want], today: Today, values: Sequence[bytes]) -> list[tuple[Want, Account]]:
        """Remember accounts as Redis told them: four numbers each."""
        found = []
        for place, want in enumerate(wants):
            account = self._known.seen(want, today)
            held, day, month, total = map(int, values[4 * place : 4 * place + 4])
            account.held, account.day_spent, account.month_spent, account.total = held, day, month, total
            found.append((want, account))
        return found


def _key(want: Want) -> str:
    """Return an account's key; end users are not named in it."""
    scope, name, user = want.key
    return f"seawall:spend:{scope}:{name}" + (f":{blake2b(user.encode(), digest_size=16).hexdigest()}" if user else "")


def _reservations(replica: str) -> str:
    return f"seawall:spend:held:{replica}"


def _over(number: str) -> str:
    return f"seawall:spend:over:{number}"
