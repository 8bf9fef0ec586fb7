"""How long recent answers took, and what a good answer is (semantics 6)."""

from collections import deque

__all__ = ["Recent", "good"]

KEPT = 1000  # answers
FEWEST = 50  # answers before a percentile means anything
EVERY = 100  # answers between two sortings
SHORTEST = 0.001


class Recent:
    """A percentile of the last thousand answers.

    Sorted once in a while, and not for each answer; nothing is kept beyond the thousand.
    """

    __slots__ = ("_answers", "_cached", "_due", "_share")

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=KEPT)
        self._due = FEWEST
        self._share = -1.0
        self._cached: float | None = None

    def add(self, seconds: float) -> None:
        """Count an answer."""
        self._answers.append(seconds)
        self._due -= 1

    def quantile(self, share: float) -> float | None:
        """Return the seconds within which `share` of the answers came, at least a millisecond; None with too few.

        Args:
            share: 0..1.
        """
        if self._due <= 0 or (share != self._share and self._cached is not None):
            self._due = EVERY
            self._share = share
            answers = sorted(self._answers)
            self._cached = max(SHORTEST, answers[min(len(answers) - 1, int(share * len(answers)))])
        return self._cached


def good(status: int) -> bool:
    """Whether an answer wins: nothing that says "not now" or "I failed"."""
    return status < 500 and status != 429
