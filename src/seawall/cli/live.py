"""One call, or one connection, to each target of each upstream."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from seawall import __version__
from seawall.app.aws import Aws
from seawall.aws.signed import NoCredentials
from seawall.cli.live_aws import WHAT, models_listed
from seawall.config.resolve import ResolvedUpstream
from seawall.contracts.body import Headers
from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.policy import Transport
from seawall.contracts.target import Target
from seawall.contracts.wheel import Wheel
from seawall.pipeline.buffers import Allowance
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


@dataclass(frozen=True, slots=True)
class _Means:
    """What every probe is made with."""

    clock: Clock
    wheel: Wheel
    loop: asyncio.AbstractEventLoop
    env: Mapping[str, str]


async def probe_all(upstreams: Iterable[ResolvedUpstream], env: Mapping[str, str] = os.environ) -> list[Probe]:
    """Try every target of every upstream, all at once, each within its own timeouts.

    Raises:
        SettingsError: the environment holds something that cannot be a credential.
    """
    loop = asyncio.get_running_loop()
    clock = Clock()
    wheel = Wheel(clock, loop)
    wire = Wire(clock, wheel, loop)
    aws = Aws(clock, wheel, loop, lambda event: None, Allowance(0), lambda secrets: None, env)
    means = _Means(clock, wheel, loop, env)
    try:
        ways = [(one, aws.transport(one, wire)) for one in upstreams]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_probe(upstream, target, transport, means))
                for upstream, transport in ways
                for target in upstream.targets
            ]
    finally:
        await aws.close()
        await wire.close()
    return [task.result() for task in tasks]


async def _probe(upstream: ResolvedUpstream, target: Target, transport: Transport, means: _Means) -> Probe:
    name = upstream.name if len(upstream.targets) == 1 else f"{upstream.name}/{target.label}"
    bedrock = upstream.settings.api == "bedrock" and upstream.check is None
    what = upstream.check or (WHAT if bedrock else "connect")
    started = means.clock.now()
    try:
        if bedrock:
            text, good = await models_listed(upstream, transport, means.clock, means.env)
        elif upstream.check is None:
            await _connect(upstream, target, means)
            text, good = "connected", True
        else:
            status = await _call(upstream, target, transport, started)
            text, good = str(status), status < 400
    except CallError as error:
        text, good = str(error.__cause__) if isinstance(error, NoCredentials) else error.detail, False
    return Probe(name, what, text, means.clock.now() - started, good)


async def _connect(upstream: ResolvedUpstream, target: Target, means: _Means) -> None:
    dialer = Dialer(means.loop, Resolver(means.loop, means.clock), tuple)
    pool = Pool(target, dialer, means.wheel, means.loop, (0, 1.0, 1))
    try:
        await pool.connect(upstream.timeouts.connect)
    finally:
        pool.close()


async def _call(upstream: ResolvedUpstream, target: Target, transport: Transport, now: float) -> int:
    method, _, path = (upstream.check or "").partition(" ")
    headers: Headers = [(b"accept", b"*/*"), (b"user-agent", f"seawall/{__version__}".encode())]
    headers += [(name, value.reveal().encode("latin-1")) for name, value in upstream.headers]
    deadline = now + min(upstream.timeouts.total, upstream.timeouts.attempt)
    call = Call(
        method.encode(), path.encode(), headers, target, upstream.timeouts, deadline, Run(now), upstream=upstream.name
    )
    reply = await transport.send(Attempt(call, 1, [], deadline))
    reply.close()
    return reply.status
