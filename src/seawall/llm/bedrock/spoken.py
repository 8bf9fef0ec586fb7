"""A request of either dialect in Bedrock's words."""

from typing import Any
from urllib.parse import quote

import orjson

from seawall.contracts.bill import Meter
from seawall.contracts.body import Headers
from seawall.llm.bedrock.chat import converse_of_chat
from seawall.llm.bedrock.hearing import Hearing
from seawall.llm.bedrock.messages import converse_of_messages
from seawall.llm.bedrock.meter import ConverseMeter
from seawall.llm.bedrock.to_chat import ChatWriter
from seawall.llm.bedrock.to_messages import MessagesWriter
from seawall.llm.seam import Asked, Heard, NotUnderstood

__all__ = ["Converse"]


class Converse:
    """A `Spoken` for Bedrock: Converse, or ConverseStream where the client wants a stream.

    Args:
        asked: a chat completion of OpenAI's dialect or a message of Anthropic's.
        model: a model's id, an inference profile's, or an ARN.
        max_output: output tokens, put in where the client set no limit.
        stream_usage: means nothing here, Bedrock always tells usage.

    Raises:
        NotUnderstood: it has something that Converse cannot be asked; the message names the field.
    """

    __slots__ = ("_asked", "body", "headers", "method", "output_bound", "path")

    def __init__(self, asked: Asked, model: str, max_output: int, stream_usage: bool = True) -> None:
        self._asked = asked
        self.output_bound = asked.max_output if asked.max_output is not None else max_output
        self.method = b"POST"
        # As botocore sends it: all but unreserved signs are percent-encoded, the colon and the slashes of an ARN too.
        self.path = f"/model/{quote(model, safe='-._~')}/converse{'-stream' if asked.stream else ''}".encode()
        self.headers: Headers = [
            (b"content-type", b"application/json"),
            (b"accept", b"application/vnd.amazon.eventstream" if asked.stream else b"application/json"),
            (b"accept-encoding", b"identity"),
        ]
        self.body = orjson.dumps(_body(asked, model, self.output_bound))

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        return ConverseMeter(self.output_bound)

    def heard(self) -> Heard:
        """Return what makes one attempt's answer the client's."""
        asked = self._asked
        if asked.dialect == "anthropic":
            return Hearing(MessagesWriter(asked.model))
        return Hearing(ChatWriter(asked.model, asked.wants_usage))


def _body(asked: Asked, model: str, most: int) -> dict[str, Any]:
    match asked.dialect, asked.operation:
        case "openai", "chat":
            return converse_of_chat(asked, most)
        case "anthropic", "messages":
            return converse_of_messages(asked, model, most)
    raise NotUnderstood(
        f"{asked.operation} cannot be asked of Bedrock here; chat completions and messages can. Choose another model",
        "model",
    )
