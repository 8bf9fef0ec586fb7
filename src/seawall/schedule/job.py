"""One schedule at work: what it is, when it runs next and what became of its runs."""

import asyncio
from collections import Counter

from seawall.contracts.events import Notice
from seawall.schedule.agenda import Agenda
from seawall.schedule.plan import Plan
from seawall.schedule.run import Outcome

__all__ = ["Job"]


class Job:
    """A schedule's state.

    Attributes:
        plan: what is run.
        agenda: when.
        keeper: the task that waits for the next run.
        latest: the latest run's task, under way or over.
        last: what the latest run came to.
        succeeded: when the latest run that was `ok` started, seconds since the epoch.
        results: how many runs came to what.
        elsewhere: another replica has the run that is due.
        told: the result that was told last, so that only changes are.
    """

    def __init__(self, plan: Plan, agenda: Agenda) -> None:
        self.plan = plan
        self.agenda = agenda
        self.keeper: asyncio.Task[None] | None = None
        self.latest: asyncio.Task[Outcome] | None = None
        self.last: Outcome | None = None
        self.succeeded: float | None = None
        self.results: Counter[str] = Counter()
        self.elsewhere = False
        self.told = "ok"

    @property
    def running(self) -> "asyncio.Task[Outcome] | None":
        """The run under way."""
        return None if self.latest is None or self.latest.done() else self.latest

    def take_over(self, old: "Job") -> None:
        """Go on from what became of an earlier form of the same schedule."""
        self.latest, self.last, self.succeeded, self.results = old.latest, old.last, old.succeeded, old.results
        self.told = old.told

    def ended(self, outcome: Outcome) -> Notice | None:
        """Count a run; return what is worth telling: only that something has changed."""
        self.last = outcome
        self.results[outcome.result] += 1
        if outcome.result == "ok":
            self.succeeded = outcome.at
        if outcome.result == self.told:
            return None
        self.told = outcome.result
        return _notice(self.plan.name, outcome)

    def late(self, now: float) -> float:
        """Return for how many seconds a run has been due that has not begun."""
        if self.elsewhere:
            return 0.0
        if self.running is None:
            return self.agenda.late(now)
        return 0.0 if self.agenda.next is None else max(0.0, now - self.agenda.next)

    def stop(self) -> None:
        """Wait for no more runs."""
        if self.keeper is not None:
            self.keeper.cancel()
            self.keeper = None


def _notice(name: str, outcome: Outcome) -> Notice:
    fields = (("schedule", name), ("result", outcome.result), ("status", outcome.status), ("detail", outcome.detail))
    if outcome.result == "ok":
        return Notice("info", "schedule", f"The schedule {name} is well again", fields)
    what = "fails" if outcome.result == "failed" else "cannot publish its answer"
    return Notice("error", "schedule", f"The schedule {name} {what}", fields)
