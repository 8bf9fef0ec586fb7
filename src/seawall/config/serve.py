"""What keeps a valid file from being served: features that are not built yet, and defaults that would not be safe."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from seawall.config.available import NOT_YET
from seawall.config.shape import Path
from seawall.config.toml import path_text
from seawall.config.tree import Tree

__all__ = ["serve_faults"]


def serve_faults(tree: Tree) -> list[str]:
    """Return why this tree is not served, one line each; none when it may be."""
    return [*_missing(tree), *_exposed(tree), *_unusable(tree)]


def _missing(tree: Tree) -> Iterator[str]:
    for feature in NOT_YET:
        names, _, value = feature.partition("=")
        for path, found, default in _find(tree, tuple(names.split("."))):
            if str(found) == value if value else found != default:
                yield f"{path_text(path)}: not available in this version"


def _find(root: Any, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield path, value and default of everything a pattern names."""
    key, rest = pattern[0], pattern[1:]
    for name, value, default in _entries(root):
        if key in ("*", name):
            if rest:
                yield from _find(value, rest, (*path, name))
            else:
                yield (*path, name), value, default


def _entries(value: Any) -> Iterator[tuple[str | int, Any, Any]]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield name, getattr(value, name), field.default
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name, item, None
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield number, item, None


def _exposed(tree: Tree) -> Iterator[str]:
    """Off loopback nobody may call or manage the gateway without a key (security 16)."""
    server = tree.server
    shown = path_text(("server", "listen" if server.admin_listen is None else "admin_listen"))
    if not server.admin_bind.loopback and server.admin_token is None:
        yield (
            f"server.admin_token: is needed, {shown} is not loopback "
            '(for example admin_token = "${SEAWALL_ADMIN_TOKEN}", or listen = "127.0.0.1:8080")'
        )
    if server.bind.loopback:
        return
    anonymous = tree.callers.get("anonymous")
    if server.anonymous == "yes":
        if anonymous is None or (anonymous.rate is None and anonymous.concurrency is None):
            yield (
                "callers.anonymous: needs limits of its own, server.listen is not loopback and anonymous is yes "
                '(for example [callers.anonymous] rate = "60/min")'
            )
    elif not any(name != "anonymous" for name in tree.callers):
        yield (
            "callers: at least one is needed, server.listen is not loopback "
            '(for example `seawall keys new kitchen`, or listen = "127.0.0.1:8080")'
        )


def _unusable(tree: Tree) -> Iterator[str]:
    for name, caller in tree.callers.items():
        if any(set(item.removeprefix("sha256:")) == {"0"} for item in caller.key_hash):
            shown = path_text(("callers", name, "key_hash"))
            yield f"{shown}: must be a real hash, `seawall keys new {name}` prints one"
    if tree.ledger.url.reveal() != "memory://":
        return
    caps: list[tuple[Path, Any]] = [(("spend",), tree.spend)]
    for name, caller in tree.callers.items():
        caps.append((("callers", name, "spend"), caller.spend))
        if caller.per_user is not None:
            caps.append((("callers", name, "per_user", "spend"), caller.per_user.spend))
    caps += [(("models", alias, "spend"), model.spend) for alias, model in tree.models.items()]
    for path, table in caps:
        for key in ("month", "total"):
            if getattr(table, key) is not None:
                yield (
                    f"{path_text((*path, key))}: needs a ledger that outlives the process "
                    '(for example ledger.url = "sqlite:///var/lib/seawall/ledger.db")'
                )
