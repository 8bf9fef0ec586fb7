"""The tree as text again: what was said, with secrets as their variable or masked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seawall.config.kinds import Switch
from seawall.config.shape import Path, field_of, holds_secret
from seawall.config.toml import key_text, path_text, value_text
from seawall.config.tree import Tree

__all__ = ["dump", "masked"]

# "Bearer ${KEY}" shows as it is; any other text around a variable, and its default, might be part of a secret
_SHOWN = re.compile(r"((?:Bearer |Basic |Token )?\$\{[A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}", re.ASCII)
_NAMED = ("upstreams", "models", "callers", "schedules")
_NOTHING: Mapping[Path, str] = {}


def dump(tree: Tree, sources: Mapping[Path, str] = _NOTHING) -> str:
    """Return TOML that loads to an equal tree where the same variables are set.

    Args:
        tree: the settings.
        sources: texts as written, from `load_with_sources`; a secret without one shows as `***`.
    """
    said = _written(tree.model_dump(exclude_unset=True, by_alias=True), (), sources)
    lines: list[str] = []
    for name, table in said.items():
        for key, item in table.items() if name in _NAMED else (("", table),):
            lines += _table((name, key) if key else (name,), item)
    return "\n".join(lines).strip("\n") + "\n"


def masked(tree: Tree) -> dict[str, Any]:
    """Return the settings for diagnostics, secrets masked: of named tables what was said, of the others everything."""
    said = tree.model_dump(exclude_unset=True, by_alias=True, mode="json", include=set(_NAMED))
    return {**tree.model_dump(by_alias=True, mode="json", exclude=set(_NAMED)), **said}


def _written(value: Any, path: Path, sources: Mapping[Path, str]) -> Any:
    """Return dumped values as a file would give them."""
    if path in sources and holds_secret(Tree, path):
        found = _SHOWN.fullmatch(sources[path])
        return value if found is None else f"{found[1]}{':-' if found[2] else ''}}}"
    if isinstance(value, dict):
        return {key: _written(item, (*path, key), sources) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_written(item, (*path, number), sources) for number, item in enumerate(value)]
    if value is None:  # a file has no null: a policy is off, an address is empty
        field = field_of(Tree, path)
        return False if field is not None and any(isinstance(mark, Switch) for mark in field.metadata) else ""
    return _dollars(value)


def _dollars(value: Any) -> Any:
    return value.replace("$", "$$") if isinstance(value, str) else value


def _table(path: Path, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{path_text(path)}]"
    yield from (f"{key_text(key)} = {value_text(item)}" for key, item in table.items() if key != "routes")
    yield ""
    for route in table.get("routes", ()):
        yield f"[[{path_text((*path, 'routes'))}]]"
        yield from (f"{key_text(key)} = {value_text(item)}" for key, item in route.items())
        yield ""
