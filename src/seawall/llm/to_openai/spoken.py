"""A message of Anthropic's dialect in the words of a chat completion."""

import orjson

from seawall.contracts.bill import Meter
from seawall.llm import fields
from seawall.llm.counterparts import refuse
from seawall.llm.meters import ReadingMeter
from seawall.llm.same import content_headers
from seawall.llm.seam import Asked, Heard
from seawall.llm.to_openai.request import chat_of_message
from seawall.llm.to_openai.writer import MessageWriter
from seawall.llm.translating import Translating

__all__ = ["MessageToChat"]


class MessageToChat:
    """A message asked as a chat completion.

    Args:
        asked: what the client asks.
        model: as the provider knows it.
        max_output: output tokens where the client set no limit.
        stream_usage: the provider understands `stream_options`.

    Raises:
        NotUnderstood: something has no counterpart; the message names the field.
    """

    __slots__ = ("_asked", "body", "headers", "method", "output_bound", "path")

    def __init__(self, asked: Asked, model: str, max_output: int, stream_usage: bool) -> None:
        self._asked = asked
        limit = fields.whole(asked.document or {}, "max_tokens")
        if limit == 0:
            raise refuse("max_tokens", "a chat completion", "must be at least 1: only Anthropic warms a cache by 0")
        self.output_bound = max_output if limit is None else limit
        self.method = b"POST"
        self.path = b"/chat/completions"
        self.headers = content_headers("openai", b"application/json", asked.stream)
        self.body = orjson.dumps(chat_of_message(asked, model, self.output_bound, stream_usage))

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        return ReadingMeter("openai", "chat", self.output_bound)

    def heard(self) -> Heard:
        """Return what makes one attempt's answer a message."""
        return Translating("anthropic", "messages", "chat", MessageWriter(self._asked.model))
