"""A request that none of a model's targets can be asked: one error that says of each what is wrong."""

from collections.abc import Sequence

from seawall.gateway.models.table import ModelTarget
from seawall.llm.seam import NotUnderstood

__all__ = ["nowhere"]


def nowhere(alias: str, wrong: Sequence[tuple[ModelTarget, NotUnderstood]]) -> NotUnderstood:
    """Return the error.

    Args:
        alias: the client's name for the model.
        wrong: each target and why it cannot be asked, at least one.
    """
    whose: dict[str, list[str]] = {}
    for target, error in wrong:
        whose.setdefault(error.message, []).append(target.name)
    params = {error.param for _, error in wrong}
    said = "; ".join(f"{' and '.join(names)}: {message}" for message, names in whose.items())
    return NotUnderstood(f"No target of {alias} can be asked this. {said}", params.pop() if len(params) == 1 else None)
