"""`seawall explain METHOD PATH`: which upstream, route and policies a call would meet, and why."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seawall.cli.explain_models import explain_models
from seawall.config import ResolvedRoute, ResolvedUpstream, load, resolve
from seawall.config.available import NOT_YET
from seawall.config.resolve import BESIDE, POLICIES
from seawall.config.toml import value_text
from seawall.contracts.call import Call
from seawall.contracts.policy import Spec
from seawall.contracts.reply import Reply
from seawall.contracts.settings import Settings
from seawall.contracts.units import show_duration
from seawall.gateway.paths import climbs
from seawall.gateway.pattern import Pattern
from seawall.gateway.table import Route, Table, Upstream
from seawall.policies.balance import BalanceSettings
from seawall.policies.fallback import FallbackSettings
from seawall.registry import BUILTIN

__all__ = ["explain"]


def explain(method: str, path: str, config: Path, host: str, model: str = "") -> int:
    """Print what a call would meet; return the exit code, 1 where it would meet nothing.

    Args:
        method: of the call, in any case.
        path: with or without a query, as a caller would ask.
        config: the settings file.
        host: the Host a caller would send, `""` for the gateway's own.
        model: on the language-model routes only this one, `""` for every alias.

    Raises:
        SettingsError: the settings are wrong.
    """
    tree = load(config, os.environ)
    upstreams = resolve(tree)
    told = list(explain_models(tree, path, model)) if not host else []
    if told:
        print("\n".join(told))
        return 0
    target = (path if path.startswith("/") else f"/{path}").encode("utf-8", "surrogateescape")
    found = _table(upstreams).find(host.encode("utf-8", "surrogateescape"), target)
    if found is None:
        print(f"404 not-found: no upstream is mounted there. {_places(upstreams)}")
        return 1
    raw = found[1].partition(b"?")[0]
    if climbs(raw):
        print("400 bad-request: the path holds a `..` segment")
        return 1
    upstream = next(one for one in upstreams if one.name == found[0].name)
    matched = found[0].route(method.upper().encode("ascii", "replace"), raw)
    route = next(one for one in upstream.routes if one.name == matched.name)
    shown = raw.decode("utf-8", "backslashreplace")  # without the query, which may hold a key
    print("\n".join(_lines(upstream, route, method.upper(), shown)))
    return 0


def _table(upstreams: tuple[ResolvedUpstream, ...]) -> Table:
    """Return the gateway's own table, so that what is told is what happens."""
    return Table(
        [
            Upstream(
                one.name,
                None if one.mount is None else one.mount.rstrip("/").encode("ascii"),
                None if one.host is None else one.host.encode("ascii"),
                one.targets[0],
                [],
                [
                    Route(
                        route.name,
                        Pattern(route.match) if route.match else None,
                        route.timeouts,
                        route.idempotent,
                        route.attempts,
                        _never,
                    )
                    for route in one.routes
                ],
            )
            for one in upstreams
        ]
    )


async def _never(call: Call) -> Reply:
    raise NotImplementedError


def _places(upstreams: tuple[ResolvedUpstream, ...]) -> str:
    places = [f"{one.mount or f'host {one.host}'} ({one.name})" for one in upstreams]
    return f"There is {', '.join(places)}." if places else "There are no upstreams."


def _lines(upstream: ResolvedUpstream, route: ResolvedRoute, method: str, path: str) -> Iterator[str]:
    place = f"host {upstream.host}" if upstream.mount is None else f"mount {upstream.mount}"
    yield f"upstream     {upstream.name}, by its {place}"
    yield from _targets(upstream, route, f"{method} ", path)
    number = upstream.routes.index(route)
    yield f"route        {route.name or 'none matches, the upstream as it is'}" + (
        f"  (upstreams.{upstream.name}.routes[{number}], the first that matches)" if route.match else ""
    )
    yield from _timeouts(upstream, route)
    yield f"attempts     at most {route.attempts}" + (", POST too" if route.idempotent else "")
    for name, _ in upstream.headers:
        yield f"adds         {name.decode()}: ***"
    yield ""
    yield from _policies(upstream, route)


