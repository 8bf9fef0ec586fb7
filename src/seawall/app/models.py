"""From the tables [models] and upstreams with `api` to the names of models the gateway knows."""

import random
from collections.abc import Callable, Mapping

from seawall.config import Tree
from seawall.config.model import ModelSettings
from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.gateway.door import Gateway
from seawall.gateway.models import Cheaper, ModelDoor, ModelRoute, Models, ModelTarget
from seawall.gateway.models.asking import Asking
from seawall.gateway.models.flights import Flights
from seawall.gateway.models.sharing import Sharing
from seawall.gateway.table import Table, Upstream

__all__ = ["build_models", "open_models"]


def open_models(
    gateway: Gateway, clock: Clock, wheel: Wheel, flights: Flights, share_used: Callable[[str, str, str], float]
) -> ModelDoor:
    """Return the door of the language-model routes, which knows no model yet.

    Args:
        gateway: whose door it is.
        clock: time.
        wheel: time.
        flights: questions on their way, with the keeper of their answers.
        share_used: the share of a cap that a caller, its user and an alias have used, for `cheaper`.
    """
    asking = Asking(clock, wheel, random.uniform)
    return ModelDoor(
        gateway,
        Models({}, {}),
        asking,
        Sharing(flights.answers, flights, asking),
        clock,
        random.getrandbits,
        share_used,
    )


def build_models(tree: Tree, table: Table) -> Models:
    """Return every name of a model; the settings have been checked, so each target's upstream is there."""
    upstreams = {one.name: one for one in table.upstreams}
    spoken = {
        name: ModelTarget(upstreams[name], settings.api, "", None, settings.stream_usage)
        for name, settings in tree.upstreams.items()
        if settings.api is not None and name in upstreams
    }
    return Models({alias: _route(alias, one, upstreams, tree) for alias, one in tree.models.items()}, spoken)


def _route(alias: str, settings: ModelSettings, upstreams: Mapping[str, Upstream], tree: Tree) -> ModelRoute:
    targets = []
    for one in settings.targets:
        upstream = tree.upstreams[one.upstream]
        if upstream.api is None:
            raise RuntimeError("settings check that a model's upstream has an api")
        targets.append(ModelTarget(upstreams[one.upstream], upstream.api, one.model, one.weight, upstream.stream_usage))
    cheaper = settings.cheaper
    return ModelRoute(
        alias=alias,
        targets=tuple(targets),
        timeout=settings.timeout,
        try_for=settings.try_for,
        max_output=settings.max_output,
        commit_after=settings.commit_after,
        cache=settings.cache,
        fallback=settings.fallback,
        sticky=settings.sticky is not None,
        cheaper=None if cheaper is None else Cheaper(cheaper.at, cheaper.to),
    )
