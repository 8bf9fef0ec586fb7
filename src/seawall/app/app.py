"""The running gateway: built from settings, drained on the way out, taken down in reverse order."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from seawall.admin.door import AdminDoor, Doorway
from seawall.app.engine import Engine
from seawall.app.front import Front
from seawall.app.gauges import expose
from seawall.app.guard import Watch, open_guard
from seawall.app.means import doorway_of, limits_of, options_of, pairs_of
from seawall.app.models import build_models, open_models
from seawall.app.periodic import Periodic
from seawall.app.pressure import Pressure
from seawall.app.reload import Reload, in_force
from seawall.app.runtime import LiveRuntime, versions
from seawall.app.secrets import secrets_of
from seawall.app.tls import server_context
from seawall.app.watchers import Watchers
from seawall.config import ResolvedUpstream, Tree, serve_faults
from seawall.contracts.callers import CallerStore
from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Notice
from seawall.contracts.request import Handler
from seawall.contracts.wheel import Wheel
from seawall.gateway.browsers import Browsers
from seawall.gateway.door import Gateway
from seawall.gateway.models.flights import Flights
from seawall.gateway.table import Table
from seawall.observers import (
    Exposition,
    Metrics,
    Traffic,
)
from seawall.server.server import Server

__all__ = ["App"]

_FIRST_SECOND = 1.0  # how long a load balancer has to see that /ready fails before the listener closes


class App:
    """The gateway of one settings tree; an async context manager.

    Entering it starts everything and listens; leaving it drains and takes all down. Nothing outlives it.

    Args:
        tree: settings; `serve_faults` of it must be empty.
        clock: time.
        log_fd: file descriptor the log is written to.
        text_log: write text where the settings leave the format open; for a terminal.
        again: loads the settings anew for `reload_again`; None where they come from no file.
        listen: open the listeners of the settings; False where another server calls `handler`.
        callers: keeps those that the management API makes; None where the settings say them all.

    Raises:
        SettingsError: on entering, when the settings cannot be served.
        OSError: on entering, when an address is in use or cannot be bound.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        clock: Clock | None = None,
        log_fd: int = 1,
        text_log: bool = False,
        again: Callable[[], Tree] | None = None,
        listen: bool = True,
        callers: CallerStore | None = None,
    ) -> None:
        self._tree = tree
        self._caller_store = callers
        self._listens = listen
        self._again = again
        self._clock = clock or Clock()
        self._log_fd = log_fd
        self._text_log = text_log
        self._stack = AsyncExitStack()
        self._servers: list[Server] = []
        self._front: Front | None = None
        self._handler: Handler

    async def __aenter__(self) -> Self:
        faults = serve_faults(self._tree)
        if faults:
            raise SettingsError(faults)
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is listened on, the gateway's own first, with real port numbers."""
        return tuple(address for server in self._servers for address in server.addresses)

    @property
    def handler(self) -> Handler:
        """Both doors as one handler, for an ASGI host (`seawall.server.asgi.AsgiApp`)."""
        if self._front is None:
            raise RuntimeError("the gateway is not running; enter the App first")
        return self._handler

    @property
    def settings(self) -> Tree:
        """The settings in force."""
        return self._tree

    @property
    def runtime(self) -> LiveRuntime:
        """The gateway as the operations pages see it."""
        return self._runtime

    @property
    def metrics(self) -> Metrics:
        """Its counters."""
        return self._metrics

    async def drain(self) -> None:
        """Fail `/ready`, stop accepting after a second, and let calls in flight end within `server.drain`."""
        self._runtime.phase = "draining"
        self._periodic.drain()
        seconds = self._tree.server.drain
        first = min(_FIRST_SECOND, seconds)
        await asyncio.sleep(first)
        await asyncio.gather(*(server.drain(seconds - first) for server in self._servers))

    async def reload_again(self) -> tuple[str, ...]:
        """Load the settings anew and put them in force; return the tables whose change needs a restart.

        Raises:
            SettingsError: they are wrong or cannot be served; the old ones stay in force.
        """
        return await self._runtime.reload()

    def reload(self, tree: Tree) -> tuple[str, ...]:
        """Put other settings in force for calls from now on; calls under way end on the old ones.

        `server`, `log`, `memory`, `state` and `ledger` stay as they are until a restart; which changed is returned.

        Raises:
            SettingsError: they cannot be served; the old ones stay in force.
        """
        tree, waiting = in_force(tree, self._tree)
        faults = serve_faults(tree)
        if faults:
            raise SettingsError(faults)
        upstreams, table = self._engine.build(tree)
        self._redact.renew(secrets_of(tree))
        self._put(tree, upstreams, table)
        self._hub.emit(Notice("info", "reloaded", "Settings were reloaded", (("restart_needed_for", list(waiting)),)))
        return waiting

    def _put(self, tree: Tree, upstreams: tuple[ResolvedUpstream, ...], table: Table) -> None:
        self._tree = tree
        self._engine.configure(tree, upstreams)
        self._metrics.configure(
            [(one.name, route.name) for one in upstreams for route in one.routes],
            [(one.name, target.label) for one in upstreams for target in one.targets],
        )
        self._traffic.configure(one.name for one in upstreams)
        self._runtime.tree = tree
        self._runtime.upstreams = upstreams
        self._guard.configure(tree)
        self._gateway.reload(table, options_of(tree, table, self._guard.callers))
        self._models.reload(build_models(tree, table))
        self._periodic.keep(tree)
        if self._front is not None:
            self._front.reload(doorway_of(tree.server, tree.server.bind, table, shared=True), table.hosts)

    async def _start(self) -> None:
        loop, clock, tree, stack = asyncio.get_running_loop(), self._clock, self._tree, self._stack
        self._wheel = Wheel(clock, loop)
        self._observe(loop)
        engine = self._engine
        await engine.start(tree, lambda: pairs_of(self.addresses))
        upstreams, table = engine.build(tree)
        shared, store = engine.shared, self._caller_store
        if store is None and engine.durable is not None:
            store = engine.durable.callers
        watch = Watch(clock, self._metrics, self._hub.emit, engine.spending.made)
        self._guard = await open_guard(watch, store, shared, stack)
        options = options_of(tree, table, self._guard.callers)
        self._gateway = Gateway(table, options, clock, random.getrandbits, self._hub.emit)
        flights = Flights(engine.answers(), self._wheel)
        stack.push_async_callback(flights.close)
        self._gateway.models = self._models = open_models(
            self._gateway, clock, self._wheel, flights, engine.spending.book.share_used
        )
        self._periodic = Periodic(self._gateway, clock, self._hub.emit, self._reports.unexpected, self._redact, shared)
        stack.push_async_callback(self._periodic.close)
        self._traffic = Traffic(self._metrics, self._wheel, (one.name for one in upstreams))
        self._traffic.start()
        stack.callback(self._traffic.stop)
        found = await loop.run_in_executor(None, versions)  # reads package metadata from disk
        self._runtime = self._shown(tree, upstreams, found)
        self._put(tree, upstreams, table)
        self._watch_memory()
        await self._listen(loop, table)
        servers = tuple(self._servers)
        expose(self._metrics, servers, engine.wire, engine.states, engine.buffers, self._writer, shared)
        self._periodic.expose(self._metrics)
        self._runtime.servers = servers
        self._runtime.phase = "ready"
        self._hub.emit(Notice("info", "ready", "Seawall is ready", (("addresses", list(self.addresses)),)))

    def _shown(self, tree: Tree, upstreams: tuple[ResolvedUpstream, ...], found: Mapping[str, str]) -> LiveRuntime:
        """Return the gateway as the operations pages see it."""
        engine = self._engine
        runtime = LiveRuntime(
            tree, upstreams, self._clock, engine.states, engine.wire, self._traffic, self._vitals, self._writer,
            engine.buffers, found, self._periodic,
        )  # fmt: skip
        runtime.stores.append(engine.shared.views)
        if engine.durable is not None:
            runtime.stores.append(engine.durable.views)
        runtime.kept = engine.kept
        runtime.callers = self._guard.directory
        runtime.ledger = engine.spending.ledger
        runtime.again = Reload(self._again, self.reload, self._hub.emit)
        return runtime

    def _observe(self, loop: asyncio.AbstractEventLoop) -> None:
        watchers = Watchers(
            self._tree, self._clock, self._wheel, loop, self._stack, log_fd=self._log_fd, text_log=self._text_log
        )
        self._redact, self._metrics, self._writer = watchers.redact, watchers.metrics, watchers.writer
        self._hub, self._reports, self._vitals = watchers.hub, watchers.reports, watchers.vitals
        self._engine = Engine(self._clock, self._wheel, loop, watchers, self._stack)

    def _watch_memory(self) -> None:
        soft, memory = self._tree.memory.soft, self._vitals.process.memory
        if soft is not None:
            refuse, shed = self._gateway.refuse_new, self._engine.shelves.shed
            pressure = Pressure(soft, lambda: memory()[1], self._wheel, refuse, self._hub.emit, shed)
            self._stack.enter_context(pressure)

    async def _listen(self, loop: asyncio.AbstractEventLoop, table: Table) -> None:
        server = self._tree.server
        exposition = Exposition(
            self._metrics, self._clock.now, self._reports.gauge_failed, prepare=self._vitals.process.count_fds
        )
        pages = self._pages(exposition, doorway_of(server, server.bind, table, shared=True))
        front = self._front = Front(self._gateway, pages, table.hosts, self._models)
        self._handler = front.__call__  # the bound method costs a call less than the object
        if server.origins:
            self._handler = Browsers(self._handler, front.is_page, self._gateway).__call__
        if not self._listens:
            return
        await self._serve(loop, self.handler, server.listen, tls=True)
        if server.admin_listen is not None:
            own = doorway_of(server, server.admin_bind, table, shared=False)
            own_front = Front(None, self._pages(exposition, own))
            await self._serve(loop, own_front.__call__, server.admin_listen, tls=False)

    def _pages(self, exposition: Exposition, doorway: Doorway) -> AdminDoor:
        door = AdminDoor(self._runtime, exposition, doorway, self._redact, events=self._periodic.streams)
        self._stack.push_async_callback(door.close)
        return door

    async def _serve(self, loop: asyncio.AbstractEventLoop, handler: Handler, listen: str, *, tls: bool) -> None:
        server = Server(
            handler,
            limits_of(self._tree.server),
            self._clock,
            self._wheel,
            loop,
            refused=self._reports.refused,
            report=self._reports.unexpected,
        )
        self._stack.push_async_callback(server.drain, 0.0)
        try:
            await server.start(listen, server_context(self._tree.server.tls) if tls else None)
        except OSError as error:  # the system's own says what is wrong, but not with which address
            raise OSError(error.errno, error.strerror or str(error), listen) from error
        self._servers.append(server)
