"""Who may call, as one App runs it: the callers of the settings, and those that something else keeps."""

from contextlib import AsyncExitStack

from seawall.callers import ANONYMOUS, Callers, Directory, Rules, Shared, Strangers, UserRules
from seawall.config import Tree
from seawall.config.caller import CallerSettings
from seawall.contracts.callers import CallerStore
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.observers import Metrics

__all__ = ["Guard"]


class Guard:
    """The callers in force and the directory of those made while it runs; `start` it.

    Args:
        clock: time.
        metrics: counts calls by caller.
        emit: observers.
        store: keeps callers of the management API, None where nothing does.
        shared: limits that all replicas share, None where this process decides alone.
    """

    def __init__(
        self, clock: Clock, metrics: Metrics, emit: Emit, store: CallerStore | None, shared: Shared | None = None
    ) -> None:
        self._shared = shared
        self.callers = Callers(clock.now, shared, metrics.configure_callers)
        self.directory = Directory(self.callers, store, clock.wall, emit)

    async def start(self, stack: AsyncExitStack) -> None:
        """Put what is kept in force; the stack takes it down."""
        if self._shared is not None:
            self._shared.start()
            stack.push_async_callback(self._shared.close)
        await self.directory.start()
        stack.push_async_callback(self.directory.close)

    def configure(self, tree: Tree) -> None:
        """Put the callers of the settings in force; what they have used stays used."""
        server, every = tree.server, {name: _rules(name, caller) for name, caller in tree.callers.items()}
        anonymous = every.pop(ANONYMOUS, None)
        self.callers.configure(
            every.values(), Strangers(server.anonymous, server.bind.loopback, anonymous, server.trusted_hops)
        )


def configure_callers(callers: Callers, tree: Tree) -> None:
    """Put the callers of the settings in force."""
    server, every = tree.server, {name: _rules(name, caller) for name, caller in tree.callers.items()}
    anonymous = every.pop(ANONYMOUS, None)
    callers.configure(every.values(), Strangers(server.anonymous, server.bind.loopback, anonymous, server.trusted_hops))


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
        None if users is None else UserRules(users.header.lower().encode("ascii"), users.rate, users.tokens, users.max),
    )
