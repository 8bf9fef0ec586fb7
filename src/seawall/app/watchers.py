"""Everything that watches: hub, log, metrics, what the process does; entered first, so that all else may tell."""

import asyncio
import platform
import random
from contextlib import AsyncExitStack

from seawall import __version__
from seawall.app.means import log_rules_of
from seawall.app.reports import Reports
from seawall.app.secrets import secrets_of
from seawall.config import Tree
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.observers import Bridge, Hub, LineWriter, Listener, Log, Metrics, Redactor, Vitals

__all__ = ["Watchers"]


class Watchers:
    """Starts the observers on a stack that takes them down.

    Args:
        tree: settings.
        clock, wheel, loop: time.
        stack: what is started here is ended by it.
        log_fd: file descriptor of the log.
        text_log: write text where the settings leave the format open.

    Attributes:
        redact: last step before anything is written.
        metrics, writer, hub, reports, vitals: as their classes say.
    """

    def __init__(
        self,
        tree: Tree,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        stack: AsyncExitStack,
        *,
        log_fd: int,
        text_log: bool,
    ) -> None:
        self.redact = Redactor(secrets_of(tree))
        self.metrics = metrics = Metrics()
        # the writer tells of lines it lost through the log that writes through it
        self.writer = LineWriter(log_fd, wheel, lambda count: log.lost(count))
        rules = log_rules_of(tree.log, text_log)
        log = Log(self.writer.write, rules, clock, wheel, random.uniform, self.redact)
        self.writer.start()
        stack.push_async_callback(self.writer.close)
        listeners: list[Listener] = [metrics, log]
        self.hub = Hub(listeners, lambda listener, error: self.reports.observer_failed(listener, error))
        self.reports = Reports(self.hub.emit)
        metrics.source("seawall_log_suppressed", lambda: float(log.suppressed))
        metrics.source("seawall_requests_refused", self.reports.refusals)
        metrics.source("seawall_observer_failures", lambda: float(self.hub.failures))
        stack.enter_context(Bridge(self.hub.emit, loop))
        self.vitals = Vitals(clock, loop)
        self.vitals.start()
        stack.callback(self.vitals.stop)
        self.vitals.expose(metrics, (__version__, platform.python_version(), type(loop).__module__.split(".")[0]))
