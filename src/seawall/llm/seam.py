"""The seam between the language-model routes and the dialects: a request understood, spoken, and its answer heard."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

from seawall.contracts.bill import Meter
from seawall.contracts.body import Headers
from seawall.contracts.errors import CallError

__all__ = ["Api", "Asked", "Heard", "NotUnderstood", "Operation", "Spoken", "asked_of"]

Api = Literal["openai", "anthropic", "bedrock"]
Operation = Literal[
    "chat", "responses", "embeddings", "completions", "moderations", "images", "audio", "messages", "count_tokens"
]


class NotUnderstood(Exception):
    """A request that no provider could be asked: 400 in the client's dialect, before anything was sent.

    Attributes:
        message: what is wrong, where, and what to do.
        param: the field, or None.
    """

    def __init__(self, message: str, param: str | None = None) -> None:
        self.message = message
        self.param = param
        super().__init__(message)


class Asked(NamedTuple):
    """What a client asks, as far as the gateway has to know it.

    Attributes:
        dialect: of the client: `openai` or `anthropic`.
        operation: which route it came by.
        path: below the route's prefix, such as `/chat/completions`.
        model: the client's name for the model.
        stream: it wants a stream.
        max_output: output tokens the client allows for one choice, None where it set no limit.
        choices: how many answers it wants (`n`), at least 1.
        input_bound: input tokens at most: a token is at least one byte; images, file ids and audio have named bounds.
            None where there is no bound.
        wants_usage: it asked for the usage chunk of a stream itself.
        content_type: of the body.
        body: as it came.
        document: the body parsed, None where it is no JSON (multipart audio).
    """

    dialect: Api
    operation: Operation
    path: bytes
    model: str
    stream: bool
    max_output: int | None
    choices: int
    input_bound: int | None
    wants_usage: bool
    content_type: bytes
    body: bytes
    document: Mapping[str, Any] | None


asked_of: Callable[
    [
        tuple[
            Api, Operation, bytes, str, bool, int | None, int, int | None, bool, bytes, bytes, Mapping[str, Any] | None
        ]
    ],
    Asked,
] = partial(tuple.__new__, Asked)  # fmt: skip


class Heard(Protocol):
    """One attempt's answer on its way to the client, in the client's dialect; made anew for each attempt.

    Attributes:
        content: something of the answer itself has passed (reasoning counts); no failing over any more.
        failure: an error that came inside a stream with status 200 before any content: (status, message), or None.
    """

    content: bool
    failure: tuple[int, str] | None

    def head(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """Take the head; return status and headers for the client (never framing, never rate-limit fields of ours)."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the body; return what the client gets for it, perhaps nothing yet."""
        ...

    def end(self) -> bytes:
        """The body has ended; return what is left for the client."""
        ...

    def broken(self, error: CallError) -> bytes:
        """The stream broke after it began; return the proper error event of the client's dialect."""
        ...


class Spoken(Protocol):
    """A request in a provider's words.

    Attributes:
        method, path: below the upstream's address.
        headers: of the request's content (content type, version, accept); credentials are added elsewhere. Where the
            dialect is the client's own, its other headers go too (`anthropic-beta`, say), and its `anthropic-version`
            goes before the one here; where it is translated, these are all.
        body: whole.
        output_bound: output tokens at most that this body allows, all choices together.
    """

    method: bytes
    path: bytes
    headers: Headers
    body: bytes
    output_bound: int

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        ...

    def heard(self) -> Heard:
        """Return what makes one attempt's answer the client's."""
        ...
