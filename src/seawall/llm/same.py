"""A request in the provider's own dialect: the client's bytes but for three splices."""

from collections.abc import Mapping

import orjson

from seawall.contracts.bill import Meter
from seawall.contracts.body import Headers
from seawall.llm import multipart
from seawall.llm.meters import ReadingMeter
from seawall.llm.passing import Passing
from seawall.llm.seam import Api, Asked, Heard, Operation
from seawall.llm.splice import Splices, document_of, put_plainly
from seawall.llm.understand import LEGACY_OUTPUT

__all__ = ["ANTHROPIC_VERSION", "IMAGE_OUTPUT", "SPOKEN_OUTPUT", "Same"]

ANTHROPIC_VERSION = b"2023-06-01"
# The most output tokens of one picture: 1024 x 1536 at high quality is 6,240, and 100 for each partial picture shown.
IMAGE_OUTPUT = 8_192
# The most output tokens of one spoken or written-down answer: the window of the models that make them.
SPOKEN_OUTPUT = 16_384

_JSON = (b"content-type", b"application/json")
_STREAM, _WHOLE = (b"accept", b"text/event-stream"), (b"accept", b"application/json")
_PLAIN = (b"accept-encoding", b"identity")
_VERSION = (b"anthropic-version", ANTHROPIC_VERSION)
_CAP: Mapping[Operation, str] = {
    "chat": "max_completion_tokens",
    "responses": "max_output_tokens",
    "completions": "max_tokens",
    "messages": "max_tokens",
}


class Same:
    """A request passed on in its own dialect.

    Args:
        asked: what the client asks.
        model: as the provider knows it.
        max_output: the output limit put in where the client set none, tokens for one choice.
        stream_usage: the server understands `stream_options`.
    """

    __slots__ = ("_asked", "_hides", "body", "headers", "method", "output_bound", "path")

    def __init__(self, asked: Asked, model: str, max_output: int, stream_usage: bool) -> None:
        self._asked = asked
        most = _limit(asked, max_output)
        adds_usage = (
            stream_usage and asked.stream and not asked.wants_usage and asked.operation in ("chat", "completions")
        )
        self._hides = adds_usage
        self.method = b"POST"
        self.path = path_of(asked)
        self.headers = content_headers(asked.dialect, asked.content_type, asked.stream)
        self.body = _body(asked, model, most if asked.max_output is None else None, adds_usage)
        self.output_bound = most * asked.choices + _predicted(asked)

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        return ReadingMeter(self._asked.dialect, self._asked.operation, self.output_bound)

    def heard(self) -> Heard:
        """Return what passes one attempt's answer on."""
        return Passing(self._asked.dialect, self._asked.operation, hides_usage=self._hides)


def path_of(asked: Asked) -> bytes:
    """Return the path below the provider's address: OpenAI's addresses end in `/v1`, Anthropic's do not."""
    bare = asked.path.removeprefix(b"/v1")
    return b"/v1" + bare if asked.dialect == "anthropic" else bare


def content_headers(api: Api, content_type: bytes, stream: bool) -> Headers:
    """Return the headers of a request's content; no coding is accepted, since usage is read from what comes."""
    kind = _JSON if content_type == b"application/json" or not content_type else (b"content-type", content_type)
    headers: Headers = [kind, _STREAM if stream else _WHOLE, _PLAIN]
    if api == "anthropic":
        headers.append(_VERSION)
    return headers


def _limit(asked: Asked, max_output: int) -> int:
    """Return the output tokens of one choice at most."""
    if asked.max_output is not None:
        return asked.max_output
    match asked.operation:
        case "chat" | "responses" | "messages":
            return max_output
        case "completions":
            return min(LEGACY_OUTPUT, max_output)
        case "images":
            return IMAGE_OUTPUT
        case "audio":
            return SPOKEN_OUTPUT
        case "embeddings" | "moderations" | "count_tokens":
            return 0


def _predicted(asked: Asked) -> int:
    """Return tokens of a prediction: those refused are output too, beside the limit."""
    document = asked.document
    if asked.operation != "chat" or document is None:
        return 0
    prediction = document.get("prediction")
    return len(orjson.dumps(prediction)) if prediction is not None else 0


def _body(asked: Asked, model: str, cap: int | None, adds_usage: bool) -> bytes:
    if asked.document is None:
        if model == asked.model:
            return asked.body
        return multipart.replaced(asked.body, multipart.fields(asked.content_type, asked.body)["model"], model.encode())
    name = _CAP.get(asked.operation)
    capped = name is not None and cap is not None
    if not capped and not adds_usage and model == asked.document.get("model"):
        return asked.body
    document = document_of(asked.document, asked.body)
    if model != asked.model and not adds_usage and name is not None and cap is not None:
        done = put_plainly(document, "model", orjson.dumps(model).decode(), {name: str(cap)})
        if done is not None:
            return done
    splices = Splices(document)
    if model != asked.document.get("model"):
        splices.put("model", orjson.dumps(model).decode())
    if name is not None and cap is not None:
        splices.put(name, str(cap))
    if adds_usage:
        splices.put_inside("stream_options", "include_usage", "true")
    return splices.done()
