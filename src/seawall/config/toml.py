"""TOML in and out: text to plain tables with tuples for lists, and values to text again."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from seawall.contracts.errors import SettingsError

__all__ = ["key_text", "parse_scalar", "parse_toml", "path_text", "value_text"]

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return the tables of a text.

    Args:
        text: the file.
        name: of the file, for the fault.

    Raises:
        SettingsError: it is not TOML, with line and column.
    """
    try:
        return {key: _frozen(value) for key, value in tomllib.loads(text).items()}
    except tomllib.TOMLDecodeError as exc:
        # the message ends with "(at line 3, column 7)" and quotes at most one character of the text
        raise SettingsError([f"{name}: must be TOML, {exc}"]) from exc
    except RecursionError as exc:
        raise SettingsError([f"{name}: must be TOML, it is nested too deeply"]) from exc


def parse_scalar(text: str) -> Any:
    """Return the number, truth value or quoted text that `text` is in TOML, or `text` itself."""
    if "\n" in text or "\r" in text:
        return text
    try:
        value = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    only = value.get("value")
    return only if len(value) == 1 and isinstance(only, str | int | float | bool) else text


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def key_text(key: str) -> str:
    """Return a key as TOML writes it."""
    return key if _BARE.fullmatch(key) else _quoted(key)


def path_text(path: tuple[str | int, ...]) -> str:
    """Return a path as a fault shows it: `upstreams.weather.routes[0].match`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key_text(key)}"
    return text.removeprefix(".")


def value_text(value: Any) -> str:
    """Return a plain value as TOML writes it; tables inline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_text(str(key))} = {value_text(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's; what JSON leaves bare and TOML does not is DEL
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
