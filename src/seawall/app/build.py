"""From resolved settings to the gateway's table: one pipeline for each route."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.app.shared import Shared
from seawall.config import ResolvedRoute, ResolvedUpstream
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit
from seawall.contracts.policy import Context, Keep, Spec, Transport
from seawall.contracts.wheel import Wheel
from seawall.gateway.pattern import Pattern
from seawall.gateway.table import Route, Table, Upstream
from seawall.pipeline.buffers import Allowance
from seawall.pipeline.build import build
from seawall.policies.fallback import FallbackSettings
from seawall.policies.retry import RetrySettings

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
    shared: Shared


def build_table(upstreams: Iterable[ResolvedUpstream], parts: Parts, keep: Keep) -> Table:
    """Return the table of all upstreams.

    Args:
        upstreams: resolved settings.
        parts: what pipelines share.
        keep: state that outlives this table.
    """
    return Table([_upstream(one, parts, keep) for one in upstreams])


def _upstream(resolved: ResolvedUpstream, parts: Parts, keep: Keep) -> Upstream:
    mount = None if resolved.mount is None else resolved.mount.rstrip("/").encode("ascii")
    return Upstream(
        resolved.name,
        mount,
        None if resolved.host is None else resolved.host.encode("ascii"),
        resolved.targets[0],
        [(name, value.reveal().encode("latin-1")) for name, value in resolved.headers],
        [_route(resolved, route, parts, keep) for route in resolved.routes],
    )


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
        build(parts.specs, route.shared, context, parts.transport, route.own),
    )


def _options(resolved: ResolvedUpstream, route: ResolvedRoute, parts: Parts) -> dict[str, Any]:
    """What one policy must know of another's settings, since policies do not import each other."""
    policies = {**route.shared, **route.own}
    options: dict[str, Any] = {"timeouts": route.timeouts, "idempotent": route.idempotent, "buffers": parts.buffers}
    if parts.shared.limits is not None:
        options["limits"], options["replicas"] = parts.shared.limits, parts.shared.replicas
    retry, fallback = policies.get("retry"), policies.get("fallback")
    if isinstance(retry, RetrySettings):
        options["retry_floor"] = retry.floor
    if isinstance(fallback, FallbackSettings):
        options["backups"] = fallback.targets
    return options
