"""An upstream with a capacity: servers behind one queue, seeded service times, and failures that come and go."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Literal, NamedTuple

from seawall.contracts.body import Headers
from seawall.contracts.call import Attempt
from seawall.contracts.errors import ConnectError, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target

__all__ = ["HEALTHY", "Answered", "Came", "Mode", "Service", "Sites", "Upstream", "bimodal", "lognormal"]

Service = Callable[[random.Random], float]


def lognormal(median: float, sigma: float) -> Service:
    """Return service times around `median` seconds."""
    mu = log(median)
    return lambda rng: rng.lognormvariate(mu, sigma)


def bimodal(usual: Service, rare: float, share: float) -> Service:
    """Return `usual` times of which a `share` takes `rare` seconds instead."""
    return lambda rng: rare if rng.random() < share else usual(rng)


@dataclass(frozen=True, slots=True)
class Mode:
    """How the upstream behaves from a moment on.

    Attributes:
        at: seconds from the start of the run.
        fails: `refuse` answers no connection and resets what is under way, `status` answers at once with `status`.
        status: of the answers where it fails with one.
        share: of the attempts that fail so.
        retry_after: seconds told in Retry-After with `status`, or None.
        known: seconds until a failure is known.
        slower: factor on service times that begin meanwhile.
    """

    at: float
    fails: Literal["", "refuse", "status"] = ""
    status: int = 503
    share: float = 1.0
    retry_after: float | None = None
    known: float = 0.001
    slower: float = 1.0


HEALTHY = Mode(-inf)


class Came(NamedTuple):
    """An attempt reached the upstream: when, in seconds of the run, and its number within its call."""

    at: float
    number: int


class Answered(NamedTuple):
    """The upstream answered well: when, and how long it took, its own queue included."""

    at: float
    seconds: float


class _Job(NamedTuple):
    came: float
    future: "asyncio.Future[None]"


class Upstream:
    """A `Transport` with `servers` at work at once and everybody else in its queue, first come first served.

    Like most servers it does not notice that whoever asked has gone: the work is done all the same. That is what
    keeps an upstream down when clients give up and ask again.

    Args:
        servers: how many calls it works on at once, or None for any number.
        service: seconds one call takes.
        modes: what it does from when on; before the first it is healthy.
        seed: of the service times.

    Attributes:
        came: every attempt.
        answered: every good answer that somebody waited for.
        wasted: answers nobody waited for any more.
        inside: attempts inside `send`.
        peak: most of them at a time.
    """

    def __init__(self, servers: int | None, service: Service, modes: Sequence[Mode] = (), seed: int = 1) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._servers = inf if servers is None else servers
        self._service = service
        self._random = random.Random(seed)
        self._mode = HEALTHY
        self._busy = 0
        self._queue: deque[_Job] = deque()
        self._working: dict[asyncio.Future[None], None] = {}  # in order, so that a seed gives one run
        self.came: list[Came] = []
        self.answered: list[Answered] = []
        self.wasted = 0
        self.inside = 0
        self.peak = 0
        for mode in modes:
            self._loop.call_at(self._start + mode.at, self._turn, mode)

    async def send(self, attempt: Attempt) -> Reply:
        """Answer one attempt, after the queue and the service.

        Raises:
            ConnectError: it refuses connections.
            UpstreamBroken: it crashed while the attempt was under way.
        """
        began = self._loop.time()
        self.came.append(Came(began - self._start, attempt.number))
        mode = self._mode
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        try:
            if mode.fails and (mode.share >= 1 or self._random.random() < mode.share):
                return await self._fail(mode, attempt)
            attempt.sent = True
            await self._work(began)
        finally:
            self.inside -= 1
        now = self._loop.time()
        self.answered.append(Answered(now - self._start, now - began))
        return Reply(200, [])

    async def _fail(self, mode: Mode, attempt: Attempt) -> Reply:
        await asyncio.sleep(mode.known)
        if mode.fails == "refuse":
            raise ConnectError
        attempt.sent = True
        headers: Headers = []
        if mode.retry_after is not None:
            headers.append((b"retry-after", f"{mode.retry_after:g}".encode("ascii")))
        return Reply(mode.status, headers)

    async def _work(self, came: float) -> None:
        job = _Job(came, self._loop.create_future())
        if self._busy < self._servers:
            self._begin(job)
        else:
            self._queue.append(job)
        await job.future

    def _begin(self, job: _Job) -> None:
        self._busy += 1
        self._working[job.future] = None
        self._loop.call_later(self._service(self._random) * self._mode.slower, self._end, job)

    def _end(self, job: _Job) -> None:
        if job.future not in self._working:  # lost in a crash
            return
        del self._working[job.future]
        self._busy -= 1
        if job.future.done():
            self.wasted += 1
        else:
            job.future.set_result(None)
        if self._queue:
            self._begin(self._queue.popleft())

    def _turn(self, mode: Mode) -> None:
        self._mode = mode
        if mode.fails != "refuse":
            return
        lost = [*self._working, *(job.future for job in self._queue)]
        self._working.clear()
        self._queue.clear()
        self._busy = 0
        for future in lost:
            if not future.done():
                future.set_exception(UpstreamBroken("crashed"))


class Sites:
    """A `Transport` that sends each attempt to the upstream of its target."""

    def __init__(self, upstreams: dict[Target, Upstream]) -> None:
        self._upstreams = upstreams

    async def send(self, attempt: Attempt) -> Reply:
        """Send where it belongs."""
        return await self._upstreams[attempt.call.target].send(attempt)
