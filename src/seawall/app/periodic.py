"""Schedules and events of one gateway: built over its door, kept by its settings, ended before it."""

import random
from collections.abc import Callable
from dataclasses import replace

from seawall.admin.events import Streams
from seawall.admin.view import ScheduleView
from seawall.app.shared import Shared
from seawall.config import Tree
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.gateway.door import Gateway
from seawall.observers import Metrics, Redactor
from seawall.schedule import Runner, Scheduler, plan_of
from seawall.schedule.job import Job
from seawall.stores import MemoryMessages

__all__ = ["Periodic"]


class Periodic:
    """What a gateway does by itself, and what it tells of it.

    Args:
        gateway: the data plane.
        clock: time.
        emit: observers.
        report: told what nobody expected.
        redact: last step before a message leaves.
        shared: messages and leases of replicas that share their state.

    Attributes:
        streams: answers `/api/v1/events`.
    """

    def __init__(
        self, gateway: Gateway, clock: Clock, emit: Emit, report: Callable[[BaseException], None], redact: Redactor,
        shared: Shared,
    ) -> None:  # fmt: skip
        messages = shared.messages or MemoryMessages(clock.wall)
        self._wall = clock.wall
        self._messages = messages
        self._runner = runner = Runner(gateway.inside, messages, clock)
        leases = None if shared.messages is None else shared.leases
        self._scheduler = Scheduler(runner, clock, random.uniform, leases, emit, report)
        self.streams = Streams(messages, redact)

    def keep(self, tree: Tree) -> None:
        """Run the schedules of these settings from now on."""
        self._scheduler.keep(plan_of(name, settings) for name, settings in tree.schedules.items())

    async def run(self, schedule: str) -> bool:
        """Run a schedule now, to its end; whether there is one of that name."""
        return await self._scheduler.run(schedule)

    def drain(self) -> None:
        """Begin no more runs and end the streams of events, which would never end by themselves."""
        self._scheduler.stop()
        self.streams.end()

    async def close(self) -> None:
        """End everything."""
        await self.streams.close()
        await self._scheduler.close()

    def views(self) -> tuple[ScheduleView, ...]:
        """Return every schedule as it is now."""
        now = self._wall()
        return tuple(_view(job, now) for job in self._scheduler)

    def expose(self, metrics: Metrics) -> None:
        """Give the metrics their sources."""
        metrics.source("seawall_schedule_runs", self._runs)
        metrics.source("seawall_schedule_late_seconds", lambda: self._each(lambda job: job.late(self._wall())))
        metrics.source("seawall_schedule_next_timestamp_seconds", lambda: self._each(lambda job: job.agenda.next))
        metrics.source("seawall_schedule_success_timestamp_seconds", lambda: self._each(lambda job: job.succeeded))
        metrics.source("seawall_schedule_last_duration_seconds", lambda: self._each(_duration))
        metrics.source("seawall_event_listeners", lambda: float(len(self.streams)))
        metrics.source("seawall_event_messages", lambda: float(self._runner.published))
        metrics.source("seawall_event_messages_lost", lambda: float(self._messages.lost))

    def _runs(self) -> list[tuple[tuple[str, ...], float]]:
        return [
            ((job.plan.name, result), float(count)) for job in self._scheduler for result, count in job.results.items()
        ]

    def _each(self, read: Callable[[Job], float | None]) -> list[tuple[tuple[str, ...], float]]:
        read_all = ((job.plan.name, read(job)) for job in self._scheduler)
        return [((name,), value) for name, value in read_all if value is not None]


def _duration(job: Job) -> float | None:
    return None if job.last is None else job.last.seconds


def _view(job: Job, now: float) -> ScheduleView:
    plan, last = job.plan, job.last
    view = ScheduleView(
        name=plan.name,
        call=plan.settings.call.partition("?")[0],
        rhythm=plan.rhythm,
        publish=plan.settings.publish or "",
        running=job.running is not None,
        elsewhere=job.elsewhere,
        succeeded=job.succeeded,
        next=job.agenda.next,
        late=round(job.late(now), 3),
        runs=dict(job.results),
    )
    if last is None:
        return view
    return replace(
        view, last=last.at, last_seconds=round(last.seconds, 6), result=last.result, status=last.status,
        detail=last.detail,
    )  # fmt: skip
