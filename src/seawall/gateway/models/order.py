"""In which order the targets of a model are tried."""

from collections.abc import Callable
from hashlib import blake2b
from math import log

from seawall.gateway.models.table import ModelRoute, ModelTarget

__all__ = ["ordered"]


def ordered(route: ModelRoute, caller: str, uniform: Callable[[float, float], float]) -> tuple[ModelTarget, ...]:
    """Return the targets in the order they are tried: as written, or the first by weight and the rest as written.

    Args:
        route: of the alias.
        caller: keeps its first target where the route is sticky and the caller has a name; the same in every process.
        uniform: `random.uniform`.

    Source: weighted rendezvous hashing (Thaler and Ravishankar 1998; logarithmic method).
    """
    targets = route.targets
    if len(targets) < 2 or targets[0].weight is None:
        return targets
    if route.sticky and caller:
        first = min(targets, key=lambda target: _distance(target, route.alias, caller))
    else:
        first = _by_weight(targets, uniform)
    return (first, *(target for target in targets if target is not first))


def _by_weight(targets: tuple[ModelTarget, ...], uniform: Callable[[float, float], float]) -> ModelTarget:
    point = uniform(0.0, sum(target.weight or 0.0 for target in targets))
    for target in targets:
        point -= target.weight or 0.0
        if point < 0:
            return target
    return targets[-1]


def _distance(target: ModelTarget, alias: str, caller: str) -> float:
    digest = blake2b(f"{alias}\0{target.name}\0{caller}".encode(), digest_size=8).digest()
    point = (int.from_bytes(digest, "big") + 0.5) / 2.0**64
    return -log(point) / (target.weight or 1.0)
