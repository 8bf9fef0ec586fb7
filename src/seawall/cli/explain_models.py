"""`seawall explain` for the language-model routes: which models answer, in what order, and what each meets."""

from collections.abc import Iterator

from seawall.config import Tree
from seawall.config.model import ModelSettings
from seawall.contracts.units import show_duration
from seawall.gateway.models.places import place_of

__all__ = ["explain_models"]


def explain_models(tree: Tree, path: str, model: str) -> Iterator[str]:
    """Yield the lines for a path below `/v1` or `/anthropic`, nothing where it is no route of models.

    Args:
        tree: settings.
        path: as a caller would ask for it.
        model: alias or `upstream/model`; `""` for every alias.
    """
    place = place_of(path.encode("utf-8", "replace"))
    if place is None or not any(one.api is not None for one in tree.upstreams.values()):
        return
    yield f"models  {place.operation or 'the list of models'}, asked in the {place.dialect} dialect"
    if model and model not in tree.models:
        upstream = model.partition("/")[0]
        known = upstream in tree.upstreams and tree.upstreams[upstream].api is not None and "/" in model
        yield f"{model}  {'that model of that upstream' if known else '404, no alias and no upstream with api'}"
        return
    for alias, settings in tree.models.items():
        if model in ("", alias):
            yield from _alias(tree, alias, settings)


def _alias(tree: Tree, alias: str, settings: ModelSettings) -> Iterator[str]:
    weighted = settings.targets[0].weight is not None
    how = "the first by weight" if weighted else "tried in order"
    yield f"{alias}  {how}{', each caller keeps its own' if settings.sticky else ''}"
    for target in settings.targets:
        api = tree.upstreams[target.upstream].api
        weight = f", weight {target.weight:g}" if target.weight is not None else ""
        yield f"  to {target.to}  spoken to as {api}{weight}"
    timeout = tree.upstreams[settings.targets[0].upstream].timeout if settings.timeout is None else settings.timeout
    yield f"  timeout       {show_duration(timeout)} for all of them"
    yield f"  try_for       {'60 % of what is left' if settings.try_for is None else show_duration(settings.try_for)}"
    yield f"  max_output    {settings.max_output} tokens where the client sets no limit"
    yield f"  commit_after  {show_duration(settings.commit_after)}"
    if settings.cache is not None:
        yield f"  cache         the same question within {show_duration(settings.cache)} is answered from memory"
    if settings.cheaper is not None:
        yield f"  cheaper       {settings.cheaper.to}, once {settings.cheaper.at:.0%} of a cap is used"
    if settings.fallback is not None:
        yield "  fallback      a fixed text when every target failed"
