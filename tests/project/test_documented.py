"""Everything a user can meet has a heading in the docs: commands, settings, metrics, error types, endpoints.

A heading documents a name when the name stands in it as a whole, in backticks or not: `### `server.max_body``.
"""

import ast
import re
from collections.abc import Iterator

import pytest
from tree import DOCS, sources

from seawall.cli.commands import app
from seawall.config.tree import Tree
from seawall.contracts.errors import CallError
from seawall.contracts.settings import Settings
from seawall.observers.families import FAMILIES
from seawall.server.refusal import _KINDS

ENDPOINTS = ("/live", "/ready", "/health", "/metrics", "/diagnostics", "/docs", "/api/v1")


def headings() -> str:
    """Return all headings of all pages, a line each."""
    pages = [path.read_text() for path in sorted(DOCS.rglob("*.md"))]
    return "\n".join(line for page in pages for line in page.splitlines() if line.startswith("#"))


def missing(names: Iterator[str] | list[str] | set[str]) -> list[str]:
    """Return the names that no heading has."""
    text = headings()
    return sorted(name for name in names if not re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-]|\.\w)", text))


def commands() -> list[str]:
    """Return every command as it is typed, those of groups too."""
    names = [one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands]
    for group in app.registered_groups:
        names += [f"{group.name} {one.name}" for one in group.typer_instance.registered_commands]
    return [f"seawall {name.replace('_', '-')}" for name in names]


def settings(model: type[Settings], before: str = "") -> Iterator[str]:
    """Yield the path of every setting; `<name>` stands for what the user chooses."""
    for name, field in model.model_fields.items():
        path = f"{before}{field.alias or name}"
        yield path
        text = str(field.annotation)
        many = ".<name>" if "dict[" in text else "[]" if "tuple[" in text else ""
        for inner in models(field.annotation):
            yield from settings(inner, f"{path}{many}.")


def own(paths: Iterator[str]) -> set[str]:
    """Leave out what a route inherits: it is documented at the upstream."""
    every = set(paths)
    return {
        path
        for path in every
        if path.replace(".routes[]", "", 1) == path or path.replace(".routes[]", "", 1) not in every
    }


def models(annotation: object) -> Iterator[type[Settings]]:
    """Yield the settings classes inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models(inner)


def subclasses(kind: type[CallError]) -> Iterator[type[CallError]]:
    """Yield a class and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def error_types() -> set[str]:
    """Return the last part of every `type` a problem can have, wherever one is made."""
    kinds = {one.type for one in subclasses(CallError)} | {kind for kind, _ in _KINDS.values()}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "problem":
                kinds |= {one.value for one in node.args[1:2] if isinstance(one, ast.Constant)}
    return {kind.rpartition("#")[2] for kind in kinds}


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str):
    """With its options."""
    assert missing([command]) == []


def test_every_metric_is_documented():
    """Under the name a query uses."""
    assert missing([family.exposed for family in FAMILIES]) == []


def test_every_error_type_is_documented():
    """What happened, and what to do about it."""
    assert missing(error_types()) == []


def test_every_endpoint_of_the_gateway_itself_is_documented():
    """What it says, and when it fails."""
    assert missing(list(ENDPOINTS)) == []


def test_every_setting_is_documented():
    """With its default, its unit and an example."""
    assert missing(own(settings(Tree))) == []
