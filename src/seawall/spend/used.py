"""How much of a cap is used, and which steps of it that has passed."""

from collections.abc import Iterator, Sequence

from seawall.contracts.events import CapUsed
from seawall.spend.account import Account
from seawall.spend.caps import Want
from seawall.spend.money import dollars

__all__ = ["crossed", "used"]


def used(want: Want, account: Account | None) -> Iterator[tuple[str, float]]:
    """Yield the period of each cap of an account and the share of it that is spent or held."""
    caps = want.caps
    for period, cap in (("day", caps.day), ("month", caps.month), ("total", caps.total)):
        if cap is not None:
            taken = 0 if account is None else account.spent(period) + account.held
            yield period, taken / cap if cap else 1.0


def crossed(want: Want, account: Account, cost: int, steps: Sequence[float]) -> list[CapUsed]:
    """Return the highest step of each cap that `cost`, the latest spending in an account, has passed.

    Args:
        want: the account's key and caps.
        account: with the spending.
        cost: picodollars.
        steps: shares of a cap, rising.
    """
    found: list[CapUsed] = []
    if not steps:
        return found
    _, day, month, total = want.caps
    for period, cap, after in (
        ("day", day, account.day_spent),
        ("month", month, account.month_spent),
        ("total", total, account.total),
    ):
        if not cap or after < steps[0] * cap:
            continue
        for step in reversed(steps):
            if after >= step * cap:
                if after - cost < step * cap:
                    scope, name, _ = want.key
                    found.append(CapUsed(scope, name, period, step, dollars(after), dollars(cap)))
                break
    return found
