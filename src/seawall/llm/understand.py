"""What a client asks, read from the body of its request, or why no provider could be asked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from seawall.llm import bounds, fields, multipart
from seawall.llm.parse import MOST_BYTES, Document, parse
from seawall.llm.seam import Api, Asked, NotUnderstood, Operation, asked_of

__all__ = ["LEGACY_OUTPUT", "understand"]

# What OpenAI's older completions give where the client sets no limit, by their documentation.
LEGACY_OUTPUT = 16


class _Shape(NamedTuple):
    """The fields of an operation that decide what is paid.

    Attributes:
        output: limits of the output, each of which may be set.
        choices: how many answers.
        heavy: what else makes a call dearer; given twice, nobody knows which one the provider takes.
    """

    output: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    heavy: tuple[str, ...] = ()


_SHAPES: Mapping[Operation, _Shape] = {
    "chat": _Shape(("max_completion_tokens", "max_tokens"), ("n",), ("messages", "tools", "prediction", "audio")),
    "responses": _Shape(("max_output_tokens",), (), ("input", "tools", "background", "previous_response_id", "prompt")),
    "completions": _Shape(("max_tokens",), ("n", "best_of"), ("prompt",)),
    "messages": _Shape(("max_tokens",), (), ("messages", "system", "tools", "thinking", "mcp_servers", "container")),
    "count_tokens": _Shape((), (), ("messages", "system", "tools")),
    "embeddings": _Shape((), (), ("input",)),
    "moderations": _Shape((), (), ("input",)),
    "images": _Shape((), ("n",), ("prompt", "size", "quality")),
    "audio": _Shape((), (), ("input",)),
}
_ALWAYS = ("model", "stream", "stream_options")
# Each with how a body writes it.
_DECIDING: Mapping[Operation, Mapping[str, str]] = {
    operation: {key: f'"{key}"' for key in (*_ALWAYS, *shape.output, *shape.choices, *shape.heavy)}
    for operation, shape in _SHAPES.items()
}


def understand(dialect: Api, operation: Operation, path: bytes, content_type: bytes, body: bytes) -> Asked:
    """Return what a client asks.

    Args:
        dialect: of the client, `openai` or `anthropic`.
        operation: which route it came by.
        path: below the route's prefix, query included.
        content_type: of the body; a form is read where it is `multipart/form-data`, JSON otherwise.
        body: whole, as it came.

    Raises:
        NotUnderstood: no provider could be asked that; the message says what to change.
    """
    if operation == "audio" and content_type.strip().lower().startswith(b"multipart/form-data"):
        return _form(dialect, path, content_type, body)
    document = parse(body)
    shape = _SHAPES[operation]
    _refuse_repeated(document, _DECIDING[operation])
    if operation == "responses" and fields.flag(document, "background"):
        raise NotUnderstood(
            "background is not possible here: what it uses is told to nobody; leave it out", "background"
        )
    spoken = operation == "audio" and document.get("stream_format") == "sse"
    stream = fields.flag(document, "stream") or spoken
    return asked_of((
        dialect, operation, path, _model(document.get("model"), operation), stream, _most(document, shape),
        _choices(document, shape), bounds.input_bound(operation, document, len(body)),
        _wants_usage(document, operation), content_type, body, document,
    ))  # fmt: skip


def _refuse_repeated(document: Document, deciding: Mapping[str, str]) -> None:
    """Refuse a body that says twice what decides the bill: parsers differ about which one counts."""
    if document.plain:
        text = document.text
        for key in document:
            written = deciding.get(key)
            if written is not None and text.count(written) != 1:
                break  # twice, or something else that looks like it
        else:
            return
    seen: set[str] = set()
    for key, _, _ in document.members:
        if key in seen and key in deciding:
            raise NotUnderstood(f"{key} is given twice; keep one", key)
        seen.add(key)


def _model(value: Any, operation: Operation) -> str:
    if value is None and operation == "moderations":
        return "omni-moderation-latest"
    if not isinstance(value, str) or not value:
        raise NotUnderstood('model must name a model (for example "fast"); GET /v1/models lists them', "model")
    if len(value) > 256:
        raise NotUnderstood("model has more than 256 characters", "model")
    return value


def _most(document: Document, shape: _Shape) -> int | None:
    """Return the largest of all limits that the client set: a provider takes one of them."""
    thinks = "thinking" in shape.heavy
    # Anthropic takes 0: only the cache is warmed then.
    least = 0 if thinks else 1
    most: int | None = None
    for name in shape.output:
        if name in document:
            most = _larger(most, fields.whole(document, name, least))
    thinking = document.get("thinking") if thinks else None
    if isinstance(thinking, dict):
        most = _larger(most, fields.whole(thinking, "budget_tokens"))
    return most


def _larger(one: int | None, two: int | None) -> int | None:
    return one if two is None else two if one is None else max(one, two)


def _choices(document: Document, shape: _Shape) -> int:
    found = 1
    for name in shape.choices:
        if name in document:
            found = max(found, fields.whole(document, name, 1) or 1)
    prompt = document.get("prompt") if "best_of" in shape.choices else None
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return found * len(prompt)
    return found


def _wants_usage(document: Document, operation: Operation) -> bool:
    if operation not in ("chat", "completions"):
        return True  # these streams tell it unasked
    options = document.get("stream_options")
    if options is None:
        return False
    return fields.flag(fields.mapping(options, "stream_options"), "include_usage")


def _form(dialect: Api, path: bytes, content_type: bytes, body: bytes) -> Asked:
    if len(body) > MOST_BYTES:
        raise NotUnderstood(f"The form has {len(body)} bytes; at most {MOST_BYTES} are read")
    found = multipart.fields(content_type, body)
    for name in ("model", "stream"):
        if len(found.get(name, ())) > 1:
            raise NotUnderstood(f"{name} is given twice; keep one", name)
    values = {name: body[spans[0].start : spans[0].end].decode("utf-8", "replace") for name, spans in found.items()}
    return Asked(
        dialect=dialect,
        operation="audio",
        path=path,
        model=_model(values.get("model"), "audio"),
        stream=values.get("stream", "").lower() in ("true", "1"),
        max_output=None,
        choices=1,
        input_bound=bounds.AUDIO + sum(len(value.encode()) for value in values.values()),
        wants_usage=True,
        content_type=content_type,
        body=body,
        document=None,
    )
