"""Whether a key rests, and for how long: decided from the answers it got."""

__all__ = ["LONGEST", "REFUSED", "Rest"]

REFUSED = frozenset((401, 402, 403, 429))  # the key is refused, or has used up what it may
SHORTEST = 60.0  # seconds a key rests that was refused; doubles while that goes on
LONGEST = 900.0
BUSY = 10.0  # seconds a key rests after a 429 that does not say how long


class Rest:
    """The state of one key.

    Attributes:
        until: when it serves again, seconds on the monotonic clock; 0.0 where it never rested.
        status: the answer it rests for.
    """

    __slots__ = ("_times", "status", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.status = 0
        self._times = 0

    def left(self, now: float) -> float:
        """Return the seconds it still rests, 0 where it serves."""
        return max(0.0, self.until - now)

    def heard(self, status: int, asked: float | None, now: float) -> bool:
        """Take the status of an answer; whether the key rests from now on.

        Args:
            status: of the answer.
            asked: seconds of its Retry-After, or None.
            now: seconds on the monotonic clock.
        """
        if status not in REFUSED:
            if status < 400:
                self._times = 0
            return False
        if status == 429:
            seconds = BUSY if asked is None else min(asked, LONGEST)
        else:
            # several calls that were under way together are one refusal
            self._times += now >= self.until
            seconds = min(LONGEST, SHORTEST * 2.0 ** (min(self._times, 16) - 1)) if self._times else SHORTEST
        self.status = status
        self.until = max(self.until, now + seconds)
        return True
