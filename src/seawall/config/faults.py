"""What pydantic found wrong, as lines of ours: `path: rule, got value (for example x)`."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from seawall.config.shape import Path, field_of, holds_secret, keys_of, parts, reach, type_of
from seawall.config.toml import path_text, value_text

__all__ = ["Fault", "fault_of", "line", "shown_default"]

_RULES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "mapping_type": "must be a table",
    "missing": "is needed",
    "model_type": "must be a table",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
    "invalid_key": "must have a name",
}
_BOUNDS = {
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}
_EXAMPLE = re.compile(r"(.*) \(for example (.*)\)", re.DOTALL)
_USERINFO = re.compile(r"//[^/@]*@")
_ABSENT = object()


class Fault(NamedTuple):
    """One fault.

    Attributes:
        path: where.
        rule: what must hold.
        example: a value that would do, as TOML, or `""`.
        involved: every path the rule is about.
        value: whether the line shows what was found.
    """

    path: Path
    rule: str
    example: str
    involved: tuple[Path, ...]
    value: bool = True


def fault_of(root: type[BaseModel], values: Any, error: ErrorDetails) -> Fault:
    """Return the fault of one pydantic error.

    Args:
        root: the settings class that was validated.
        values: what it was given.
        error: what it said.
    """
    path = _path(root, values, error)
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "rule":
        keys = tuple((*path, *key) for key in context["keys"])
        return Fault(keys[0], context["rule"], context["example"], keys)
    if kind == "extra_forbidden":
        return Fault(path, _unknown(root, path), "", (path,), value=False)
    if kind == "value_error":
        rule, example = _split(str(context["error"]))
        told = error["loc"][-1:] != ("[key]",) and not isinstance(reach(values, path)[1], dict)
        return Fault(path, rule, example or _example(root, path), (path,), told)
    if kind == "literal_error":
        return Fault(path, f"must be one of {_choices(context['expected'])}", _example(root, path), (path,))
    rule = _BOUNDS[kind].format(**context) if kind in _BOUNDS else _RULES.get(kind, f"is wrong ({kind})")
    return Fault(path, rule, _example(root, path), (path,), value=kind != "missing")


def _path(root: type[BaseModel], values: Any, error: ErrorDetails) -> Path:
    """Return where an error is, without the marks pydantic adds for unions and table keys."""
    path: Path = ()
    here = values
    for key in error["loc"]:
        if isinstance(here, dict) and isinstance(key, str):
            if key in here:
                here = here[key]
            elif error["type"] != "missing" or key not in keys_of(root, path):
                continue
        elif isinstance(here, tuple) and isinstance(key, int) and key < len(here):
            here = here[key]
        else:
            continue
        path = (*path, key)
    return path


def _unknown(root: type[BaseModel], path: Path) -> str:
    known = keys_of(root, path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, 1)
    return f"is unknown, did you mean {near[0]}?" if near else f"is unknown, known are {', '.join(known)}"


def _split(text: str) -> tuple[str, str]:
    found = _EXAMPLE.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


def _choices(expected: str) -> str:
    return expected.replace("'", "").replace(" or ", ", ")


def _example(root: type[BaseModel], path: Path) -> str:
    if path and isinstance(path[-1], int):
        items = _sample(root, path[:-1])
        return value_text(items[0]) if isinstance(items, list | tuple) and items else ""
    sample = _sample(root, path)
    return "" if sample is None or sample in ((), {}) else value_text(sample)


def _sample(root: type[BaseModel], path: Path) -> Any:
    """Return a value that would do, as the file would give it: the field's example, else its default."""
    field = field_of(root, path)
    if field is None:
        return None
    if field.examples:
        return field.examples[0]
    if field.is_required() or field.default is None:
        return None
    for owner in parts(type_of(root, path[:-1])):
        if isinstance(owner, type) and issubclass(owner, BaseModel):
            return shown_default(owner, str(path[-1]))
    return None


def shown_default(owner: type[BaseModel], key: str) -> Any:
    """Return the default of a key of a settings class in the form the file would give it."""
    name, field = next((name, field) for name, field in owner.model_fields.items() if (field.alias or name) == key)
    if isinstance(field.default, str):
        return field.default
    return owner.model_construct(**{key: field.default}).model_dump(include={name}, exclude_unset=True)[name]


def line(root: type[BaseModel], values: Any, sources: Mapping[Path, str], fault: Fault) -> str:
    """Return the line of a fault; never a secret, and never what a variable holds."""
    text = f"{path_text(fault.path) or 'the file'}: {fault.rule}"
    if fault.value:
        got = _got(root, values, sources, fault.path)
        text += f", got {got}" if got else ""
    return text + (f" (for example {fault.example})" if fault.example else "")


def _got(root: type[BaseModel], values: Any, sources: Mapping[Path, str], path: Path) -> str:
    if path in sources:
        return value_text(sources[path])
    there, here = reach(values, path)
    if there != path:
        return ""
    if isinstance(here, dict):
        return "a table"
    if isinstance(here, tuple):
        return "a list" if here else "[]"
    # whoever puts the key where its hash belongs must not find it in the log of a reload
    if holds_secret(root, path) or ("key_hash" in path and not str(here).startswith("sha256:")):
        return "***"
    return value_text(_bare(here) if isinstance(here, str) else here)


def _bare(text: str) -> str:
    """Return a text without what an address may hide: user, password and query."""
    text = _USERINFO.sub("//***@", text)
    if "://" in text and "?" in text:
        text = text.partition("?")[0] + "?***"
    return text if len(text) <= 120 else text[:119] + "…"
