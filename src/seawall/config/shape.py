"""What the settings classes say about a path: which keys a table has, what type a key is of, whether it is secret."""

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from seawall.contracts.secret import Secret

__all__ = ["Path", "descend", "field_of", "holds_secret", "keys_of", "parts", "reach", "type_of"]

Path = tuple[str | int, ...]


def parts(annotation: Any) -> Iterator[Any]:
    """Yield the types a key may have, without Annotated, Optional and unions."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from parts(typing.get_args(annotation)[0])
    elif origin is typing.Union or origin is types.UnionType:
        for item in typing.get_args(annotation):
            yield from parts(item)
    elif annotation is not type(None):
        yield annotation


def _named(model: type[BaseModel], key: str) -> FieldInfo | None:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def descend(annotation: Any, key: str | int) -> tuple[Any, FieldInfo | None] | None:
    """Return the type under `key` of a table or list type, and its field where it is one; None where there is none."""
    for part in parts(annotation):
        origin = typing.get_origin(part)
        if isinstance(part, type) and issubclass(part, BaseModel) and isinstance(key, str):
            field = _named(part, key)
            if field is not None:
                return field.annotation, field
        elif origin in (dict, Mapping) and isinstance(key, str):
            return typing.get_args(part)[1], None
        elif origin is tuple and isinstance(key, int):
            return typing.get_args(part)[0], None
    return None


def _walk(root: type[BaseModel], path: Path) -> tuple[Any, FieldInfo | None] | None:
    found: tuple[Any, FieldInfo | None] | None = (root, None)
    for key in path:
        found = descend(found[0], key) if found is not None else None
    return found


def reach(values: Any, path: Path) -> tuple[Path, Any]:
    """Return the longest part of `path` that is there in plain values, and what stands at it."""
    for depth, key in enumerate(path):
        keys: Any = range(len(values)) if isinstance(values, tuple) else values if isinstance(values, dict) else ()
        if key not in keys:
            return path[:depth], values
        values = values[key]
    return path, values


def field_of(root: type[BaseModel], path: Path) -> FieldInfo | None:
    """Return the field that stands at `path`, or None for list items, named tables and what does not exist."""
    found = _walk(root, path)
    return None if found is None else found[1]


def type_of(root: type[BaseModel], path: Path) -> Any | None:
    """Return the annotation at `path`, or None where nothing can stand."""
    found = _walk(root, path)
    return None if found is None else found[0]


def keys_of(root: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys the table at `path` may have; none where it is a list or a table of free names."""
    names: list[str] = []
    for part in parts(type_of(root, path)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            names += [field.alias or name for name, field in part.model_fields.items()]
    return tuple(names)


def holds_secret(root: type[BaseModel], path: Path) -> bool:
    """Whether what stands at `path` may be or hold a secret; True for what does not exist, to be sure."""
    annotation = type_of(root, path)
    return annotation is None or _secret(annotation)


def _secret(annotation: Any) -> bool:
    for part in parts(annotation):
        if part is Secret:
            return True
        if isinstance(part, type) and issubclass(part, BaseModel):
            if any(_secret(field.annotation) for field in part.model_fields.values()):
                return True
        elif any(_secret(item) for item in typing.get_args(part) if item is not Ellipsis):
            return True
    return False
