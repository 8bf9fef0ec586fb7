"""From the settings of each policy to one callable, and to the lines of `seawall explain`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seawall.contracts.policy import Context, Position, Proceed, Spec, Stage, Transport
from seawall.contracts.settings import Settings
from seawall.pipeline.attempt import Attempts
from seawall.pipeline.compose import compose
from seawall.policies.deadline.settings import DeadlineSettings

__all__ = ["build", "explain"]

_NONE: Mapping[str, Settings] = {}
_BESIDE = frozenset(("rate", "concurrency"))  # a route's own stand beside the upstream's; any other replaces it


def build(
    specs: Iterable[Spec[Any]],
    settings: Mapping[str, Settings],
    ctx: Context,
    transport: Transport,
    own: Mapping[str, Settings] = _NONE,
    more: Sequence[tuple[Position, Stage]] = (),
) -> Proceed:
    """Return the pipeline of one route.

    Args:
        specs: every policy there is, `registry.BUILTIN`.
        settings: the upstream's, by policy name; a policy without an entry has no stage. Their state is shared by all
            routes of the upstream: the policy is built with `route=""`.
        ctx: of the route.
        transport: the end.
        own: the route's own settings, by policy name. Rate and concurrency stand beside the upstream's, any other
            replaces it; their state is the route's own.
        more: stages beside those of settings.

    Raises:
        KeyError: settings name a policy that is not in `specs`.
    """
    known = {spec.name: spec for spec in specs}
    missing = (settings.keys() | own.keys()) - known.keys()
    if missing:
        raise KeyError(f"no such policy: {', '.join(sorted(missing))}")
    shared = replace(ctx, route="")
    stages: list[tuple[Position, Stage]] = list(more)
    for name, spec in known.items():
        # The route's own first: stages of one position keep this order, and a call that waits for its narrow route must
        # not hold a slot of the whole upstream meanwhile.
        if name in own:
            stages.extend(spec.build(own[name], ctx))
        if name in settings and (name not in own or name in _BESIDE):
            stages.extend(spec.build(settings[name], shared))
    deadline = own.get("deadline", settings.get("deadline"))
    header = deadline.deadline_header if isinstance(deadline, DeadlineSettings) else None
    return compose(stages, Attempts(ctx, transport, header).__call__)  # calling the object itself takes a detour


def explain(
    specs: Iterable[Spec[Any]], settings: Mapping[str, Settings], own: Mapping[str, Settings] = _NONE
) -> Sequence[str]:
    """Return one line for each policy a call of this route meets, in the order of `specs`."""
    lines: list[str] = []
    for spec in specs:
        if spec.name in settings and (spec.name not in own or spec.name in _BESIDE):
            lines.append(f"{spec.name}: {spec.explain(settings[spec.name])}")
        if spec.name in own:
            lines.append(f"{spec.name}: {spec.explain(own[spec.name])} (this route's own)")
    return lines
