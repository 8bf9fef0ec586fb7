"""The names of models: which upstream's model answers under each, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.gateway.table import Upstream
from seawall.llm.seam import Api

__all__ = ["Cheaper", "ModelRoute", "ModelTarget", "Models"]


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """One model of one upstream.

    Attributes:
        upstream: with its pipelines.
        api: how it is spoken to.
        model: as the upstream knows it.
        weight: share of calls, None where targets are tried in order.
        stream_usage: it understands `stream_options`.
        shown: its name as a header's value.
    """

    upstream: Upstream
    api: Api
    model: str
    weight: float | None = None
    stream_usage: bool = True
    shown: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", self.name.encode("latin-1", "replace"))

    @property
    def name(self) -> str:
        """Upstream and model, with a slash between."""
        return f"{self.upstream.name}/{self.model}"


@dataclass(frozen=True, slots=True)
class Cheaper:
    """Another alias once a share of a cap is used."""

    at: float
    to: str


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """One alias.

    Attributes:
        alias: the callers' name.
        targets: in the order of settings.
        timeout: seconds for the whole call, None for the first target's.
        try_for: seconds for a target that is not the last, None for a share of what is left.
        max_output: output tokens put into a request that sets no limit.
        commit_after: seconds after which a stream without content is passed on as it is.
        cache: seconds an answer to the same request is kept, None where none is.
        fallback: said when every target failed, or None.
        sticky: each caller keeps its first target.
        cheaper: see `Cheaper`.
    """

    alias: str
    targets: tuple[ModelTarget, ...]
    timeout: float | None = None
    try_for: float | None = None
    max_output: int = 4096
    commit_after: float = 5.0
    cache: float | None = None
    fallback: str | None = None
    sticky: bool = False
    cheaper: Cheaper | None = None


class Models:
    """Every name a model can be asked for by.

    Args:
        routes: of the aliases.
        upstreams: those with `api`, by name, each as the target of no model in particular.
    """

    def __init__(self, routes: Mapping[str, ModelRoute], upstreams: Mapping[str, ModelTarget]) -> None:
        self.routes = dict(routes)
        self.upstreams = dict(upstreams)

    def __bool__(self) -> bool:
        return bool(self.upstreams)

    def find(self, name: str) -> ModelRoute | None:
        """Return the route of an alias or of `upstream/model`, or None."""
        route = self.routes.get(name)
        if route is not None:
            return route
        upstream, slash, model = name.partition("/")
        return self.direct(upstream, model, name) if slash and model else None

    def direct(self, upstream: str, model: str, alias: str) -> ModelRoute | None:
        """Return a route to one model of one upstream, None where there is no such upstream with `api`."""
        found = self.upstreams.get(upstream)
        if found is None:
            return None
        return ModelRoute(alias, (ModelTarget(found.upstream, found.api, model, None, found.stream_usage),))
