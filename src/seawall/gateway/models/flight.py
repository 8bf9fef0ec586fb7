"""One question asked of a model for everybody who asks it just now, and its answer as each of them gets it."""

import asyncio

from seawall.contracts.body import Headers
from seawall.contracts.call import Call
from seawall.contracts.errors import CallError, Refusal
from seawall.contracts.reply import Reply
from seawall.gateway.models.kept import told
from seawall.gateway.models.stream import ModelStream
from seawall.pipeline.tees import Tee, TeeReader

__all__ = ["Flight", "Key", "SharedBody"]

Key = tuple[bytes, bytes]
"""Alias and question."""


class SharedBody:
    """A `Source`: one reader of a stream that several read.

    Args:
        reader: of this one.
        stream: what all of them read.
    """

    __slots__ = ("_reader", "_stream", "close", "limit", "read")

    def __init__(self, reader: TeeReader, stream: ModelStream) -> None:
        self._reader = reader
        self._stream = stream
        self.read, self.close, self.limit = reader.read, reader.close, reader.limit

    @property
    def error(self) -> CallError | None:
        """Why the stream broke off after it began, or None."""
        return self._stream.error


class Flight:
    """A question on its way.

    Attributes:
        task: that asks it.
        leader: who asked first; told whatever it comes to.
        followers: who asked meanwhile; told an answer that may be shared, or None.
        tee: the body of an answer that still comes, None before and for a whole one.
        refused: it came to nothing by a limit of its leader's own, and nothing was sent.
    """

    __slots__ = ("_headers", "_reply", "_stream", "followers", "key", "leader", "refused", "task", "tee")

    def __init__(self, key: Key, loop: asyncio.AbstractEventLoop) -> None:
        self.key = key
        self.task: asyncio.Task[None]
        self.leader: asyncio.Future[tuple[Reply, Call]] = loop.create_future()
        self.followers: dict[asyncio.Future[Reply | None], None] = {}  # a set has no order
        self.tee: Tee | None = None
        self.refused = False
        self._stream: ModelStream | None = None
        self._reply: Reply | None = None
        self._headers: Headers = []

    @property
    def deserted(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.leader.done() and not self.followers and (self.tee is None or not self.tee.readers)

    def land(self, reply: Reply, call: Call) -> None:
        """It came to a whole answer that may be shared."""
        self._reply = reply
        self._tell_followers()
        self._tell_leader(reply, call)

    def land_alone(self, reply: Reply, call: Call) -> None:
        """It came to something that is the leader's alone, an error say."""
        self._tell_nobody()
        self._tell_leader(reply, call)

    def land_streaming(self, reply: Reply, call: Call, stream: ModelStream, tee: Tee) -> None:
        """It came to the beginning of an answer; `reply` itself stays with whoever reads its body into the tee."""
        self._reply, self._stream, self.tee = reply, stream, tee
        if not self.leader.done():
            own = Reply(reply.status, reply.headers, SharedBody(tee.reader(), stream), None, reply.streamed)
            own.marks = reply.marks
            self.leader.set_result((own, call))
        self._tell_followers()

    def fail(self, error: BaseException) -> None:
        """It came to nothing; an error is its leader's alone."""
        self.refused = isinstance(error, Refusal) and error.policy in ("spend", "callers")
        self._tell_nobody()
        if not self.leader.done():
            self.leader.set_exception(error)

    def share(self) -> Reply | None:
        """Return the answer for one more, None where there is none yet or no more."""
        reply, tee, stream = self._reply, self.tee, self._stream
        if reply is None:
            return None
        headers = [*told(reply.headers), (b"cache-status", b"seawall; fwd=uri-miss; collapsed")]
        if tee is None or stream is None:
            shared = Reply(200, headers, reply.body, None, reply.streamed)
        elif tee.open:
            shared = Reply(200, headers, SharedBody(tee.reader(), stream), None, reply.streamed)
        else:
            return None
        shared.mark(b"x-seawall-cost", b"0")
        return shared

    def abandon(self) -> None:
        """Let go of an answer that still comes: it is settled before who read it last tells of its call."""
        if self.tee is not None and self._reply is not None:
            self._reply.close()

    def _tell_leader(self, reply: Reply, call: Call) -> None:
        if self.leader.done():
            reply.close()
        else:
            self.leader.set_result((reply, call))

    def _tell_followers(self) -> None:
        for waiting in self.followers:
            if not waiting.done():
                waiting.set_result(self.share())

    def _tell_nobody(self) -> None:
        for waiting in self.followers:
            if not waiting.done():
                waiting.set_result(None)
