"""Which operation of which dialect a path of the language-model routes is."""

from collections.abc import Mapping
from typing import NamedTuple

from seawall.llm.seam import Api, Operation

__all__ = ["PREFIXES", "Place", "below_mount", "place_of"]

PREFIXES = (b"/v1/", b"/anthropic/")

_OPENAI: Mapping[bytes, Operation] = {
    b"/chat/completions": "chat",
    b"/responses": "responses",
    b"/embeddings": "embeddings",
    b"/completions": "completions",
    b"/moderations": "moderations",
    b"/images/generations": "images",
    b"/audio/speech": "audio",
    b"/audio/transcriptions": "audio",
    b"/audio/translations": "audio",
}
_ANTHROPIC: Mapping[bytes, Operation] = {
    b"/v1/messages": "messages",
    b"/v1/messages/count_tokens": "count_tokens",
}


class Place(NamedTuple):
    """Where a request of the language-model routes goes.

    Attributes:
        dialect: of the client.
        operation: what is asked; None for the list of models.
        path: below the route's prefix, query included: what the dialect's own API has.
    """

    dialect: Api
    operation: Operation | None
    path: bytes


def place_of(target: bytes) -> Place | None:
    """Return what a raw path and query below `/v1` or `/anthropic` is, or None."""
    if target.startswith(b"/v1/"):
        return _find("openai", target[3:], _OPENAI, b"/models")
    if target.startswith(b"/anthropic/"):
        return _find("anthropic", target[10:], _ANTHROPIC, b"/v1/models")
    return None


def below_mount(api: Api, path: bytes) -> Place | None:
    """Return what a path on the plain mount of an upstream with `api` is, None where it is not metered."""
    if api == "openai":
        found = _find("openai", path.removeprefix(b"/v1"), _OPENAI, None)
    elif api == "anthropic":
        found = _find("anthropic", path, _ANTHROPIC, None)
    else:
        return None
    return found


def _find(dialect: Api, path: bytes, operations: Mapping[bytes, Operation], models: bytes | None) -> Place | None:
    bare = path.partition(b"?")[0]
    operation = operations.get(bare)
    if operation is not None:
        return Place(dialect, operation, path)
    if models is not None and (bare == models or bare.startswith(models + b"/")):
        return Place(dialect, None, bare[len(models) :])
    return None
