"""Runs schedules when they are due: one task for each, never two runs of one at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from typing import Any

from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.contracts.state import Leases, StateLost
from seawall.schedule.agenda import Agenda
from seawall.schedule.job import Job
from seawall.schedule.plan import Plan
from seawall.schedule.run import Outcome, Runner

__all__ = ["Scheduler"]

_LOOK = 15.0  # seconds: how long a clock that was set, or a machine that slept, may go unnoticed
_LEASE = 20.0  # seconds a replica that died holds a run up; with the next two, another takes over within 30
_RENEW = 6.0
_AGAIN = 8.0
_MARGIN = 60.0  # seconds for which a run stays known to replicas whose clocks differ, past the next one


class Scheduler:
    """Keeps schedules; `close` it in the end.

    Args:
        runner: makes a run.
        clock: time.
        uniform: `random.uniform`, for jitter.
        leases: who of several replicas runs what, so that `every` counts from the epoch; None where there is one
            process, and it counts from its start.
        emit: told when runs begin to fail and when they are well again.
        report: told what nobody expected.
    """

    def __init__(
        self, runner: Runner, clock: Clock, uniform: Callable[[float, float], float],
        leases: Leases | None, emit: Emit, report: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._runner = runner
        self._clock = clock
        self._uniform = uniform
        self._leases = leases
        self._emit = emit
        self._report = report
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def keep(self, plans: Iterable[Plan]) -> None:
        """Keep these from now on; one that is as it was goes on, a run under way of one that is gone ends by itself."""
        old, self._jobs = self._jobs, {}
        for plan in plans:
            job = old.pop(plan.name, None)
            if job is not None and job.plan == plan:
                self._jobs[plan.name] = job
                continue
            self._jobs[plan.name] = new = self._job(plan)
            if job is not None:
                new.take_over(job)
                job.stop()
            new.keeper = self._spawn(self._keep(new), f"schedule {plan.name}")
        for job in old.values():
            job.stop()

    async def run(self, name: str) -> bool:
        """Run a schedule now, or wait for the run under way; whether there is one of that name."""
        job = self._jobs.get(name)
        if job is None:
            return False
        await asyncio.wait({self._begin(job)})
        return True

    def stop(self) -> None:
        """Begin no more runs; those under way go on."""
        for job in self._jobs.values():
            job.stop()

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _job(self, plan: Plan) -> Job:
        now = self._clock.wall()
        moments = plan.moments(now if self._leases is None else 0.0)
        at_once = plan.settings.cron is None
        return Job(plan, Agenda(moments, plan.settings.spread, self._uniform, now, at_once))

    async def _keep(self, job: Job) -> None:
        agenda = job.agenda
        while True:
            agenda.look(self._clock.wall())
            if job.running is not None:
                await asyncio.wait({job.running})
            elif agenda.due is None:
                await self._rest(job, _LOOK)
            else:
                await self._due(job, agenda.due)

    async def _due(self, job: Job, due: float) -> None:
        """Run what is due unless another replica has it; who has died holds it no longer than its lease."""
        name = f"schedule:{job.plan.name}:{due:.3f}"
        job.elsewhere = not await self._hold(name, _LEASE)
        if job.elsewhere:
            await self._rest(job, _AGAIN)
            return
        task = self._begin(job)
        while not (await asyncio.wait({task}, timeout=_RENEW))[0]:
            await self._hold(name, _LEASE)
        await self._hold(name, job.agenda.after(due) + job.plan.settings.spread + _MARGIN)
        job.agenda.done()

    async def _rest(self, job: Job, most: float) -> None:
        wait = job.agenda.wait(self._clock.wall())
        await asyncio.sleep(most if wait is None else min(wait, most))

    async def _hold(self, name: str, seconds: float) -> bool:
        if self._leases is None:
            return True
        with suppress(StateLost):  # each replica then runs by itself: polled twice is better than not at all
            return await self._leases.hold(name, seconds)
        return True

    def _begin(self, job: Job) -> "asyncio.Task[Outcome]":
        """Return the run under way, begun now where there was none."""
        task = job.running
        if task is None:
            task = job.latest = self._spawn(self._run(job), f"run {job.plan.name}")
        return task

    async def _run(self, job: Job) -> Outcome:
        wall = self._clock.wall()
        try:
            outcome = await self._runner.run(job.plan)
        except Exception as error:  # noqa: BLE001 - whatever one run meets, the next one comes
            self._report(error)
            outcome = Outcome(wall, self._clock.wall() - wall, "failed", 0, type(error).__name__)
        notice = job.ended(outcome)
        if notice is not None:
            self._emit(notice)
        return outcome

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error)
