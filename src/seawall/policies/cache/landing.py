"""A flight and what it comes to for each who waits (semantics 7.8)."""

import asyncio

from seawall.contracts.call import Run
from seawall.policies.cache.exchange import Question
from seawall.policies.cache.key import variant
from seawall.policies.cache.shelf import Verdict
from seawall.policies.cache.tee import Tee, TeeReader

__all__ = ["Flight", "Key", "Landing"]

Key = tuple[bytes, bytes, bytes]  # URI, scope, variant as far as known


class Landing:
    """What a flight came to, for one of those who waited.

    Attributes:
        verdict: None where it failed, or where patience ran out before it landed.
        error: why it failed.
        first: for whom it was started: the answer itself is this one's and nobody else's.
        reader: of the body, where that still comes.
        run: what the flight cost, for the first one's books.
        again: an answer has come into the store from elsewhere: look there again.
    """

    __slots__ = ("again", "error", "first", "reader", "run", "verdict")

    def __init__(
        self,
        verdict: Verdict | None = None,
        error: BaseException | None = None,
        first: bool = False,
        reader: TeeReader | None = None,
        run: Run | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.again = again
        self.verdict = verdict
        self.error = error
        self.first = first
        self.reader = reader
        self.run = run

    def drop(self) -> None:
        """Nobody takes it."""
        if self.reader is not None:
            self.reader.close()
        elif self.first and self.verdict is not None and self.verdict.reply is not None:
            self.verdict.reply.close()


class Flight:
    """One request upstream and those who wait for it.

    Attributes:
        key: of the flight.
        apart: nobody else waits for it, and it says nothing of those that come after it.
        question: what is asked; its call has a run and a deadline of its own.
        waiters: whose futures get a `Landing`, in the order they came.
        first: the future of the one it was started for, None for a refresh behind.
        kept: it goes on though nobody waits.
        landed: the head of the answer is here, or it failed.
        verdict: on the answer.
        tee: its body, while that comes.
    """

    __slots__ = ("apart", "first", "kept", "key", "landed", "question", "task", "tee", "verdict", "waiters")

    task: "asyncio.Task[None]"

    def __init__(self, key: Key, question: Question, apart: bool = False) -> None:
        self.key = key
        self.apart = apart
        self.question = question
        self.waiters: dict[asyncio.Future[Landing], None] = {}
        self.first: asyncio.Future[Landing] | None = None
        self.kept = False
        self.landed = False
        self.verdict: Verdict | None = None
        self.tee: Tee | None = None

    @property
    def deserted(self) -> bool:
        """Whether nobody wants it any more, before it has landed."""
        return not (self.landed or self.waiters or self.kept)

    def joinable(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers may wait for it."""
        if self.question.ticket.doomed:
            return False
        if not self.landed:
            return True
        verdict = self.verdict
        if self.tee is None or not self.tee.open or verdict is None or verdict.entry is None:
            return False
        return variant(verdict.entry.names, headers) == verdict.entry.variant

    def land(self, verdict: Verdict | None = None, error: BaseException | None = None) -> None:
        """Give everybody who waits what it came to; what only the first may have and nobody takes is closed."""
        self.landed = True
        self.verdict = verdict
        taken = False
        for future in self.waiters:
            if not future.done():
                landing = self.landing(verdict, error, future is self.first)
                taken = taken or landing.first
                future.set_result(landing)
        if not taken and self.tee is None and verdict is not None and verdict.reply is not None:
            verdict.reply.close()

    def look_again(self) -> None:
        """Send everybody who waits back to the store, where another replica's answer is now."""
        self.landed = True
        for future in self.waiters:
            if not future.done():
                future.set_result(Landing(again=True))

    def landing(self, verdict: Verdict | None, error: BaseException | None, first: bool) -> Landing:
        """Return what it came to for one of those who wait."""
        reader = None if self.tee is None else self.tee.reader()
        return Landing(verdict, error, first, reader, self.question.call.run if first else None)
