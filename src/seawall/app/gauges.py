"""Numbers that are read when metrics are asked for, from the objects that hold them."""

from collections.abc import Callable, Iterable

from seawall.app.shared import Shared
from seawall.app.shelves import Shelves
from seawall.observers import LineWriter, Metrics
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.states import States
from seawall.policies.breaker.target import TargetBreaker
from seawall.policies.concurrency.slots import Slots
from seawall.server.server import Server
from seawall.wire import Wire

__all__ = ["expose", "expose_cache"]

Readings = Iterable[tuple[tuple[str, ...], float]]
_STATES = ("closed", "open", "half_open")


def expose(
    metrics: Metrics,
    servers: tuple[Server, ...],
    wire: Wire,
    states: States,
    buffers: Allowance,
    writer: LineWriter,
    shared: Shared,
) -> None:
    """Give the metrics a source for each gauge that `app` can read."""
    sources: dict[str, Callable[[], float | Readings]] = {
        "seawall_inflight": lambda: float(sum(server.inflight for server in servers)),
        "seawall_connections": lambda: float(sum(server.connections for server in servers)),
        "seawall_upstream_connections": lambda: _connections(wire),
        "seawall_breaker_state": lambda: _breakers(states),
        "seawall_queue_length": lambda: _slots(states, lambda slots: len(slots.gate.waiting)),
        "seawall_queue_limit": lambda: _slots(states, lambda slots: slots.gate.room),
        "seawall_slots_used": lambda: _slots(states, lambda slots: slots.gate.taken),
        "seawall_slots_limit": lambda: _slots(states, lambda slots: slots.gate.limit),
        "seawall_replay_bytes": lambda: float(buffers.used),
        "seawall_log_dropped": lambda: float(writer.dropped),
        "seawall_log_failed_bytes": lambda: float(writer.failed),
    }
    shared.expose(metrics)
    for name, read in sources.items():
        metrics.source(name, read)


def expose_cache(metrics: Metrics, shelves: Shelves) -> None:
    """Give the metrics a source for each number of the cache."""
    entries = shelves.entries
    sources: dict[str, Callable[[], float | Readings]] = {
        "seawall_cache_bytes": lambda: float(entries.used + entries.held + shelves.answers.used),
        "seawall_cache_limit_bytes": lambda: float(entries.most + shelves.answers.most),
        "seawall_cache_entries": lambda: float(len(entries) + len(shelves.answers)),
        "seawall_cache_evictions": lambda: float(entries.evicted + shelves.answers.evicted),
        "seawall_cache_flights": lambda: [((name,), float(len(one))) for name, one in shelves.flights()],
        "seawall_cache_refreshes": lambda: [((name,), float(one.refreshed)) for name, one in shelves.flights()],
    }
    for name, read in sources.items():
        metrics.source(name, read)


def _connections(wire: Wire) -> Readings:
    for pool in wire.stats():
        yield (pool.upstream, pool.target, "idle"), float(pool.idle)
        yield (pool.upstream, pool.target, "busy"), float(pool.open - pool.idle)


def _breakers(states: States) -> Readings:
    for (upstream, policy, scope), kept in states.items():
        if policy == "breaker" and isinstance(kept, TargetBreaker):
            state = kept.status().state.removeprefix("forced_")
            for one in _STATES:
                yield (upstream, scope, one), float(one == state)


def _slots(states: States, read: Callable[[Slots], int]) -> Readings:
    for (upstream, policy, route), kept in states.items():
        if policy == "concurrency" and isinstance(kept, Slots):
            yield (upstream, route or "default"), float(read(kept))
