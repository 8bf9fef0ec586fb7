"""Counts calls and attempts in plain integers bound once per route and target; text is made only when asked for."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from seawall.contracts.events import AttemptEnded, AttemptPaid, BreakerChanged, CallEnded, UpstreamPaused
from seawall.observers.families import FAMILIES, Family, family
from seawall.observers.histogram import BOUNDS, Histogram
from seawall.observers.money import Money
from seawall.observers.stats import OVERFLOW, UNMATCHED, CallKey, RouteStats, TargetStats, canonical

__all__ = ["Child", "Metrics", "Reading"]

Child = tuple[tuple[str, ...], "float | Histogram"]
Reading = Callable[[], "float | Iterable[tuple[tuple[str, ...], float]]"]


class Metrics:
    """A listener, and the children of every family.

    Labels come from settings only: a name that was not configured counts under `unmatched`, an unknown method under
    `_OTHER`, and what passes the limit under one `overflow` child (security.md 13).

    Args:
        limit: label sets of one family at most.
    """

    def __init__(self, limit: int = 2000) -> None:
        self._limit = limit
        self._series = 0  # label sets of seawall_calls
        self._full = False
        self._routes: dict[tuple[str, str], RouteStats] = {}
        self._targets: dict[tuple[str, str], TargetStats] = {}
        self._lost_route = RouteStats((UNMATCHED, UNMATCHED))
        self._lost_target = TargetStats((UNMATCHED, UNMATCHED))
        self._overflow_route = RouteStats((OVERFLOW, OVERFLOW))
        self._overflow_target = TargetStats((OVERFLOW, OVERFLOW))
        self._upstreams: frozenset[str] = frozenset()
        self.money = money = Money(lambda name: name in self._upstreams, lambda name: name in self._callers)
        self._callers: dict[str, dict[str, int]] = {}
        self._overflow_callers: dict[str, int] = {}
        self._sources: dict[str, Reading] = {}
        self._collect: dict[str, Callable[[], Iterator[Child]]] = {
            "seawall_calls": self._call_children,
            "seawall_caller_calls": self._caller_children,
            "seawall_cost_usd": money.costs,
            "seawall_tokens": money.tokens,
            "seawall_estimated": money.estimated,
            "seawall_tokens_without_cost": money.suspicious,
            "seawall_call_duration_seconds": lambda: ((one.labels, one.latency) for one in self._route_children()),
            "seawall_received_bytes": lambda: ((one.labels, one.received) for one in self._route_children()),
            "seawall_sent_bytes": lambda: ((one.labels, one.sent) for one in self._route_children()),
            "seawall_queue_wait_seconds": lambda: ((one.labels, one.waited) for one in self._route_children()),
            "seawall_cache_lookups": self._lookup_children,
            "seawall_attempts": self._attempt_children,
            "seawall_upstream_duration_seconds": lambda: ((one.labels, one.latency) for one in self._target_children()),
            "seawall_retries": lambda: self._by_upstream("retries"),
            "seawall_breaker_changes": self._change_children,
            "seawall_upstream_pauses": lambda: self._by_upstream("pauses"),
        }
        self.source("seawall_series_limit_reached", lambda: float(self._full))

    def configure(self, routes: Iterable[tuple[str, str]], targets: Iterable[tuple[str, str]]) -> None:
        """Bind the names of settings: (upstream, route) and (upstream, target); what was counted before stays."""
        routes = tuple(routes)
        self._upstreams |= {names[0] for names in routes}
        for names in routes:
            if names not in self._routes:
                full = len(self._routes) >= self._limit
                self._full = self._full or full
                labels = (names[0], names[1] or "default")
                self._routes[names] = self._overflow_route if full else RouteStats(labels)
        for names in targets:
            if names not in self._targets:
                full = len(self._targets) >= self._limit
                self._full = self._full or full
                self._targets[names] = self._overflow_target if full else TargetStats(names)

    def configure_callers(self, names: Iterable[str]) -> None:
        """Bind the names of callers; what was counted before stays."""
        for name in names:
            if name not in self._callers:
                full = len(self._callers) >= self._limit
                self._full = self._full or full
                self._callers[name] = self._overflow_callers if full else {}

    def source(self, name: str, read: Reading) -> None:
        """Read a family's values when they are asked for: one number, or (label values, number) pairs.

        Raises:
            KeyError: no family has that name.
        """
        self._sources[family(name).name] = read

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """Everything that is counted."""
        return {
            CallEnded: self.call_ended,
            AttemptEnded: self.attempt_ended,
            AttemptPaid: self.money.attempt_paid,
            BreakerChanged: self.breaker_changed,
            UpstreamPaused: self.upstream_paused,
        }

    def call_ended(self, event: CallEnded) -> None:
        """Count one call."""
        # unpacked at once, which costs a third of asking for the fields by name
        (
            caller, upstream, route, method, status, outcome, _, _, cache, latency, _, waited, received, sent, *_,
        ) = event  # fmt: skip
        stats = self._routes.get((upstream, route), self._lost_route)
        key = (method, outcome, status // 100)
        calls = stats.calls
        if key in calls:
            calls[key] += 1
        else:
            self._count_new(stats, key)
        if caller:
            outcomes = self._callers.get(caller)
            if outcomes is not None:
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
        histogram = stats.latency
        histogram.buckets[bisect_left(BOUNDS, latency)] += 1
        histogram.total += latency
        stats.received += received
        stats.sent += sent
        if waited:
            stats.waited += waited
        if cache and cache in stats.cache:
            stats.cache[cache] += 1

    def attempt_ended(self, event: AttemptEnded) -> None:
        """Count one attempt."""
        upstream, target, _, number, result, seconds = event
        stats = self._targets.get((upstream, target), self._lost_target)
        stats.count(result)
        histogram = stats.latency
        histogram.buckets[bisect_left(BOUNDS, seconds)] += 1
        histogram.total += seconds
        if number > 1:
            stats.retries += 1

    def breaker_changed(self, event: BreakerChanged) -> None:
        """Count a breaker's move."""
        stats = self._targets.get((event.upstream, event.target), self._lost_target)
        if event.new in stats.changes:
            stats.changes[event.new] += 1

    def upstream_paused(self, event: UpstreamPaused) -> None:
        """Count a pause."""
        self._targets.get((event.upstream, event.target), self._lost_target).pauses += 1

    def attempts(self, upstream: str) -> tuple[int, int, float]:
        """Return attempts, failed attempts (no answer, or 5xx) and their seconds, since the start."""
        count = failures = 0
        seconds = 0.0
        for (name, _), stats in self._targets.items():
            if name == upstream:
                count += stats.attempts
                failures += stats.failures
                seconds += stats.latency.total
        return count, failures, seconds

    def families(self) -> Iterator[tuple[Family, Iterator[Child]]]:
        """Return every family that has children now, with them.

        Raises:
            Exception: whatever a source raises, while its children are made.
        """
        for one in FAMILIES:
            if one.name in self._collect:
                yield one, self._collect[one.name]()
            elif one.name in self._sources:
                yield one, self._read(self._sources[one.name])

    def _count_new(self, stats: RouteStats, key: CallKey) -> None:
        known = canonical(key)
        if known not in stats.calls:
            if self._series >= self._limit and stats is not self._overflow_route:
                self._full = True
                self._count_new(self._overflow_route, key)
                return
            self._series += 1
            stats.calls[known] = 0
        stats.calls[known] += 1

    def _read(self, read: Reading) -> Iterator[Child]:
        value = read()
        if isinstance(value, int | float):
            yield (), value
        else:
            for count, child in enumerate(value):
                if count >= self._limit:
                    self._full = True
                    return
                yield child

    def _route_children(self) -> Iterator[RouteStats]:
        return (one for one in _distinct(self._routes.values(), self._lost_route, self._overflow_route) if one.calls)

    def _target_children(self) -> Iterator[TargetStats]:
        every = _distinct(self._targets.values(), self._lost_target, self._overflow_target)
        return (one for one in every if one.attempts or one.configured)

    def _call_children(self) -> Iterator[Child]:
        for one in self._route_children():
            for (method, outcome, hundred), count in tuple(one.calls.items()):
                yield (*one.labels, method, outcome, f"{hundred}xx"), count

    def _lookup_children(self) -> Iterator[Child]:
        for one in self._route_children():
            if any(one.cache.values()):
                for result, count in tuple(one.cache.items()):
                    yield (*one.labels, result), count

    def _caller_children(self) -> Iterator[Child]:
        for name, outcomes in (*self._callers.items(), (OVERFLOW, self._overflow_callers)):
            if name == OVERFLOW or outcomes is not self._overflow_callers:
                for outcome, count in tuple(outcomes.items()):
                    yield (name, outcome), count

    def _attempt_children(self) -> Iterator[Child]:
        for one in self._target_children():
            for result, count in tuple(one.results.items()):
                yield (*one.labels, result), count

    def _change_children(self) -> Iterator[Child]:
        for one in self._target_children():
            for state, count in tuple(one.changes.items()):
                yield (*one.labels, state), count

    def _by_upstream(self, attribute: str) -> Iterator[Child]:
        sums: dict[str, int] = {}
        for one in self._target_children():
            sums[one.labels[0]] = sums.get(one.labels[0], 0) + getattr(one, attribute)
        for upstream, count in sums.items():
            yield (upstream,), count


def _distinct(configured: Iterable[Any], *others: Any) -> Iterator[Any]:
    """Return each once, the shared children last; a copy, since a rendering goes on over several turns."""
    return iter([one for one in tuple(configured) if one not in others] + list(others))
