"""What a schedule has to do next: a pure core, told the time and what became of its runs."""

from collections.abc import Callable

from seawall.schedule.rhythm import Rhythm

__all__ = ["Agenda"]

_SET = 60.0  # seconds by which a clock is set back that is not only corrected


class Agenda:
    """The next run of a schedule, and the one that is due.

    However many moments went by while nobody looked (a long run, a machine asleep), one run makes up for all of them.

    Args:
        rhythm: when it is due.
        spread: seconds a run may be put off at random, so that schedules do not all start at once.
        uniform: `random.uniform`.
        now: seconds since the epoch.
        at_once: the moment that has just gone by is due, so that the first run need not wait for the next.

    Attributes:
        due: the moment that waits to be run, None while none does.
        since: when `due` should have started.
        next: when the run after that starts, None where there is none.
    """

    def __init__(
        self, rhythm: Rhythm, spread: float, uniform: Callable[[float, float], float], now: float, at_once: bool
    ) -> None:
        self._rhythm = rhythm
        self._spread = spread
        self._uniform = uniform
        self._seen = now
        self.due: float | None = rhythm.preceding(now) if at_once else None
        self.since = now
        self.next: float | None = None
        self._aim(now)

    def look(self, now: float) -> None:
        """Take notice of the time."""
        if now < self._seen - _SET:  # what lies ahead was reckoned from a time that never was
            self._aim(now)
        self._seen = now
        if self.next is not None and now >= self.next:
            self.due = self._rhythm.preceding(now)
            self.since = self.next
            self._aim(now)

    def done(self) -> None:
        """The moment that was due has been run, here or elsewhere."""
        self.due = None

    def late(self, now: float) -> float:
        """Return for how many seconds a run has been due."""
        return 0.0 if self.due is None else max(0.0, now - self.since)

    def wait(self, now: float) -> float | None:
        """Return seconds until the next run starts, None where there is none."""
        return None if self.next is None else max(0.0, self.next - now)

    def after(self, due: float) -> float:
        """Return seconds between a moment and the one after it."""
        following = self._rhythm.following(due)
        return 0.0 if following is None else following - due

    def _aim(self, now: float) -> None:
        following = self._rhythm.following(now)
        self.next = None if following is None else following + self._uniform(0.0, self._spread)
