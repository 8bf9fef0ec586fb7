"""What has no counterpart in the other dialect is refused by name, never left out in silence."""

from collections.abc import Collection
from typing import Any

from seawall.llm.fields import Object
from seawall.llm.seam import NotUnderstood

__all__ = ["CHAT_FIELDS", "EFFORTS", "data_url", "only", "refuse"]

EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))
# Of a chat completion: those that are translated, and those that only concern OpenAI's own books and caches.
CHAT_FIELDS = frozenset((
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "stream",
    "stream_options", "n", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort",
    "service_tier", "modalities", "presence_penalty", "frequency_penalty", "user", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "metadata",
))  # fmt: skip


def only(document: Object, known: Collection[str], provider: str, where: str = "") -> None:
    """Refuse a field that is not known.

    Args:
        document: an object of the request.
        known: names of fields that are translated, or mean nothing for the answer.
        provider: who would be asked, for the message.
        where: the object's place, such as `messages[0].`.

    Raises:
        NotUnderstood: there is another field, and it says something.
    """
    for name, value in document.items():
        if name not in known and _says_something(value):
            raise refuse(where + name, provider)


def _says_something(value: Any) -> bool:
    """Whether a value asks for anything; 0 does (a seed may be 0), null, false and what is empty do not."""
    return value is not None and value is not False and value not in ("", [], {})


def refuse(field: str, provider: str, why: str = "has no counterpart there") -> NotUnderstood:
    """Return the error for what a provider cannot be asked."""
    return NotUnderstood(
        f"{field} cannot be asked of {provider}: it {why}; leave it out, or choose another model", field
    )


def data_url(url: str) -> tuple[str, str] | None:
    """Return media type and base64 of a `data:` URL (RFC 2397), None for another URL or coding."""
    head, comma, data = url.partition(",")
    kind, _, coding = head.removeprefix("data:").rpartition(";")
    if not url.startswith("data:") or not comma or coding != "base64":
        return None
    return kind.partition(";")[0].lower(), data
