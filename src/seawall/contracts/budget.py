"""The retry budget: a token bucket over ten seconds, shared by retries and hedges (semantics 2.4)."""

__all__ = ["FLOOR", "SPAN", "RetryBudget"]

SPAN = 10
FLOOR = 3  # tokens lent where settings say nothing else


class RetryBudget:
    """How many more attempts an upstream may be given.

    Every call adds a share of a token, every retry or hedge takes one; both are forgotten after `SPAN` seconds, and
    `floor` tokens are always lent, so that a quiet upstream is retried at all. So no `SPAN` seconds hold more retries
    than the floor and the share of their calls; tokens come back with calls and never in a lump. It is kept under
    (upstream, `retry`, `budget`).

    Source: Finagle's RetryBudget, with its deposits and withdrawals in one-second slots.
    """

    __slots__ = ("_balance", "_second", "_slots")

    def __init__(self) -> None:
        self._slots = [0.0] * SPAN
        self._second = 0
        self._balance = 0.0

    def add(self, now: float, share: float) -> None:
        """Count one call, worth `share` of a token."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        self._slots[second % SPAN] += share
        self._balance += share

    def take(self, now: float, floor: int) -> bool:
        """Take a token for one more attempt; False, and nothing taken, when there is none."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        # The balance is a sum of shares such as 0.1: five calls worth 0.2 must be one token
        if self._balance + floor < 1 - 1e-9:
            return False
        self._slots[second % SPAN] -= 1
        self._balance -= 1
        return True

    def left(self, now: float, floor: int) -> float:
        """Return the tokens there are."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        return self._balance + floor

    def _turn(self, second: int) -> None:
        for passed in range(max(self._second + 1, second - SPAN + 1), second + 1):
            self._slots[passed % SPAN] = 0.0
        self._second = max(second, self._second)
        # What was spent ten seconds ago must not come back at once, or an upstream that is down would meet all its
        # retries in one burst every ten seconds: above zero only calls add. What the floor lent is forgotten.
        self._balance = min(sum(self._slots), max(self._balance, 0.0))
