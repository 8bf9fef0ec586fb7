"""A chat completion in Anthropic's words."""

import orjson

from seawall.contracts.bill import Meter
from seawall.llm.meters import ReadingMeter
from seawall.llm.same import content_headers
from seawall.llm.seam import Asked, Heard
from seawall.llm.to_anthropic.request import message_of_chat
from seawall.llm.to_anthropic.writer import ChatWriter
from seawall.llm.translating import Translating

__all__ = ["ChatToAnthropic"]


class ChatToAnthropic:
    """A chat completion asked of Anthropic's Messages API.

    Args:
        asked: what the client asks.
        model: as Anthropic knows it.
        max_output: output tokens where the client set no limit; Anthropic needs one.
        stream_usage: means nothing here; its streams tell usage unasked.

    Raises:
        NotUnderstood: something has no counterpart; the message names the field.
    """

    __slots__ = ("_asked", "body", "headers", "method", "output_bound", "path")

    def __init__(self, asked: Asked, model: str, max_output: int, stream_usage: bool) -> None:
        self._asked = asked
        self.output_bound = asked.max_output or max_output
        self.method = b"POST"
        self.path = b"/v1/messages"
        self.headers = content_headers("anthropic", b"application/json", asked.stream)
        self.body = orjson.dumps(message_of_chat(asked, model, self.output_bound))

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        return ReadingMeter("anthropic", "messages", self.output_bound)

    def heard(self) -> Heard:
        """Return what makes one attempt's answer a chat completion."""
        writer = ChatWriter(self._asked.model, self._asked.wants_usage)
        return Translating("openai", "chat", "messages", writer)
