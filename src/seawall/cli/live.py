"""One call, or one connection, to each target of each upstream."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from seawall import __version__
from seawall.config.resolve import ResolvedUpstream
from seawall.contracts.body import Headers
from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.target import Target
from seawall.contracts.wheel import Wheel
from seawall.wire import Wire
from seawall.wire.dial import Dialer
from seawall.wire.dns import Resolver
from seawall.wire.pool import Pool

__all__ = ["Probe", "probe_all"]


class Probe(NamedTuple):
    """What came of one target.

    Attributes:
        name: of the upstream, with the target's label where it has several.
        what: the method and path, or `connect`.
        text: the status, or why there is none.
        seconds: how long it took.
        good: a connection, or a status below 400.
    """

    name: str
    what: str
    text: str
    seconds: float
    good: bool


async def probe_all(upstreams: Iterable[ResolvedUpstream]) -> list[Probe]:
    """Try every target of every upstream, all at once, each within its own timeouts."""
    loop = asyncio.get_running_loop()
    clock = Clock()
    wheel = Wheel(clock, loop)
    wire = Wire(clock, wheel, loop)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_probe(upstream, target, wire, clock, wheel, loop))
                for upstream in upstreams
                for target in upstream.targets
            ]
    finally:
        await wire.close()
    return [task.result() for task in tasks]


async def _probe(
    upstream: ResolvedUpstream, target: Target, wire: Wire, clock: Clock, wheel: Wheel, loop: asyncio.AbstractEventLoop
) -> Probe:
    name = upstream.name if len(upstream.targets) == 1 else f"{upstream.name}/{target.label}"
    what = upstream.check or "connect"
    started = clock.now()
    try:
        if upstream.check is None:
            await _connect(upstream, target, clock, wheel, loop)
            text, good = "connected", True
        else:
            status = await _call(upstream, target, wire, started)
            text, good = str(status), status < 400
    except CallError as error:
        text, good = error.detail, False
    return Probe(name, what, text, clock.now() - started, good)


async def _connect(
    upstream: ResolvedUpstream, target: Target, clock: Clock, wheel: Wheel, loop: asyncio.AbstractEventLoop
) -> None:
    pool = Pool(target, Dialer(loop, Resolver(loop, clock), tuple), wheel, loop, (0, 1.0, 1))
    try:
        await pool.connect(upstream.timeouts.connect)
    finally:
        pool.close()


async def _call(upstream: ResolvedUpstream, target: Target, wire: Wire, now: float) -> int:
    method, _, path = (upstream.check or "").partition(" ")
    headers: Headers = [(b"accept", b"*/*"), (b"user-agent", f"seawall/{__version__}".encode())]
    headers += [(name, value.reveal().encode("latin-1")) for name, value in upstream.headers]
    deadline = now + min(upstream.timeouts.total, upstream.timeouts.attempt)
    call = Call(
        method.encode(), path.encode(), headers, target, upstream.timeouts, deadline, Run(now), upstream=upstream.name
    )
    reply = await wire.send(Attempt(call, 1, [], deadline))
    reply.close()
    return reply.status
