"""A chat completion as OpenAI's clients read it, whole or in chunks, for answers that came in another shape."""

from typing import Any

import orjson

__all__ = ["Completion"]

_DONE = b"data: [DONE]\n\n"


class Completion:
    """What stands around every part of one answer.

    Args:
        ident: the answer's id, until a better one is known.
        model: the client's own name for it.
        wants_usage: of a stream, the chunk with the usage too.

    Attributes:
        ident: as given, or as the provider said since.
        created: second of the answer, since the epoch.
    """

    __slots__ = ("_model", "_wants_usage", "created", "ident")

    def __init__(self, ident: str, model: str, wants_usage: bool) -> None:
        self.ident = ident
        self.created = 0
        self._model = model
        self._wants_usage = wants_usage

    def whole(self, message: dict[str, Any], finish: str, usage: dict[str, Any]) -> bytes:
        """Return the completion with one message, why it ended, and its usage."""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return orjson.dumps(self._object("chat.completion") | {"choices": [choice], "usage": usage})

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        """Return the event of one piece."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = self._object("chat.completion.chunk") | {"choices": [choice]}
        if self._wants_usage:
            chunk["usage"] = None
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def end(self, usage: dict[str, Any]) -> bytes:
        """Return the usage where it is wanted, and the mark that ends every stream."""
        if not self._wants_usage:
            return _DONE
        last = self._object("chat.completion.chunk") | {"choices": [], "usage": usage}
        return b"data: " + orjson.dumps(last) + b"\n\n" + _DONE

    def _object(self, kind: str) -> dict[str, Any]:
        return {"id": self.ident, "object": kind, "created": self.created, "model": self._model}
