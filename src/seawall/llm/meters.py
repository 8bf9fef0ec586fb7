"""What an answer used, read as it passes: from the whole body, or from whichever event of a stream carries it.

No event is parsed but those that carry usage; they are told by their bytes.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from seawall.contracts.bill import STANDARD, Terms
from seawall.contracts.body import Headers
from seawall.contracts.usage import NOTHING, Usage
from seawall.llm.passing import carries_usage, is_stream
from seawall.llm.seam import Api, Operation
from seawall.llm.sse import Cutter, events
from seawall.llm.tally import AUDIO_BYTES, MARKERS, tally
from seawall.llm.usages import anthropic_usage, openai_usage, searches, tier_of, usage_in

__all__ = ["FREE", "ReadingMeter", "unbilled"]

FREE: frozenset[Operation] = frozenset(("count_tokens", "moderations"))
# A longer answer (pictures, vectors) is read from its end, where usage stands; it is neither kept nor parsed whole.
_WHOLE = 256 * 1024
_TAIL = 64 * 1024
# Statuses that come from something between here and the provider, which may have worked and bill.
_UNSURE = frozenset((502, 504, 520, 521, 522, 523, 524, 525, 526, 527))


def unbilled(status: int) -> bool:
    """Whether a provider bills nothing for an answer with this status."""
    return status >= 400 and status not in _UNSURE


class ReadingMeter:
    """Reads one attempt's answer in OpenAI's or Anthropic's format.

    Args:
        api: whose format it is.
        operation: what was asked.
        most: output tokens that were reserved; no count passes it.
    """

    __slots__ = (
        "_api", "_cutter", "_files", "_long", "_markers", "_most", "_operation", "_pieces", "_seen", "_size",
        "_started", "_status", "_tier", "_usage",
    )  # fmt: skip

    def __init__(self, api: Api, operation: Operation, most: int) -> None:
        self._api: Api = api
        self._operation: Operation = operation
        self._markers = MARKERS.get(operation, ())
        self._most = most
        self._status = 0
        self._cutter: Cutter | None = None  # of a stream
        self._pieces: list[bytes] = []
        self._size = 0
        self._long = False
        self._seen = 0
        self._started: Mapping[str, Any] = {}
        self._tier: str | None = None
        self._files = 0
        self._usage: Usage | None = None

    def head(self, status: int, headers: Headers) -> None:
        """See the head."""
        self._status = status
        self._cutter = Cutter() if is_stream(headers) else None

    def feed(self, chunk: bytes) -> None:
        """See a piece of the body."""
        if self._cutter is not None:
            if whole := self._cutter.feed(chunk):
                self._read(whole)
            return
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > _WHOLE and self._operation != "responses":
            self._forget()

    def usage(self) -> Usage | None:
        """Return what the provider reported; nothing used for an answer that no provider bills."""
        if self._operation in FREE or (self._status >= 400 and unbilled(self._status)):
            return NOTHING
        if self._cutter is not None:
            self._report(self._cutter.held())  # the last event may lack its blank line
        elif self._usage is None and self._pieces:
            self._usage = self._plain(b"".join(self._pieces))
        return self._usage

    def begun(self) -> Usage | None:
        """Return what Anthropic's `message_start` told, with no output."""
        found = anthropic_usage(self._started) if self._started else None
        return None if found is None else found._replace(output=0, reasoning=0)

    def terms(self) -> Terms:
        """Return the service tier that the answer told, and how many searches were of stored files."""
        return STANDARD if self._tier is None and not self._files else Terms(self._tier, self._files)

    def seen(self) -> int:
        """Return output tokens seen so far: see `tally`; a picture counts as a whole one, sound by its bytes."""
        if self._operation == "images":
            return self._most if self._seen or self._size else 0
        seen = self._seen
        if self._cutter is None and self._size:
            seen = self._size // AUDIO_BYTES if self._operation == "audio" else tally(self._joined(), self._markers)
        return min(seen, self._most)

    def price(self) -> Decimal | None:
        """Return None: these answers tell no price that counts."""
        return None

    def _joined(self) -> bytes:
        return b"".join(self._pieces)

    def _forget(self) -> None:
        """Let go of the beginning of a long answer, all but the end."""
        self._long = True
        while len(self._pieces) > 1 and self._size - len(self._pieces[0]) >= _TAIL:
            self._size -= len(self._pieces.pop(0))

    def _read(self, whole: bytes) -> None:
        self._seen += tally(whole, self._markers) if self._markers else 1
        self._report(whole)

    def _report(self, whole: bytes) -> None:
        if carries_usage(whole):
            for event in events(whole):
                if b'"usage"' in event.data:
                    self._take(_parsed(event.data))

    def _take(self, said: Mapping[str, Any]) -> None:
        found = usage_in(said)
        if found is None:
            return
        if self._api != "anthropic":
            self._usage = self._openai(said, found) or self._usage
        elif said.get("type") == "message_start":
            self._started = found
            self._tier = tier_of(found)
        else:  # cumulative, and silent about what has not changed
            told = {name: value for name, value in found.items() if value is not None}
            self._usage = anthropic_usage({**self._started, **told})

    def _plain(self, body: bytes) -> Usage | None:
        large = self._long or (len(body) > _WHOLE and self._operation != "responses")
        said = {} if large else _parsed(body)
        found = _last_usage(body) if large else usage_in(said)
        if found is None:
            return None
        if self._api == "anthropic":
            self._tier = tier_of(found)
            return anthropic_usage(found)
        return self._openai(said, found)

    def _openai(self, said: Mapping[str, Any], found: Mapping[str, Any]) -> Usage | None:
        usage = openai_usage(found)
        inner = said.get("response")
        whole = inner if isinstance(inner, dict) else said
        self._tier = tier_of(whole)
        if usage is None or self._operation != "responses":
            return usage
        web, self._files = searches(whole)
        return usage._replace(tools=web + self._files)


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _last_usage(body: bytes) -> Mapping[str, Any] | None:
    """Return the last usage object of a body whose beginning was let go."""
    at = body.rfind(b'"usage"')
    opening = body.find(b"{", at)
    if at < 0 or opening < 0:
        return None
    depth = 0
    for index in range(opening, min(len(body), opening + 4096)):
        depth += {0x7B: 1, 0x7D: -1}.get(body[index], 0)
        if depth == 0:
            return _parsed(body[opening : index + 1]) or None
    return None
