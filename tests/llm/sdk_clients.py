"""The real SDKs as clients of one recorded answer, translated or not: what they make of the bytes is what counts."""

from collections.abc import Callable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
from pydantic import TypeAdapter

from seawall.llm.seam import Asked, Operation, Spoken
from seawall.llm.speak import speak
from seawall.llm.understand import understand

ROUTES: dict[str, Operation] = {
    "/v1/chat/completions": "chat", "/v1/responses": "responses", "/v1/embeddings": "embeddings",
    "/v1/completions": "completions", "/v1/moderations": "moderations", "/v1/images/generations": "images",
    "/v1/audio/transcriptions": "audio", "/v1/audio/speech": "audio",
    "/v1/messages": "messages", "/v1/messages/count_tokens": "count_tokens",
}  # fmt: skip
ANTHROPIC = frozenset(("messages", "count_tokens"))


class Seen:
    """What a fake provider was asked, and what it answers.

    Attributes:
        asked: what was understood of the client's request.
        spoken: what the provider is sent.
    """

    def __init__(self, api: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.api = api
        self.status = status
        self.headers = headers
        self.body = body
        self.asked: Asked | None = None
        self.spoken: Spoken | None = None

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        operation = ROUTES[request.url.path]
        dialect: Any = "anthropic" if operation in ANTHROPIC else "openai"
        kind = request.headers.get("content-type", "").encode()
        path = request.url.raw_path.removeprefix(b"/v1")
        self.asked = understand(dialect, operation, path, kind, request.read())
        self.spoken = speak(self.asked, self.api, "provider-model", 4096, True)
        heard = self.spoken.heard()
        status, headers = heard.head(self.status, self.headers)
        middle = len(self.body) // 2
        body = heard.feed(self.body[:middle]) + heard.feed(self.body[middle:]) + heard.end()
        return httpx2.Response(status, headers=headers, content=body)


def openai_client(seen: Callable[[httpx2.Request], httpx2.Response]) -> openai.OpenAI:
    """Return the real client over a transport that answers at once."""
    http = httpx2.Client(transport=httpx2.MockTransport(seen))
    return openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http, max_retries=0)


def anthropic_client(seen: Callable[[httpx2.Request], httpx2.Response]) -> anthropic.Anthropic:
    """Return the real client over a transport that answers at once."""
    http = httpx2.Client(transport=httpx2.MockTransport(seen))
    return anthropic.Anthropic(api_key="k", base_url="http://gateway", http_client=http, max_retries=0)


def conforms(kind: Any, body: dict[str, Any]) -> None:
    """Check a request against the SDK's own parameter types; a field they do not know is lost on the way, and told."""
    assert _whole(_adapter(kind).validate_python(body)) == body


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what checks, made once: it must outlive the lists that it looks into as they are read."""
    return TypeAdapter(kind)


def _whole(value: Any) -> Any:
    """Return what a validator found: it looks into lists only as they are read."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return [_whole(inner) for inner in value]
