"""Decides whether a call may go to a target, from how earlier calls ended (semantics 3)."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.breaker.table import TRANSITIONS, State, Trigger
from seawall.policies.breaker.window import Window

__all__ = ["REFUSED", "Breaker", "Change", "Status"]

REFUSED = 0
_JITTER = 0.1
_BUSY = 1.0  # seconds a call is told to wait for while all probes are under way
_NEXT = {(old, trigger): new for old, trigger, new in TRANSITIONS}


class Change(NamedTuple):
    """A transition that happened, for the shell to tell."""

    old: State
    new: State
    reason: Trigger
    retry_after: float


class Status(NamedTuple):
    """What diagnostics show; counts are of the window, `retry_after` is seconds until a call may try."""

    state: str
    calls: int
    failures: int
    slow: int
    retry_after: float
    probes: int


class Breaker:
    """The books of one target.

    A permit is a number above `REFUSED`. All calls of one closed time share theirs, each probe has its own; every
    transition makes new ones, so an outcome that comes with an old number changes nothing.

    Args:
        settings: thresholds and times.
        uniform: for the jitter of the open time.
        now: seconds on the monotonic clock.

    Attributes:
        state: where it is.
        passing: whether every call may go: closed, or forced closed.
        changes: transitions since the shell last emptied this.
    """

    __slots__ = (
        "_good", "_number", "_open_time", "_out", "_permit", "_settings", "_uniform", "_until",
        "_window", "changes", "passing", "state",
    )  # fmt: skip

    def __init__(self, settings: BreakerSettings, uniform: Callable[[float, float], float], now: float) -> None:
        self._settings = settings
        self._uniform = uniform
        self._window = Window(settings.window, now)
        self._number = 1
        self._permit = 1  # of calls while closed
        self._open_time = 0.0
        self._until = 0.0
        self._out: dict[int, float] = {}  # probe permit -> when it hangs
        self._good: set[int] = set()
        self.state = State.CLOSED
        self.passing = True
        self.changes: list[Change] = []

    def adapt(self, settings: BreakerSettings, now: float) -> None:
        """Take over new settings; state and, where the window's length stays, counts are kept."""
        if settings.window != self._window.span:
            self._window = Window(settings.window, now)
        self._settings = settings

    def refuses(self, now: float) -> float:
        """Return seconds after which to try again if a call would be refused now, else 0.0. Takes nothing."""
        if self.passing:
            return 0.0
        if self.state is State.FORCED_OPEN:
            return self._settings.open
        if any(now >= limit for limit in self._out.values()):
            self._move(Trigger.HUNG, now)
        if self.state is State.OPEN:
            return max(0.0, self._until - now)
        return 0.0 if len(self._out) + len(self._good) < self._settings.probes else _BUSY

    def permit(self, now: float, limit: float) -> int:
        """Return a permit for one call, or `REFUSED`; whoever has one owes `ended` or `give_back`.

        Args:
            now: seconds on the monotonic clock.
            limit: seconds the call may take at most; a probe without an outcome by then hangs.
        """
        if self.passing:
            return self._permit
        if self.refuses(now) > 0:
            return REFUSED
        if self.state is State.OPEN:
            self._move(Trigger.RESTED, now)
        number = self._number = self._number + 1
        self._out[number] = now + limit
        return number

    def ended(self, permit: int, now: float, failed: bool, slow: bool) -> None:
        """Count the outcome of a call that got a permit."""
        if permit == self._permit:
            window = self._window
            window.add(now, failed, slow)
            if (window.failures or window.slow) and self.state is State.CLOSED:
                self._judge(now)
        elif self._out.pop(permit, None) is not None:
            if failed or slow:
                self._move(Trigger.RELAPSED, now)
                return
            self._good.add(permit)
            if len(self._good) >= self._settings.probes:
                self._move(Trigger.PROBED, now)

    def give_back(self, permit: int) -> None:
        """Take back the permit of a call that says nothing about the target: cancelled, refused further in, a 429."""
        self._out.pop(permit, None)

    def broke(self, permit: int, now: float) -> None:
        """Count a stream that broke after it had been counted as good at its headers: one more failure."""
        if permit == self._permit:
            self.ended(permit, now, failed=True, slow=False)
        elif permit in self._good:
            self._move(Trigger.RELAPSED, now)

    def force(self, state: Literal["open", "closed"] | None, now: float) -> None:
        """Hold the breaker open or closed whatever happens, until it is released with None."""
        trigger = {"open": Trigger.FORCE_OPEN, "closed": Trigger.FORCE_CLOSED, None: Trigger.RELEASE}[state]
        if (self.state, trigger) in _NEXT:
            self._move(trigger, now)

    def status(self, now: float) -> Status:
        """Return state and counts as of `now`."""
        self._window.roll(now)
        wait = self.refuses(now)  # may find a probe that hangs, and move
        window = self._window
        return Status(self.state.value, window.calls, window.failures, window.slow, wait, len(self._out))

    def _judge(self, now: float) -> None:
        settings, window = self._settings, self._window
        if window.calls < settings.min_calls:
            return
        # Divisions, since 0.1 * 30 is more than 3 but 3 / 30 is the same float as 0.1
        if window.failures / window.calls >= settings.failure_rate:
            self._move(Trigger.FAILURES, now)
        elif settings.slow_after is not None and window.slow / window.calls >= settings.slow_rate:
            self._move(Trigger.SLOW, now)

    def _move(self, trigger: Trigger, now: float) -> None:
        old, new = self.state, _NEXT[self.state, trigger]
        settings = self._settings
        self.state = new
        self.passing = new is State.CLOSED or new is State.FORCED_CLOSED
        self._number = self._number + 1
        self._permit = -1  # nobody holds it: only a closed breaker has a shared permit
        self._out.clear()
        self._good.clear()
        retry_after = 0.0
        if new is State.OPEN:
            again = old is State.HALF_OPEN
            doubled = self._open_time * 2 if again else settings.open
            self._open_time = min(doubled, settings.open_max)
            retry_after = self._open_time * (1 + self._uniform(0.0, _JITTER))
            self._until = now + retry_after
        elif new is State.FORCED_OPEN:
            retry_after = settings.open
        elif self.passing:
            self._permit = self._number
            self._window.clear(now)
        self.changes.append(Change(old, new, trigger, retry_after))
