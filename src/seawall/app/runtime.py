"""The running gateway as the operations pages see it: everything from memory, nothing is called to find out."""

import asyncio
import importlib.metadata
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from seawall import __version__
from seawall.admin import PoolView, QueueView, Status, StoreView, TargetView, TrafficView, UpstreamView, VitalsView
from seawall.admin.kept import Keeps
from seawall.admin.view import Phase
from seawall.app.periodic import Periodic
from seawall.callers import Directory
from seawall.config import ResolvedUpstream, Tree
from seawall.config.dump import masked
from seawall.contracts.clock import Clock
from seawall.contracts.form import form
from seawall.contracts.ledger import Ledger
from seawall.contracts.target import Target
from seawall.observers import LineWriter, Traffic, Vitals
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.build import explain
from seawall.pipeline.states import States
from seawall.policies.breaker.target import TargetBreaker
from seawall.policies.concurrency.slots import Slots
from seawall.policies.retry.pause import Pause
from seawall.registry import BUILTIN
from seawall.server.server import Server
from seawall.wire import PoolStats, Wire

__all__ = ["LiveRuntime", "versions"]

_LIBRARIES = ("uvloop", "httptools", "orjson", "pydantic")


class LiveRuntime:
    """A `Runtime` over the objects of one `App`.

    Attributes:
        phase: set by the app as it starts and ends.
        tree, upstreams: the settings in force, replaced on reload.
        servers: those that listen.
        stores: each says how a store is.
        again: loads the settings anew.
        callers: those in force.
        kept: answers of the cache.
        ledger: what was spent.
    """

    callers: Directory
    kept: Keeps
    ledger: Ledger
    again: Callable[[], Awaitable[tuple[str, ...]]]

    def __init__(
        self,
        tree: Tree,
        upstreams: tuple[ResolvedUpstream, ...],
        clock: Clock,
        states: States,
        wire: Wire,
        traffic: Traffic,
        vitals: Vitals,
        writer: LineWriter,
        buffers: Allowance,
        found: Mapping[str, str],
        periodic: Periodic,
    ) -> None:
        self.phase: Phase = "starting"
        self.tree = tree
        self.upstreams = upstreams
        self.servers: tuple[Server, ...] = ()
        self.stores: list[Callable[[], tuple[StoreView, ...]]] = []
        self._clock = clock
        self._states = states
        self._wire = wire
        self._traffic = traffic
        self._vitals = vitals
        self._writer = writer
        self._buffers = buffers
        self._versions = found
        self._periodic = periodic

    def status(self) -> Status:
        """Return what is now."""
        pools = {(pool.upstream, pool.target): pool for pool in self._wire.stats()}
        return Status(
            self.phase,
            self._clock.wall(),
            __version__,
            tuple(self._upstream(one, pools) for one in self.upstreams),
            tuple(view for views in self.stores for view in views()),
            self._vital(),
            self._periodic.views(),
            self.kept.totals(),
        )

    def settings(self) -> Mapping[str, Any]:
        """Return the settings in force, secrets masked."""
        return masked(self.tree)

    def versions(self) -> Mapping[str, str]:
        """Return versions of what runs."""
        return self._versions

    def force(self, upstream: str, target: str, state: Literal["open", "closed"] | None) -> bool:
        """Hold the breaker of a target open or closed, or let it go; whether there is one (semantics 3.5).

        A route with breaker settings of its own has a breaker of its own; it is held with the others.
        """
        found = False
        for (name, policy, scope), kept in self._states.items():
            mine = name == upstream and policy == "breaker" and (scope == target or scope.startswith(f"{target} "))
            if mine and isinstance(kept, TargetBreaker):
                kept.force(state)
                found = True
        return found

    async def reload(self) -> tuple[str, ...]:
        """Load the settings anew and put them in force; return the tables whose change needs a restart.

        Raises:
            SettingsError: they are wrong or cannot be served; the old ones stay in force.
        """
        return await self.again()

    async def run(self, schedule: str) -> bool:
        """Run a schedule now, or wait for the run under way, to its end; whether there is one of that name."""
        return await self._periodic.run(schedule)

    def tasks(self) -> tuple[str, ...]:
        """Return the names of the loop's tasks, calls under way counted in one."""
        names = [task.get_name() for task in asyncio.all_tasks()]
        calls = names.count("call")
        own = sorted(name for name in names if name != "call" and not name.startswith("Task-"))
        return (*own, f"{calls} calls", f"{len(names) - len(own) - calls} unnamed")

    def _vital(self) -> VitalsView:
        vitals = self._vitals
        return VitalsView(
            uptime=vitals.uptime,
            lag=vitals.lag,
            lag_max=vitals.lag_max,
            resident=vitals.process.memory()[1],
            tasks=len(asyncio.all_tasks()),
            inflight=sum(server.inflight for server in self.servers),
            connections=sum(server.connections for server in self.servers),
            replay_bytes=self._buffers.used,
            log_dropped=self._writer.dropped,
        )

    def _upstream(self, one: ResolvedUpstream, pools: Mapping[tuple[str, str], PoolStats]) -> UpstreamView:
        minute = self._traffic.last_minute(one.name)
        return UpstreamView(
            name=one.name,
            mount=one.mount or "",
            required=one.required,
            targets=tuple(self._target(one, target, pools) for target in one.targets),
            queues=tuple(self._queues(one.name)),
            traffic=TrafficView(minute.attempts, minute.failures, minute.mean),
            routes=tuple(route.name for route in one.routes if route.name),
            policies=_lines(one),
        )

    def _target(self, one: ResolvedUpstream, target: Target, pools: Mapping[tuple[str, str], PoolStats]) -> TargetView:
        breaker = self._states.get(one.name, "breaker", target.label)
        pause = self._states.get(one.name, "retry", f"pause {target.label}")
        pool = pools.get((one.name, target.label))
        state, mode, retry_after = "off", "off", 0.0
        if isinstance(breaker, TargetBreaker):
            status = breaker.status()
            forced = status.state.startswith("forced_")
            state = status.state.removeprefix("forced_")
            mode = status.state if forced else breaker.mode
            retry_after = status.retry_after
        return TargetView(
            label=target.label,
            url=f"{target.scheme}://{target.authority.decode()}{target.base.decode('latin-1')}",
            breaker=state,
            mode=mode,
            retry_after=retry_after,
            paused=max(0.0, pause.until - self._clock.now()) if isinstance(pause, Pause) else 0.0,
            pool=PoolView() if pool is None else PoolView(pool.idle, pool.open - pool.idle, pool.waiting),
        )

    def _queues(self, upstream: str) -> list[QueueView]:
        return [
            QueueView(route, kept.gate.taken, kept.gate.limit, len(kept.gate.waiting), kept.gate.room)
            for (name, policy, route), kept in self._states.items()
            if name == upstream and policy == "concurrency" and isinstance(kept, Slots)
        ]


def _lines(one: ResolvedUpstream) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in explain(BUILTIN, one.policies))


def versions(found: Callable[[str], str] = importlib.metadata.version) -> dict[str, str]:
    """Return versions of Seawall, Python, the loop and the libraries on the way of a call, and Seawall's form."""
    out = {"seawall": __version__, "form": form()}
    out |= {"python": platform.python_version(), "implementation": sys.implementation.name}
    for name in _LIBRARIES:
        try:
            out[name] = found(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out
