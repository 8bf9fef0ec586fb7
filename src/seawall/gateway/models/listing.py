"""The list of models: the names a caller may use, in the form its SDK reads."""

from collections.abc import Callable
from typing import Any

import orjson

from seawall.contracts.reply import Reply
from seawall.gateway.models.table import Models
from seawall.llm.seam import Api

__all__ = ["listed"]


def listed(models: Models, dialect: Api, rest: bytes, may_use: Callable[[str], bool]) -> Reply | None:
    """Return the list of aliases, or one of them; None where there is no such model for this caller.

    Args:
        models: every name.
        dialect: of the client.
        rest: what stands behind `/models`: nothing, or a slash and a name.
        may_use: whether the caller may use a model.
    """
    names = [alias for alias in models.routes if may_use(alias)]
    wanted = rest[1:].decode("latin-1")
    if wanted:
        return _reply(_one(dialect, wanted)) if wanted in names else None
    every = [_one(dialect, name) for name in names]
    if dialect == "anthropic":
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return _reply({"data": every, "has_more": False, **ends})
    return _reply({"object": "list", "data": every})


def _one(dialect: Api, name: str) -> dict[str, Any]:
    if dialect == "anthropic":
        return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
    return {"id": name, "object": "model", "created": 0, "owned_by": "seawall"}


def _reply(body: dict[str, Any]) -> Reply:
    return Reply(200, [(b"content-type", b"application/json")], orjson.dumps(body))
