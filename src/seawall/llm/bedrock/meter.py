"""What an answer of Bedrock used, read as it passes."""

from decimal import Decimal
from typing import Any

from seawall.contracts.bill import Terms
from seawall.contracts.body import Headers
from seawall.contracts.usage import NOTHING, Usage
from seawall.llm.bedrock.eventstream import Event, EventStream
from seawall.llm.bedrock.failures import parsed
from seawall.llm.bedrock.hearing import LARGEST, is_stream
from seawall.llm.bedrock.usage import tier_in, tokens_of, usage_of

__all__ = ["ConverseMeter"]

# A model that timed out or failed may have worked and bill, and so may what a proxy between gave up on.
_UNSURE = frozenset((408, 424, 502, 504))


class ConverseMeter:
    """Reads one attempt's answer.

    Args:
        most: output tokens that were reserved; no count passes it.
    """

    __slots__ = ("_decoder", "_most", "_pieces", "_seen", "_size", "_status", "_tier", "_usage")

    def __init__(self, most: int) -> None:
        self._most = most
        self._status = 200
        self._decoder: EventStream | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._seen = 0
        self._tier: str | None = None
        self._usage: Usage | None = None

    def head(self, status: int, headers: Headers) -> None:
        """See the head."""
        self._status = status
        if is_stream(headers):
            self._decoder = EventStream()

    def feed(self, chunk: bytes) -> None:
        """See a piece of the body."""
        if self._decoder is None:
            self._size += len(chunk)
            if self._size <= LARGEST:
                self._pieces.append(chunk)
            return
        for event in self._decoder.feed(chunk):
            self._read(event)

    def usage(self) -> Usage | None:
        """Return what Bedrock reported; nothing used for an error that it does not bill."""
        if self._status >= 400 and self._status not in _UNSURE:
            return NOTHING
        if self._usage is None and self._pieces and self._size <= LARGEST:
            said = parsed(b"".join(self._pieces))
            self._usage, self._tier = usage_of(said), tier_in(said)
        return self._usage

    def begun(self) -> Usage | None:
        """Return None: Bedrock tells all of the usage at the end."""
        return None

    def terms(self) -> Terms:
        """Return the service tier that the answer told."""
        return Terms(self._tier)

    def seen(self) -> int:
        """Return output tokens seen so far: of a whole answer that was cut, its bytes."""
        seen = self._seen if self._decoder is not None else -(-self._size // 3)
        return min(seen, self._most)

    def price(self) -> Decimal | None:
        """Return None: Bedrock tells no price."""
        return None

    def _read(self, event: Event) -> None:
        if event.kind != "event":
            return
        if event.name == "metadata":
            said = parsed(event.payload)
            self._usage, self._tier = usage_of(said) or self._usage, tier_in(said)
        elif event.name == "contentBlockDelta":
            self._seen += _tokens(parsed(event.payload).get("delta"))


def _tokens(delta: Any) -> int:
    match delta:
        case {"text": str(text)} | {"toolUse": {"input": str(text)}} | {"reasoningContent": {"text": str(text)}}:
            return tokens_of(text)
    return 1
