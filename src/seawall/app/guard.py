"""Who may call, as one App runs it: the callers of the settings, and those that something else keeps."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import NamedTuple

from seawall.app.shared import Shared
from seawall.callers import ANONYMOUS, Callers, Directory, Rules, SharedLimits, Strangers, UserRules
from seawall.config import Tree
from seawall.config.caller import CallerSettings, CapSettings
from seawall.contracts.callers import CallerStore, StoredCaps
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.observers import Metrics

__all__ = ["Guard", "Watch", "open_guard"]


class Guard:
    """The callers in force and the directory of those made while it runs.

    Attributes:
        callers: the guard that doors ask.
        directory: what the management API changes.
    """

    def __init__(self, callers: Callers, directory: Directory) -> None:
        self.callers = callers
        self.directory = directory

    def configure(self, tree: Tree) -> None:
        """Put the callers of the settings in force; what they have used stays used."""
        server, every = tree.server, {name: _rules(name, caller) for name, caller in tree.callers.items()}
        anonymous = every.pop(ANONYMOUS, None)
        self.callers.configure(
            every.values(), Strangers(server.anonymous, server.bind.loopback, anonymous, server.trusted_hops)
        )


class Watch(NamedTuple):
    """Time, and who is told of callers.

    Attributes:
        clock: time.
        metrics: counts calls by caller.
        emit: observers.
        made: told the callers of the management API that are in force, whenever they may have changed.
    """

    clock: Clock
    metrics: Metrics
    emit: Emit
    made: Callable[[Iterable[Rules]], None]


async def open_guard(watch: Watch, store: CallerStore | None, shared: Shared, stack: AsyncExitStack) -> Guard:
    """Return the guard with the callers of the store in force; `configure` it with those of the settings.

    Args:
        watch: time, and who is told.
        store: keeps callers of the management API, None where nothing does.
        shared: what replicas share; limits are this process's own where it has none.
        stack: takes it down.
    """
    clock, metrics = watch.clock, watch.metrics
    limits = None if shared.limits is None else SharedLimits(shared.limits, shared.replicas)
    if limits is not None:
        limits.start()
        stack.push_async_callback(limits.close)
    callers = Callers(clock.now, limits, metrics.configure_callers, watch.made)
    metrics.source("seawall_caller_keyed", lambda: [((name,), float(now)) for name, now, _ in callers.keyed()])
    metrics.source("seawall_caller_keyed_limit", lambda: [((name,), float(most)) for name, _, most in callers.keyed()])
    directory = Directory(callers, store, clock.wall, watch.emit)
    await directory.start()
    stack.push_async_callback(directory.close)
    return Guard(callers, directory)


def _rules(name: str, caller: CallerSettings) -> Rules:
    users = caller.per_user
    return Rules(
        name,
        tuple(bytes.fromhex(text.removeprefix("sha256:")) for text in caller.key_hash),
        caller.rate,
        caller.tokens,
        caller.concurrency,
        None if caller.upstreams is None else frozenset(caller.upstreams),
        None if caller.models is None else frozenset(caller.models),
        None
        if users is None
        else UserRules(
            users.header.lower().encode("ascii"),
            users.rate,
            users.tokens,
            users.max,
            _caps(users.spend),
        ),
        _caps(caller.spend),
    )


def _caps(settings: CapSettings) -> StoredCaps:
    return StoredCaps(settings.call, settings.day, settings.month, settings.total)
