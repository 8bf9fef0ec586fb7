"""What a call runs on: wire, cache, shared state, money, credentials, and the pipelines over them."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

from seawall.app.aws import Aws
from seawall.app.build import Parts, build_table
from seawall.app.durable import Durable, open_durable
from seawall.app.gauges import expose_cache
from seawall.app.kept import KeptAnswers
from seawall.app.shared import Shared, open_shared
from seawall.app.shelves import Shelves
from seawall.app.spending import Spending, expose_spool
from seawall.app.tls import check_authorities
from seawall.app.watchers import Watchers
from seawall.config import ResolvedUpstream, Tree, resolve
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.gateway.models.kept import Answers
from seawall.gateway.table import Table
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.states import States
from seawall.registry import BUILTIN
from seawall.spend.undertaker import Undertaker
from seawall.wire import Wire

__all__ = ["Engine"]

_CONNECTIONS = 512  # to one target, at least


class Engine:
    """Builds pipelines; `start` it once.

    Args:
        clock, wheel, loop: time.
        watchers: told of everything.
        stack: takes down what is started here, the last first.

    Attributes:
        states: what outlives a reload.
        wire, buffers, shelves, kept, shared, durable, spending: as their classes say; `durable` is None in memory.
    """

    wire: Wire
    buffers: Allowance
    shelves: Shelves
    kept: KeptAnswers
    shared: Shared
    durable: Durable | None
    spending: Spending

    def __init__(
        self,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        watchers: Watchers,
        stack: AsyncExitStack,
    ) -> None:
        self._clock = clock
        self._wheel = wheel
        self._loop = loop
        self._watchers = watchers
        self._stack = stack
        self.states = States()

    async def start(self, tree: Tree, own: Callable[[], list[tuple[str, int]]]) -> None:
        """Start everything that `build` needs.

        Args:
            tree: settings.
            own: host and port of each address that is listened on, which no upstream may be.

        Raises:
            SettingsError: a store cannot be used.
        """
        clock, wheel, loop, stack, watchers = self._clock, self._wheel, self._loop, self._stack, self._watchers
        emit, metrics = watchers.hub.emit, watchers.metrics
        # As many connections as calls may be under way: how many of those go to one upstream is concurrency's business.
        # All may stay idle for their 30 s, since a crowd that pauses would else dial anew for every call.
        most = max(_CONNECTIONS, tree.server.max_inflight)
        self.wire = Wire(clock, wheel, loop, own=own, max_idle=most, max_connections=most)
        stack.push_async_callback(self.wire.close)
        self.buffers = Allowance(tree.memory.buffers)
        self.shelves = Shelves(tree.state.cache_memory, self.states)
        stack.push_async_callback(self.shelves.close)  # before the wire, on which its refreshes run
        expose_cache(metrics, self.shelves)
        self.shared = await open_shared(tree.state, clock, emit, stack, self.states, self.shelves)
        self.kept = KeptAnswers(self.shelves, clock, self.shared.entries)
        self.durable = await open_durable(tree, clock, emit, stack)
        await self._start_spending(tree)
        aws = Aws(clock, wheel, loop, emit, self.buffers, watchers.redact.learn)
        stack.push_async_callback(aws.close)
        self._parts = Parts(
            clock, wheel, loop, emit, self.wire, self.buffers, BUILTIN, self.shelves.entries, self.shared, aws,
            self.spending.book,
        )  # fmt: skip

    async def _start_spending(self, tree: Tree) -> None:
        durable, metrics = self.durable, self._watchers.metrics
        ledger, spool = (None, None) if durable is None else (durable.ledger, durable.spool)
        emit = self._watchers.hub.emit
        self.spending = Spending(self._clock, emit, random.getrandbits, self.shared, metrics, ledger, spool)
        await self.spending.start(self._stack, tree)
        if spool is not None:
            expose_spool(metrics, spool)
            undertaker = Undertaker(spool, self.spending.book)
            await undertaker.start()
            self._stack.push_async_callback(undertaker.close)

    def answers(self) -> Answers:
        """Return what keeps models' answers, for all replicas where they share."""
        return Answers(self.shelves.answers, self.shared.entries, self._clock.now)

    def build(self, tree: Tree) -> tuple[tuple[ResolvedUpstream, ...], Table]:
        """Return what the settings come to; state that they name no more is dropped.

        Raises:
            SettingsError: a file of authorities cannot be used.
        """
        upstreams = resolve(tree)
        check_authorities(upstreams)
        states = self.states.round()
        table = build_table(upstreams, self._parts, states)
        states.settle()
        return upstreams, table

    def configure(self, tree: Tree, upstreams: tuple[ResolvedUpstream, ...]) -> None:
        """Put what is not a pipeline in force: sizes, caps, prices, and which connections are kept."""
        self.shelves.resize(tree.state.cache_memory, models=any(one.cache is not None for one in tree.models.values()))
        self.spending.configure(tree)
        self.wire.keep([target for one in upstreams for target in one.targets])
