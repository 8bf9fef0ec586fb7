"""From resolved settings to the gateway's table: one pipeline for each route."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.app.aws import Aws
from seawall.app.shared import Shared
from seawall.config import ResolvedRoute, ResolvedUpstream
from seawall.contracts.bill import Bill
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.contracts.policy import Context, Keep, Position, Spec, Stage, Transport
from seawall.contracts.wheel import Wheel
from seawall.gateway.pattern import Pattern
from seawall.gateway.table import Route, Table, Upstream
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.build import build
from seawall.policies.cache import Entry, bystander
from seawall.policies.fallback import FallbackSettings
from seawall.policies.retry import RetrySettings
from seawall.spend.book import Book
from seawall.spend.plain import PlainBill
from seawall.stores.memory import MemoryEntries

__all__ = ["Parts", "build_table"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What every pipeline is made with."""

    clock: Clock
    wheel: Wheel
    loop: asyncio.AbstractEventLoop
    emit: Emit
    transport: Transport
    buffers: Allowance
    specs: Sequence[Spec[Any]]
    entries: MemoryEntries[Entry]
    shared: Shared
    aws: Aws
    book: Book | None = None


def build_table(upstreams: Iterable[ResolvedUpstream], parts: Parts, keep: Keep) -> Table:
    """Return the table of all upstreams.

    Args:
        upstreams: resolved settings.
        parts: what pipelines share.
        keep: state that outlives this table.
    """
    return Table([_upstream(one, parts, keep) for one in upstreams])


def _upstream(resolved: ResolvedUpstream, parts: Parts, keep: Keep) -> Upstream:
    return Upstream(
        resolved.name,
        _mount(resolved),
        None if resolved.host is None else resolved.host.encode("ascii"),
        resolved.targets[0],
        [(name, value.reveal().encode("latin-1")) for name, value in resolved.headers],
        [_route(resolved, route, parts, keep) for route in resolved.routes],
        resolved.settings.api,
        resolved.max_body,
    )


def _mount(resolved: ResolvedUpstream) -> bytes | None:
    return None if resolved.mount is None else resolved.mount.rstrip("/").encode("ascii")


def _route(resolved: ResolvedUpstream, route: ResolvedRoute, parts: Parts, keep: Keep) -> Route:
    context = Context(
        upstream=resolved.name,
        route=route.name,
        targets=resolved.targets,
        clock=parts.clock,
        wheel=parts.wheel,
        loop=parts.loop,
        uniform=random.uniform,
        emit=parts.emit,
        keep=keep,
        options=_options(resolved, route, parts),
    )
    return Route(
        route.name,
        Pattern(route.match) if route.match else None,
        route.timeouts,
        route.idempotent,
        route.attempts,
        build(
            parts.specs,
            route.shared,
            context,
            parts.aws.transport(resolved, parts.transport),
            route.own,
            _beside(resolved, route, context),
        ),
        _bill(resolved, route),
        kept="cache" in route.shared or "cache" in route.own,
    )


def _beside(resolved: ResolvedUpstream, route: ResolvedRoute, context: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage of a route that keeps no answers where another one of its upstream does: what is posted there
    makes those invalid all the same (semantics 7.7).
    """
    if "cache" in route.shared or "cache" in route.own:
        return ()
    elsewhere = any("cache" in one.shared or "cache" in one.own for one in resolved.routes)
    return bystander(context) if elsewhere else ()


def _bill(resolved: ResolvedUpstream, route: ResolvedRoute) -> Bill | None:
    price = route.price
    if price is None or not (price.call or price.header or price.pointer):
        return None
    return PlainBill(resolved.name, price.call, price.header, price.pointer)


def _options(resolved: ResolvedUpstream, route: ResolvedRoute, parts: Parts) -> dict[str, Any]:
    """What one policy must know of another's settings, since policies do not import each other."""
    policies = {**route.shared, **route.own}
    own = {name for target in resolved.targets for name, _ in target.headers}
    options: dict[str, Any] = {
        "timeouts": route.timeouts,
        "idempotent": route.idempotent,
        "buffers": parts.buffers,
        "entries": parts.entries,
        "added": frozenset((*own, *(name for name, _ in resolved.headers))),
        "mount": _mount(resolved) or b"",
    }
    if parts.shared.limits is not None:
        options["limits"], options["replicas"] = parts.shared.limits, parts.shared.replicas
    options["book"] = parts.book
    if parts.shared.entries is not None:
        options["shared_entries"] = parts.shared.entries
    retry, fallback = policies.get("retry"), policies.get("fallback")
    if isinstance(retry, RetrySettings):
        options["retry_floor"] = retry.floor
    if isinstance(fallback, FallbackSettings):
        options["backups"] = fallback.targets
    return options
