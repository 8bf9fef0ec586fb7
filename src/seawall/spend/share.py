"""What one of several replicas may spend alone, while nobody can be asked: its part of what was left."""

from collections.abc import Sequence

from seawall.spend.calendar import Today
from seawall.spend.caps import Want
from seawall.spend.counters import Counters

__all__ = ["shares"]


def shares(wants: Sequence[Want], known: Counters, today: Today, replicas: int) -> list[Want]:
    """Return the accounts with caps that all replicas together cannot pass.

    Args:
        wants: with the whole caps.
        known: accounts as last seen; what is held there by others may be spent by them meanwhile.
        today: the day it is.
        replicas: how many share.
    """
    found = []
    for want in wants:
        caps, account = want.caps, known.account(want, today)
        held = 0 if account is None else account.held
        lessened = {
            period: max(0, cap - held - (0 if account is None else account.spent(period))) // replicas
            for period, cap in (("day", caps.day), ("month", caps.month), ("total", caps.total))
            if cap is not None
        }
        found.append(want._replace(caps=caps._replace(**lessened)))
    return found
