"""One target's breaker with the ways to tell of it: what a reload keeps and diagnostics read."""

from collections.abc import Callable
from typing import Literal

from seawall.contracts.errors import BreakerOpen
from seawall.contracts.events import BreakerChanged
from seawall.contracts.policy import Context
from seawall.contracts.target import Target
from seawall.policies.breaker.core import Breaker, Status
from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.breaker.table import State

__all__ = ["TargetBreaker"]

_TOLD = {State.FORCED_OPEN: "open", State.FORCED_CLOSED: "closed"}


class TargetBreaker:
    """A core, and events for its changes.

    Attributes:
        core: the books; whoever calls it calls `tell` when it has `changes`.
        mode: `on` or `shadow`.
    """

    __slots__ = ("_emit", "_label", "_now", "_upstream", "core", "mode")

    def __init__(self, settings: BreakerSettings, ctx: Context, target: Target) -> None:
        self._upstream = target.upstream
        self._label = target.label
        self._now: Callable[[], float] = ctx.clock.now
        self.core = Breaker(settings, ctx.uniform, ctx.clock.now())
        self.adapt(settings, ctx)

    def adapt(self, settings: BreakerSettings, ctx: Context) -> None:
        """Take over the settings of a reload."""
        self._emit = ctx.emit
        self.mode = settings.mode
        self.core.adapt(settings, ctx.clock.now())

    def tell(self) -> None:
        """Emit what has changed since the last time."""
        changes, self.core.changes = self.core.changes, []
        for old, new, reason, retry_after in changes:
            before, after = _TOLD.get(old, old.value), _TOLD.get(new, new.value)
            self._emit(BreakerChanged(self._upstream, self._label, before, after, reason.value, retry_after))

    def check(self, now: float) -> None:
        """Do nothing where a call may pass.

        Raises:
            BreakerOpen: it may not.
        """
        wait = self.core.refuses(now)
        if self.core.changes:
            self.tell()
        if wait > 0 and (self.mode != "shadow" or self.core.state is State.FORCED_OPEN):
            raise BreakerOpen(f"The breaker of {self._upstream} is open", retry_after=wait)

    def force(self, state: Literal["open", "closed"] | None) -> None:
        """Hold it open or closed until released with None, in shadow mode too: the management API's switch."""
        self.core.force(state, self._now())
        self.tell()

    def status(self) -> Status:
        """Return state, counts of the window and what callers are told to wait."""
        status = self.core.status(self._now())
        if self.core.changes:
            self.tell()
        return status
