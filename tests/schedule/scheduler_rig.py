"""A scheduler over a gateway that is a function of the test, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from seawall.config.schedule import ScheduleSettings
from seawall.contracts.events import Notice
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.state import Leases
from seawall.schedule import Runner, Scheduler, plan_of
from seawall.schedule.job import Job
from seawall.schedule.plan import Plan
from seawall.stores import MemoryMessages
from seawall.testing import EPOCH, Recorder, VirtualLoop

Answer = Callable[[Request], Awaitable[Reply]]


async def fine(request: Request) -> Reply:
    """Answer at once."""
    return Reply(200, [], b'{"t":3}')


def plans(**tables: Mapping[str, object]) -> list[Plan]:
    """Return plans of settings tables; `call` may be left out."""
    return [
        plan_of(name, ScheduleSettings.model_validate({"call": "GET /a/x", **table})) for name, table in tables.items()
    ]


@dataclass
class Rig:
    """What a test sees.

    Attributes:
        scheduler: at work.
        runner: makes its runs.
        messages: what was published goes there.
        asked: seconds since `EPOCH` and caller of every call made.
        events: notices.
        lost: errors nobody expected.
        most: most runs of one schedule under way at a time.
    """

    scheduler: Scheduler
    runner: Runner
    messages: MemoryMessages
    asked: list[tuple[float, str]] = field(default_factory=list)
    events: Recorder = field(default_factory=Recorder)
    lost: list[BaseException] = field(default_factory=list)
    most: int = 0

    def times(self, name: str) -> list[float]:
        """Return when a schedule called, in seconds since `EPOCH`."""
        return [round(at, 3) for at, caller in self.asked if caller == f"schedule:{name}"]

    @property
    def published(self) -> int:
        """How many messages were published."""
        return self.runner.published

    def job(self, name: str) -> Job:
        """Return one schedule."""
        return next(job for job in self.scheduler if job.plan.name == name)

    def notices(self) -> list[str]:
        """Return what was told."""
        return [one.message for one in self.events.of(Notice)]


@asynccontextmanager
async def rig(answer: Answer = fine, *, leases: Leases | None = None, jitter: float = 0.0) -> AsyncIterator[Rig]:
    """Run a scheduler; `jitter` is the share of its spread that is drawn each time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = loop.clock()
    under_way: dict[str, int] = {}

    async def ask(request: Request, caller: str) -> Reply:
        here.asked.append((clock.wall() - EPOCH, caller))
        under_way[caller] = under_way.get(caller, 0) + 1
        here.most = max(here.most, under_way[caller])
        try:
            return await answer(request)
        finally:
            under_way[caller] -= 1

    messages = MemoryMessages(clock.wall)
    events, lost = Recorder(), []
    runner = Runner(ask, messages, clock)
    scheduler = Scheduler(
        runner, clock, lambda low, high: low + (high - low) * jitter, leases,
        events, lost.append,
    )  # fmt: skip
    here = Rig(scheduler, runner, messages, events=events, lost=lost)
    try:
        yield here
    finally:
        await scheduler.close()
