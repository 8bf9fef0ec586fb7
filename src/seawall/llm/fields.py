"""Fields of a request read by type; a wrong one is named with what it must be."""

from collections.abc import Mapping
from typing import Any

from seawall.llm.seam import NotUnderstood

__all__ = ["flag", "given", "items", "mapping", "number", "text", "whole"]

Object = Mapping[str, Any]


def given(document: Object, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `names` that stand in the document with a value other than null."""
    return tuple(name for name in names if document.get(name) is not None)


def whole(document: Object, name: str, least: int = 0) -> int | None:
    """Return a whole number, None where it is missing or null.

    Raises:
        NotUnderstood: it is something else, or below `least`.
    """
    value = document.get(name)
    if value is None:
        return None
    if type(value) is not int or value < least:
        raise NotUnderstood(f"{name} must be a whole number of at least {least} (for example {max(least, 1)})", name)
    return value


def number(document: Object, name: str) -> float | None:
    """Return a number, None where it is missing or null.

    Raises:
        NotUnderstood: it is something else.
    """
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotUnderstood(f"{name} must be a number (for example 0.7)", name)
    return value


def flag(document: Object, name: str) -> bool:
    """Return a truth value, False where it is missing or null.

    Raises:
        NotUnderstood: it is something else.
    """
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise NotUnderstood(f"{name} must be true or false", name)


def text(document: Object, name: str, where: str = "") -> str:
    """Return a text that must be there and not empty.

    Args:
        document: the object.
        name: of the field.
        where: the object's own place, such as `messages[0].`, for the message.

    Raises:
        NotUnderstood: it is missing, empty or something else.
    """
    value = document.get(name)
    if isinstance(value, str) and value:
        return value
    raise NotUnderstood(f"{where}{name} must be a text that is not empty", f"{where}{name}")


def items(value: Any, where: str) -> list[Any]:
    """Return a list, an empty one for null.

    Raises:
        NotUnderstood: it is something else.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise NotUnderstood(f"{where} must be a list", where)


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return an object.

    Raises:
        NotUnderstood: it is something else.
    """
    if isinstance(value, dict):
        return value
    raise NotUnderstood(f"{where} must be an object", where)
