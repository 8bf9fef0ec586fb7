"""`${NAME}`, `${NAME:-default}` and `$$` in the texts of settings."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seawall.config.shape import Path
from seawall.config.toml import path_text

__all__ = ["Interpolated", "interpolate", "references"]

Typed = Callable[[Path, str], Any]

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{", re.ASCII)


class Interpolated(NamedTuple):
    """Settings with their variables put in.

    Attributes:
        values: as the file's, texts replaced.
        sources: the text as written, for each path where a variable was put in.
        faults: path and line for each variable that is missing or written wrongly.
    """

    values: Any
    sources: dict[Path, str]
    faults: list[tuple[Path, str]]


def references(text: str) -> list[tuple[str, str | None]]:
    """Return the variables a text names, each with its default or None."""
    found = (match for match in _REFERENCE.finditer(text) if match[1])
    return [(match[1], match[2]) for match in found]


def interpolate(values: Any, variables: Mapping[str, str], typed: Typed) -> Interpolated:
    """Return `values` with every reference in every text replaced.

    An empty variable counts as missing where there is a default, as in a shell.

    Args:
        values: tables with tuples for lists.
        variables: by name.
        typed: turns a text that is one reference and nothing else into what the setting wants.
    """
    result = Interpolated({}, {}, [])

    def replaced(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: replaced(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(replaced(item, (*path, number)) for number, item in enumerate(value))
        if isinstance(value, str) and "$" in value:
            text = _text(value, path, variables, result)
            only = _REFERENCE.fullmatch(value)
            return typed(path, text) if only is not None and only[1] else text
        return value

    return result._replace(values=replaced(values, ()))


def _text(text: str, path: Path, variables: Mapping[str, str], result: Interpolated) -> str:
    def put(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name is None:
            if match[0] == "$$":
                return "$"
            rule = 'must write ${NAME}, ${NAME:-default} or $$ (for example "${API_KEY}")'
            result.faults.append((path, f"{path_text(path)}: {rule}"))
            return ""
        result.sources[path] = text
        value = variables.get(name)
        if default is not None:
            return value or default
        if value is None:
            rule = f"needs the variable {name}, which is not set (for example {name}=… in the environment or in .env)"
            result.faults.append((path, f"{path_text(path)}: {rule}"))
            return ""
        return value

    return _REFERENCE.sub(put, text)
