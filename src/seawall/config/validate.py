"""Every fault at once: what is wrong is told and taken out, until the rest holds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from seawall.config.faults import Fault, fault_of, line
from seawall.config.shape import Path, reach
from seawall.config.tree import Tree
from seawall.contracts.errors import SettingsError

__all__ = ["validate"]

Rules = Callable[[Tree], Sequence[Fault]]


def validate(
    values: dict[str, Any], sources: Mapping[Path, str], known: Sequence[tuple[Path, str]], rules: Rules
) -> Tree:
    """Return the tree of plain values.

    A key with a fault hides rules that involve it, since they would only repeat it. So faulty keys are taken out and
    the rest is validated again, until it holds; then the rules between tables are asked.

    Args:
        values: tables with tuples for lists, variables put in.
        sources: texts as written where variables were put in.
        known: path and line of what is wrong already.
        rules: finds what is wrong between tables.

    Raises:
        SettingsError: with every fault, what is known first.
    """
    found: list[Fault] = []
    removed: set[Path] = set()
    tree, rest = None, values
    for path, _ in known:
        if reach(rest, path)[0] == path:
            rest = _remove(rest, path, removed)
    while tree is None:
        try:
            tree = Tree.model_validate(rest, strict=True)
        except ValidationError as exc:
            new = [fault_of(Tree, rest, error) for error in exc.errors(include_url=False, include_input=False)]
            found += [fault for fault in new if not _follows(fault, removed) and not _above(fault, new)]
            for fault in new:
                rest = _remove(rest, fault.path, removed)
    found += [fault for fault in rules(tree) if not _follows(fault, removed)]
    lines = [*(text for _, text in known), *(line(Tree, values, sources, fault) for fault in found)]
    if lines:
        raise SettingsError(list(dict.fromkeys(lines)))
    return tree


def _follows(fault: Fault, removed: set[Path]) -> bool:
    """Whether a fault is only there because something was taken out."""
    return any(path[: len(gone)] == gone or gone[: len(path)] == path for path in fault.involved for gone in removed)


def _above(fault: Fault, others: Sequence[Fault]) -> bool:
    """Whether a fault says of a list or table what another says of a part of it."""
    length = len(fault.path)
    return any(len(other.path) > length and other.path[:length] == fault.path for other in others)


def _remove(values: Any, path: Path, removed: set[Path]) -> Any:
    cut = _cut(values, path)
    removed |= {path, cut}
    return _without(values, cut)


def _cut(values: Any, path: Path) -> Path:
    """Return what must go so that a fault at `path` goes: the nearest place at or above it that is there."""
    path, _ = reach(values, path)
    while path and isinstance(path[-1], int):  # without an item the others would stand elsewhere: the list goes
        path = path[:-1]
    return path


def _without(values: Any, path: Path) -> Any:
    if not path:
        return {}
    key, rest = path[0], path[1:]
    if isinstance(values, tuple):
        return tuple(_without(item, rest) if number == key else item for number, item in enumerate(values))
    if rest:
        return {**values, key: _without(values[key], rest)} if key in values else values
    return {name: item for name, item in values.items() if name != key}