def _targets(upstream: ResolvedUpstream, route: ResolvedRoute, method: str, path: str) -> Iterator[str]:
    fallback = {**route.shared, **route.own}.get("fallback")
    backups = fallback.targets if isinstance(fallback, FallbackSettings) else ()
    for target in upstream.targets:
        url = f"{target.scheme}://{target.authority.decode()}{target.base.decode()}{path}"
        label = f"  ({target.label}{', a backup' if target.label in backups else ''})"
        yield f"goes to      {method}{url}" + (label if len(upstream.targets) > 1 else "")


def _timeouts(upstream: ResolvedUpstream, route: ResolvedRoute) -> Iterator[str]:
    keys = ("timeout", "attempt_timeout", "connect_timeout", "first_byte_timeout", "idle_timeout", "stream_timeout")
    values = (
        route.timeouts.total, route.timeouts.attempt, route.timeouts.connect, route.timeouts.first_byte,
        route.timeouts.idle, route.timeouts.stream,
    )  # fmt: skip
    here = _said(upstream, route)
    for key, value in zip(keys, values, strict=True):
        why = "route" if key in here else "upstream" if key in upstream.settings.model_fields_set else "default"
        yield f"{key:<20} {show_duration(value):<8} {why}"


def _said(upstream: ResolvedUpstream, route: ResolvedRoute) -> set[str]:
    return upstream.settings.routes[upstream.routes.index(route)].model_fields_set if route.match else set()


def _policies(upstream: ResolvedUpstream, route: ResolvedRoute) -> Iterator[str]:
    for spec in BUILTIN:
        name = spec.name
        if name == "keys" and name in route.shared:
            yield f"keys         {spec.explain(route.shared[name])}"
        if name == "balance":
            yield from _balance(upstream, route, spec)
        if name not in POLICIES:
            continue
        if name in route.shared:
            yield f"{name:<12} {spec.explain(route.shared[name])}"
            yield from _values(route.shared[name], {"upstream": getattr(upstream.settings, name)})
        if name in route.own:
            beside = name in BESIDE and name in route.shared
            yield f"{name:<12} {spec.explain(route.own[name])}{'; beside the above' if beside else ''}"
            inherited = None if name in BESIDE else getattr(upstream.settings, name)
            said = getattr(upstream.settings.routes[upstream.routes.index(route)], name)
            yield from _values(route.own[name], {"route": said, "upstream": inherited})
        elif name not in route.shared:
            where = "upstream" if name in upstream.settings.model_fields_set else "default"
            yield f"{name:<12} off  {'route' if name in _said(upstream, route) else where}"
    later = [name for name in POLICIES if f"upstreams.*.{name}" in NOT_YET and name in {*route.shared, *route.own}]
    yield from (f"{name:<12} not available in this version" for name in later)


def _balance(upstream: ResolvedUpstream, route: ResolvedRoute, spec: Spec[Any]) -> Iterator[str]:
    """Yield the choice of a target, whose keys stand in the upstream's own table."""
    settings = route.shared.get("balance")
    if not isinstance(settings, BalanceSettings):
        return
    yield f"balance      {spec.explain(settings)}"
    said = upstream.settings.model_fields_set
    yield f"  {'balance':<18} {value_text(settings.mode):<8} {'upstream' if 'balance' in said else 'default'}"
    if settings.sticky is not None:
        yield f"  {'sticky':<18} {value_text(settings.sticky):<8} upstream"
    weights = {target.label: target.weight for target in upstream.targets}
    yield f"  {'weights':<18} {', '.join(f'{label} {weight:g}' for label, weight in weights.items())}"


def _values(settings: Settings, said: Mapping[str, Settings | None]) -> Iterator[str]:
    """Yield each value of a policy with where it was said; the first of `said` that names it is who decided."""
    shown = settings.model_dump(by_alias=True)
    for name, field in type(settings).model_fields.items():
        key = field.alias or name
        if shown[key] is not None:
            why = next(
                (who for who, one in said.items() if one is not None and name in one.model_fields_set), "default"
            )
            yield f"  {key:<18} {value_text(shown[key]):<8} {why}"
