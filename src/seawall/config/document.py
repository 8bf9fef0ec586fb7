"""What is generated from the settings classes: docs/configuration.md, the JSON schema and .env.sample."""

import sys
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import orjson
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from seawall.config.interpolate import references
from seawall.config.pages import pages
from seawall.config.tree import Tree

__all__ = ["env_sample", "files", "schema", "starter"]

_INSTEAD = {"type": "string", "pattern": "\\$\\{"}  # "${NAME}" may stand for any value


class _Schema(GenerateJsonSchema):
    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Say nothing: the one default that is left out is a secret's."""


def starter() -> str:
    """Return the settings file `seawall init` writes."""
    return resources.files("seawall.config").joinpath("sample/seawall.toml").read_text(encoding="utf-8")


def schema() -> str:
    """Return the JSON schema of the settings file, draft 2020-12, for editors."""
    found = _editable(Tree.model_json_schema(by_alias=True, schema_generator=_Schema))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Settings of Seawall"}
    return orjson.dumps({**found, **head}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def _editable(node: Any) -> Any:
    """Return a schema without null, which TOML has not, and with variables wherever a single value stands."""
    if isinstance(node, list):
        return [_editable(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: item if key in ("default", "examples") else _editable(item) for key, item in node.items()}
    if "anyOf" in found:
        found["anyOf"] = [item for item in found["anyOf"] if item != {"type": "null"}]
    if found.get("default", ...) is None:
        del found["default"]
    if "pattern" in found:
        found["pattern"] = f"{found['pattern']}|\\$\\{{"
    elif found.get("type") in ("integer", "number", "boolean") or "enum" in found or "const" in found:
        about = {key: found.pop(key) for key in ("description", "title", "default", "examples") if key in found}
        found = {**about, "anyOf": [found, _INSTEAD]}
    return found


def env_sample(text: str) -> str:
    """Return a `.env` to fill in: the variables a settings file names, and examples of overrides."""
    lines = [
        "# Copy to .env beside seawall.toml and fill in; the environment wins. Let only its owner read it.",
        "",
        "# Named in seawall.toml",
    ]
    seen: dict[str, str | None] = {}
    for name, default in references(text):
        if name != "NAME":
            seen.setdefault(name, default)
    lines += [f"#{name}={default or ''}" for name, default in seen.items()]
    lines += [
        "",
        "# Any single value of a table whose names are a-z, 0-9 and _ can be set here as well",
        "#SEAWALL_SERVER__LISTEN=127.0.0.1:8080",
        "#SEAWALL_SERVER__ADMIN_TOKEN=",
        "#SEAWALL_LOG__LEVEL=info",
        "#SEAWALL_UPSTREAMS__WEATHER__TIMEOUT=10s",
    ]
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Return every generated file by its path in the repository."""
    return {
        "docs/configuration.md": pages(),
        "docs/seawall.schema.json": schema(),
        ".env.sample": env_sample(starter()),
    }


def main(root: FilePath) -> None:
    """Write every generated file below `root`."""
    for path, text in files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(FilePath(sys.argv[1]) if len(sys.argv) > 1 else FilePath())
