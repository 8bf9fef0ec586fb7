"""State that replicas share: on Redis where `state.url` says so, else this process's own."""

import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from seawall.admin import StoreView
from seawall.app.shelves import Shelves
from seawall.config.state import StateSettings
from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit
from seawall.contracts.state import Leases, Limits, Messages, Replicas
from seawall.contracts.store import SharedEntries
from seawall.observers import Metrics
from seawall.pipeline.states import States
from seawall.policies.ratelimit import SharedTurns
from seawall.stores import MemoryLeases, MemoryReplicas
from seawall.stores.address import parse_address

if TYPE_CHECKING:
    from seawall.stores.redis import Link

__all__ = ["Shared", "open_shared"]

_KEPT = 1024  # entries of a stream that a replica which starts or comes back can read, messages and purges


@dataclass(frozen=True, slots=True)
class Shared:
    """What the parts above share through.

    Attributes:
        replicas: who else there is.
        leases: at most one replica holds a name.
        limits: None where every limit is this process's own.
        messages: None where they are this process's own.
        entries: kept answers, None where they are this process's own.
        link: for parts that run scripts of their own (see `seawall.stores.redis`); None in memory.
        required: `/ready` fails while it is lost.
    """

    replicas: Replicas
    leases: Leases
    limits: Limits | None = None
    messages: Messages | None = None
    link: "Link | None" = None
    entries: SharedEntries | None = None
    required: bool = False

    def views(self) -> tuple[StoreView, ...]:
        """Return the store for `/ready` and `/health`; none in memory."""
        link = self.link
        return () if link is None else (StoreView("state", link.address.place, not link.lost, self.required),)

    def expose(self, metrics: Metrics) -> None:
        """Give the metrics what is known of the link; nothing in memory."""
        link = self.link
        if link is None:
            return
        metrics.source("seawall_state_up", lambda: float(not link.lost))
        metrics.source("seawall_state_losses", lambda: float(link.losses))
        metrics.source("seawall_state_replicas", lambda: float(link.count))
        metrics.source("seawall_state_scripts", lambda: float(link.answers))
        metrics.source("seawall_state_script_seconds", lambda: link.seconds)
        metrics.source("seawall_state_waiting", lambda: float(link.waiting))


async def open_shared(
    settings: StateSettings, clock: Clock, emit: Emit, stack: AsyncExitStack, states: States, shelves: Shelves
) -> Shared:
    """Return what is shared; what has to be closed, shared limits of `states` too, is left to `stack`.

    Args:
        settings: where.
        clock: time.
        emit: told of a store that is lost or back.
        stack: closes it.
        states: shared limits are among what is kept there.
        shelves: answers kept here, which other replicas may make invalid.

    Raises:
        SettingsError: the extra `redis` is not installed, or a file of the address cannot be read.
    """
    text = settings.url.reveal()
    if text == "memory://":
        return Shared(MemoryReplicas(), MemoryLeases())
    try:  # costs a few MB, which who shares nothing need not have
        from seawall.stores.redis import (
            PURGES,
            STREAM,
            Ear,
            Link,
            RedisEntries,
            RedisLeases,
            RedisLimits,
            RedisMessages,
        )
    except ImportError as error:
        raise SettingsError(
            ["state.url: needs the extra redis (for example `pip install 'seawall[serve,redis]'`)"]
        ) from error
    try:
        link = Link(parse_address(text), clock, emit, random.uniform)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            [f"state.url: ca, certificate and key must be PEM files that fit each other, {reason}"]
        ) from error
    messages = RedisMessages(link, clock.wall)
    entries = RedisEntries(link, shelves.forget, shelves.forget_under)
    streams = {STREAM: messages.heard, PURGES: entries.heard}
    missed = partial(_missed, shelves, PURGES)
    ear = Ear(link, streams, missed, _KEPT, (messages.flush, entries.flush))
    stack.push_async_callback(link.close)
    await link.start()
    stack.push_async_callback(ear.close)
    await ear.start()
    stack.push_async_callback(_close_turns, states)
    return Shared(link, RedisLeases(link), RedisLimits(link), messages, link, entries, settings.required)


def _missed(shelves: Shelves, purges: str, stream: str) -> None:
    """Forget all answers where some of what others made invalid went unheard."""
    if stream == purges:
        shelves.forget(None)


async def _close_turns(states: States) -> None:
    turns = [kept for _, kept in states.items() if isinstance(kept, SharedTurns)]
    for one in turns:
        await one.close()
