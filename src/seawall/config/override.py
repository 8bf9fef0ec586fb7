"""Environment names of settings: `SEAWALL_SERVER__LISTEN` overrides `server.listen`."""

import difflib
import re
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from seawall.config.shape import Path, descend, keys_of, parts, type_of
from seawall.config.toml import parse_scalar, path_text
from seawall.contracts.secret import Secret

__all__ = ["Overridden", "override", "typed", "variable_of"]

_VARIABLE = re.compile(r"SEAWALL_[A-Z0-9_]*__[A-Z0-9_]*", re.ASCII)
_PART = re.compile(r"[a-z0-9](?:_?[a-z0-9])*", re.ASCII)


class Overridden(NamedTuple):
    """Settings with the environment's put over the file's.

    Attributes:
        values: as the file's, with what is overridden.
        sources: the variable's reference, for each path that is overridden.
        faults: path and line for each variable that names no setting.
    """

    values: dict[str, Any]
    sources: dict[Path, str]
    faults: list[tuple[Path, str]]


def variable_of(path: Path) -> str | None:
    """Return the environment name of a path, or None where it has none."""
    if any(isinstance(key, int) or not _PART.fullmatch(key) for key in path):
        return None
    return "SEAWALL_" + "__".join(str(key).upper() for key in path)


def override(root: type[BaseModel], values: dict[str, Any], environ: Mapping[str, str]) -> Overridden:
    """Return `values` with every `SEAWALL_…__…` variable put in.

    A variable is read as a TOML scalar where the setting is no text and where it parses as one.
    """
    result = Overridden(values, {}, [])
    for variable in sorted(environ):
        if not _VARIABLE.fullmatch(variable):
            continue
        path: Path = tuple(variable.removeprefix("SEAWALL_").lower().split("__"))
        fault = _unknown(root, values, variable, path)
        if fault is not None:
            result.faults.append(((variable,), fault))
            continue
        result = result._replace(values=_put(result.values, path, typed(root, path, environ[variable])))
        result.sources[path] = f"${{{variable}}}"
    return result


def _unknown(root: type[BaseModel], values: Any, variable: str, path: Path) -> str | None:
    annotation: Any = root
    here: Any = values
    for depth, key in enumerate(path):
        known = keys_of(root, path[:depth])
        names = known or tuple(name for name in here if _PART.fullmatch(name))
        found = descend(annotation, key)
        if found is None or (not known and key not in names):
            near = difflib.get_close_matches(str(key), names, 1)
            hint = variable_of((*path[:depth], near[0], *path[depth + 1 :])) if near else None
            return f"{variable}: names no setting" + (
                f", did you mean {hint}?" if hint else f", {path_text(path)} is unknown"
            )
        annotation = found[0]
        here = here.get(key, {})
        if not isinstance(here, dict) and depth < len(path) - 1:
            return f"{variable}: cannot be put into {path_text(path[: depth + 1])}, which the file gives as no table"
    if any(typing.get_origin(part) in (dict, tuple) for part in parts(annotation)):
        return f"{variable}: names a table or list, only single values have an environment name"
    return None


def typed(root: type[BaseModel], path: Path, text: str) -> Any:
    """Return a text from the environment as the setting at `path` wants it: as it is, or the TOML scalar it holds."""
    annotation = type_of(root, path)
    kinds = set(parts(annotation))
    return text if not kinds or kinds & {str, Secret} else parse_scalar(text)


def _put(values: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    key, rest = str(path[0]), path[1:]
    return {**values, key: _put(values.get(key, {}), rest, value) if rest else value}
