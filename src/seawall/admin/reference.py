"""The reference page of the API as plain HTML: no script, no foreign origin, everything escaped (security.md 15)."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import orjson

__all__ = ["page"]

Document = Mapping[str, Any]


def page(document: Document) -> str:
    """Return the page of an OpenAPI 3.1 document."""
    info = document["info"]
    title = escape(str(info["title"]))
    operations = [
        (method, path, operation)
        for path, methods in document.get("paths", {}).items()
        for method, operation in methods.items()
    ]
    schemas = document.get("components", {}).get("schemas", {})
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="stylesheet" href="docs/reference.css"></head><body>',
        f"<header><h1>{title}</h1><p>{escape(str(info.get('description', '')))}</p>",
        f'<p class="faint">Version {escape(str(info["version"]))} · ',
        '<a href="openapi.json">openapi.json</a></p></header>',
        "<nav><ul>",
        *(
            f'<li><a href="#{_anchor(method, path)}">{_verb(method)} {escape(path)}</a></li>'
            for method, path, _ in operations
        ),
        "</ul></nav><main>",
        *(piece for method, path, operation in operations for piece in _operation(method, path, operation, schemas)),
        "<h2>Shapes</h2>",
        *(piece for name, schema in sorted(schemas.items()) for piece in _schema(name, schema)),
        "</main></body></html>",
    ]
    return "".join(parts)


def _operation(method: str, path: str, operation: Document, schemas: Document) -> Iterator[str]:
    yield f'<section id="{_anchor(method, path)}"><h2>{_verb(method)} <code>{escape(path)}</code></h2>'
    yield f"<p>{escape(str(operation.get('description') or operation.get('summary', '')))}</p>"
    parameters = operation.get("parameters", ())
    if parameters:
        yield "<h3>Parameters</h3><table><tbody>"
        for one in parameters:
            need = "required" if one.get("required") else "optional"
            yield _row(one["name"], f"{one['in']}, {_type(one.get('schema', {}))}, {need}", one.get("description", ""))
        yield "</tbody></table>"
    yield "<h3>Answers</h3><table><tbody>"
    for status, answer in operation.get("responses", {}).items():
        shapes = " ".join(
            f"{kind}: {_type(body.get('schema', {}))}" for kind, body in answer.get("content", {}).items()
        )
        yield _row(status, shapes, answer.get("description", ""))
    yield "</tbody></table>"
    example = _example(operation, schemas)
    if example is not None:
        yield f"<h3>Example</h3><pre><code>{_json(example)}</code></pre>"
    yield "</section>"


def _schema(name: str, schema: Document) -> Iterator[str]:
    yield f'<section id="shape-{escape(name)}"><h3>{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
    yield "<table><tbody>"
    for field, value in schema.get("properties", {}).items():
        yield _row(field, _type(value), value.get("description", ""))
    yield "</tbody></table></section>"


def _row(name: object, kind: str, text: object) -> str:
    return f"<tr><th><code>{escape(str(name))}</code></th><td>{escape(kind)}</td><td>{escape(str(text))}</td></tr>"


def _type(schema: Document) -> str:
    """Return a schema's type in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _example(operation: Document, schemas: Document) -> object | None:
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    found = schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema).get("examples", ())
    return found[0] if found else None


def _json(value: object) -> str:
    return escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _verb(method: str) -> str:
    return f'<span class="verb">{escape(method.upper())}</span>'


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}-" + "".join(sign if sign.isalnum() else "-" for sign in path).strip("-"))
