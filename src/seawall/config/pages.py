"""docs/configuration.md from the settings classes: a heading for every setting, with type, default and example."""

import typing
from collections.abc import Iterator
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from seawall.config.available import NOT_YET
from seawall.config.faults import shown_default
from seawall.config.kinds import Switch
from seawall.config.override import variable_of
from seawall.config.route import PolicySettings, RouteSettings
from seawall.config.shape import parts
from seawall.config.toml import value_text
from seawall.config.tree import Tree
from seawall.contracts import units
from seawall.contracts.secret import Secret

__all__ = ["pages"]

_TEXTS = {
    units.parse_duration: 'duration ("250ms", "10s", "15m", "1h", "90d")',
    units.parse_rate: 'rate ("5/s", "60/min", "600/h", "1000/d")',
    units.parse_size: 'size ("64KiB", "16MiB", "1GiB")',
    units.parse_share: 'share ("20%")',
    units.parse_money: 'money ("0.50 USD")',
    units.parse_token_price: 'price per million tokens ("0.15 USD/M")',
}
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "secret text"}
_HEAD = """# Configuration

One TOML file, `./seawall.toml` or `--config FILE`. `seawall init` writes a starter, `seawall check` says everything
that is wrong with it at once, `seawall check --print` shows what was understood, and `docs/seawall.schema.json` lets an
editor help. Unknown keys are errors.

- `"${NAME}"` is read from the environment or from `.env` beside the file; the environment wins. `"${NAME:-x}"` has a
  default for a variable that is missing or empty. `"$$"` is a dollar.
- A single value of tables whose names are `a-z`, `0-9` and `_` also has an environment name: `SEAWALL_SERVER__LISTEN`
  is `server.listen`, `SEAWALL_UPSTREAMS__WEATHER__TIMEOUT` is `upstreams.weather.timeout`.
- `<name>` is a name of your choice. `*` in a `match` is one path segment, `**` any number.
- A number of seconds or bytes may stand where a duration or a size is wanted.
- *Not available in this version* means: checked, and refused by `seawall serve` rather than ignored.

This page is generated from the settings themselves: `python -m seawall.config.document`.
"""


def pages() -> str:
    """Return the page."""
    lines = [_HEAD]
    for name, field in Tree.model_fields.items():
        named, model = _table(field.annotation)
        place = (name, "<name>") if named else (name,)
        lines += [f"## [{'.'.join(place)}]", "", field.description or "", ""]
        lines += _keys(model, place)
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(annotation: Any) -> tuple[bool, type[BaseModel]]:
    """Return whether a type is a table of named tables, and the settings class of one."""
    for part in parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return False, part
        for item in typing.get_args(part):
            for inner in parts(item):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    return True, inner
    raise TypeError("not a table")


def _keys(model: type[BaseModel], place: tuple[str, ...]) -> Iterator[str]:
    own = set(model.model_fields) - set(PolicySettings.model_fields) if model is RouteSettings else None
    for name, field in model.model_fields.items():
        if own is not None and name not in own:
            continue
        yield from _key(model, field.alias or name, field, place)
    if own is not None:
        inherited = ", ".join(f"`{field.alias or name}`" for name, field in PolicySettings.model_fields.items())
        yield from (f"A route may also set {inherited}, which mean what they mean for its upstream.", "")


def _key(model: type[BaseModel], key: str, field: FieldInfo, place: tuple[str, ...]) -> Iterator[str]:
    path = (*place, key)
    yield from (f"### {'.'.join(path)}", "")
    about, default = _about(model, key, field)
    later = " *Not available in this version.*" if _later(path) else ""
    yield from (f"{about}{later}", "")
    yield f"- Type: {_type(field)}"
    yield f"- Default: {default}"
    variable = _variable(path)
    single = not any(typing.get_origin(part) in (tuple, dict) for part in parts(field.annotation))
    if variable is not None and single and not any("[]" in part for part in path):
        yield f"- Environment: `{variable}`"
    if field.examples:
        yield f"- Example: `{key} = {value_text(field.examples[0])}`"
    yield ""
    try:
        many, inner = _table(field.annotation)
    except TypeError:
        return
    mark = "[]" if many else ""
    yield from _keys(inner, (*place, key + mark))


def _later(path: tuple[str, ...]) -> bool:
    """Whether a setting waits for a later version, itself or with its table."""
    plain = [part.removesuffix("[]").replace("<name>", "*") for part in path]
    full = ".".join("*" if part == "*" else part for part in plain)
    return any(full == feature or full.startswith(f"{feature}.") for feature in (_whole(item) for item in NOT_YET))


def _whole(feature: str) -> str:
    return feature.removesuffix(".*") if feature.endswith(".*") and feature.count(".") == 1 else feature


def _variable(path: tuple[str, ...]) -> str | None:
    found = variable_of(tuple("name" if part == "<name>" else part for part in path))
    return None if found is None else found.replace("__NAME__", "__<NAME>__", 1) if "<name>" in path else found


def _about(model: type[BaseModel], key: str, field: FieldInfo) -> tuple[str, str]:
    """Return what a setting does, and its default."""
    about, said, rest = (field.description or "").partition(" Default: ")
    if said and field.default is None:
        return about, rest.removesuffix(".")
    if field.is_required():
        return field.description or "", "none, it is needed"
    if field.default is None:
        return field.description or "", "none"
    return about, f"`{value_text(shown_default(model, key))}`"


def _type(field: FieldInfo) -> str:
    text = _words(field.annotation, tuple(field.metadata))
    bounds = {
        Ge: "at least {0.ge}", Gt: "above {0.gt}", Le: "at most {0.le}",
        MinLen: "not empty", MaxLen: "at most {0.max_length} long",
    }  # fmt: skip
    found = [words.format(mark) for mark in field.metadata for kind, words in bounds.items() if isinstance(mark, kind)]
    if any(isinstance(mark, Switch) for mark in field.metadata):
        text += ", or false"
    return ", ".join((text, *found))


def _words(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    for mark in metadata:
        if isinstance(mark, BeforeValidator) and mark.func in _TEXTS:
            return _TEXTS[mark.func]
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _words(arguments[0], arguments[1:])
    if origin is Literal:
        return "one of " + ", ".join(value_text(item) for item in arguments)
    if origin is tuple:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"table of {_words(arguments[1])} by name"
    if isinstance(annotation, type):
        return "table" if issubclass(annotation, BaseModel) else _WORDS.get(annotation, "text")
    items = [item for item in arguments if item is not type(None)]
    return " or ".join(dict.fromkeys(_words(item) for item in items)) or "any value"
