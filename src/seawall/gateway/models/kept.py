"""Answers of models kept for the same question asked again (semantics 7.11): exact match, opt-in for each alias."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.reply import Reply
from seawall.contracts.state import StateLost
from seawall.contracts.store import Entries, Look, SharedEntries
from seawall.gateway.models.stream import ModelStream
from seawall.gateway.models.table import ModelRoute
from seawall.llm.seam import Asked

__all__ = ["LARGEST", "Answers", "KeptAnswer", "Question", "fixed", "question_of", "told"]

LARGEST = 1 << 20  # bytes of an answer that is kept
_OVERHEAD = 700  # bytes of an answer's objects beside its headers and body
_HEADER = 140
# What says who asks or how it is filed, and changes nothing about the answer.
_ASIDE = frozenset(("model", "user", "metadata", "safety_identifier", "prompt_cache_key"))
_NAMES: tuple[tuple[bytes, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer in the client's dialect; a stream as its bytes.

    Attributes:
        headers: content type and what else describes the body.
        body: whole.
        streamed: it came as a stream and is given as one.
        until: monotonic seconds to which it is given again.
        size: bytes it is accounted with.
    """

    headers: Headers
    body: bytes
    streamed: bool
    until: float
    size: int


class Question:
    """One question whose answer may be kept.

    Attributes:
        uri: of the alias.
        field: of the question.
        seconds: for which an answer is kept.
        look: what the store of replicas said, None where nobody shares.
    """

    __slots__ = ("field", "look", "reads", "seconds", "uri", "writes")

    def __init__(self, uri: bytes, field: bytes, seconds: float, *, reads: bool, writes: bool) -> None:
        self.uri = uri
        self.field = field
        self.seconds = seconds
        self.reads = reads
        self.writes = writes
        self.look: Look | None = None


def question_of(asked: Asked, route: ModelRoute, cache_control: bytes | None) -> Question | None:
    """Return the question of a request, None where its answer is not to be kept.

    Args:
        asked: what the client asks.
        route: of the alias.
        cache_control: of the request; `no-cache` asks anew, `no-store` keeps nothing.
    """
    if route.cache is None or asked.document is None:
        return None
    said = (cache_control or b"").lower()
    digest = blake2b(digest_size=16)
    for part in (asked.dialect.encode(), asked.operation.encode(), asked.path, _canonical(asked.document)):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    reads, writes = b"no-cache" not in said and b"no-store" not in said, b"no-store" not in said
    return Question(b"\0models\0" + route.alias.encode(), digest.digest(), route.cache, reads=reads, writes=writes)


def _canonical(document: Mapping[str, Any]) -> bytes:
    """Return what is asked, in one form for everything that means the same."""
    plain = {key: value for key, value in document.items() if key not in _ASIDE}
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


class Answers:
    """Finds and keeps answers.

    Args:
        entries: this process's.
        shared: those of all replicas, None where there are none.
        now: monotonic seconds.
    """

    def __init__(self, entries: Entries[KeptAnswer], shared: SharedEntries | None, now: Callable[[], float]) -> None:
        self._entries = entries
        self._shared = shared
        self._now = now

    async def find(self, question: Question) -> Reply | None:
        """Return the kept answer to a question, or None."""
        if not question.reads:
            return None
        return self.near(question) or await self.far(question)

    def near(self, question: Question) -> Reply | None:
        """Return the answer to a question that this process keeps, or None."""
        kept = self._entries.get(question.uri, (question.field, b""))
        if kept is None or kept.until <= self._now():
            return None
        return _given(kept, self._now())

    async def far(self, question: Question) -> Reply | None:
        """Return the answer to a question that another replica has kept, or None."""
        kept = await self._elsewhere(question)
        return None if kept is None else _given(kept, self._now())

    async def _elsewhere(self, question: Question) -> KeptAnswer | None:
        shared = self._shared
        if shared is None:
            return None
        try:
            question.look = look = await shared.look(
                question.uri, lambda _: [question.field], _NAMES, question.uri + question.field
            )
        except StateLost:
            return None
        for age, data in look.found:
            kept = _unpacked(data, self._now() + question.seconds - age)
            if kept is not None and kept.until > self._now():
                self._entries.put(question.uri, (question.field, b""), (), kept)
                return kept
        return None

    def watch(self, question: Question, reply: Reply) -> None:
        """Keep an answer once it is whole, if it is one to be kept: a good one, of no more than `LARGEST` bytes."""
        body = reply.body
        if reply.status != 200 or not question.writes or fixed(reply):
            self.drop(question)
        elif type(body) is bytes:
            self._keep(question, reply.headers, body, streamed=False)
        elif isinstance(body, ModelStream):
            headers = list(reply.headers)
            body.collect(LARGEST, lambda whole: self._keep(question, headers, whole, streamed=True))
            reply.on_close(lambda: self.drop(question))

    def drop(self, question: Question) -> None:
        """No answer comes of this question."""
        look, question.look = question.look, None
        if look is not None and look.mine and self._shared is not None:
            self._shared.let_go(look.lease)

    def _keep(self, question: Question, headers: Headers, body: bytes, *, streamed: bool) -> None:
        kinds = told(headers)
        size = _OVERHEAD + len(body) + sum([len(name) + len(value) + _HEADER for name, value in kinds])
        if len(body) > LARGEST:
            self.drop(question)
            return
        kept = KeptAnswer(kinds, body, streamed, self._now() + question.seconds, size)
        self._entries.put(question.uri, (question.field, b""), (), kept)
        look, question.look = question.look, None
        if look is not None and self._shared is not None:
            seconds = question.seconds
            self._shared.put(question.uri, question.field, (), _packed(kept), seconds, seconds, look)


def told(headers: Headers) -> Headers:
    """Return the headers of an answer that are everybody's: those that describe its body."""
    return [pair for pair in headers if pair[0] in (b"content-type", b"content-encoding")]


def fixed(reply: Reply) -> bool:
    """Whether a fixed text stands for an answer."""
    return reply.marks is not None and (b"x-seawall-fallback", b"fixed") in reply.marks


def _given(kept: KeptAnswer, now: float) -> Reply:
    member = b"seawall; hit; ttl=%d" % int(kept.until - now)
    reply = Reply(200, [*kept.headers, (b"cache-status", member)], kept.body, streamed=kept.streamed)
    reply.mark(b"x-seawall-cost", b"0")
    return reply


def _packed(kept: KeptAnswer) -> bytes:
    head = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in kept.headers]
    return orjson.dumps([head, kept.streamed]) + b"\n" + kept.body


def _unpacked(data: bytes, until: float) -> KeptAnswer | None:
    head, newline, body = data.partition(b"\n")
    try:
        pairs, streamed = orjson.loads(head)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    except (ValueError, TypeError, AttributeError):  # another version wrote it
        return None
    if not newline:
        return None
    return KeptAnswer(headers, body, bool(streamed), until, _OVERHEAD + len(data))
