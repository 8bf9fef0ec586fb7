"""The same question asked by several at once: one of them asks the model, the others get its answer (semantics 7.8).

A flight is a task of its own: who asked first may leave, the others still land, and the last one leaving ends it. An
error is told to the first one alone; the others then ask for themselves, or, where it was refused by a limit of its
own before anything was sent, one of them does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from seawall.contracts.call import Call
from seawall.contracts.errors import CallError, DeadlineExceeded, Saturated, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.contracts.wheel import TimeLimit, Wheel
from seawall.gateway.models.flight import Flight, Key
from seawall.gateway.models.kept import LARGEST, Answers, Question, fixed
from seawall.gateway.models.stream import ModelStream
from seawall.llm.seam import NotUnderstood
from seawall.pipeline.tees import Tee

__all__ = ["Flights"]

_DOWN = "The gateway is being taken down"


class Flights:
    """Questions on their way.

    Args:
        answers: keep what they come to.
        wheel: time, and the loop tasks run on.

    Attributes:
        answers: as given.
    """

    def __init__(self, answers: Answers, wheel: Wheel) -> None:
        self.answers = answers
        self._wheel = wheel
        self._table: dict[Key, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def find(self, question: Question) -> Flight | None:
        """Return the flight of a question, or None."""
        return self._table.get((question.uri, question.field))

    def start(self, question: Question, ask: Callable[[], Awaitable[tuple[Reply, Call]]]) -> Flight:
        """Ask a question, for whoever asks it meanwhile too.

        Raises:
            Saturated: the gateway is being taken down.
        """
        if self._closed:
            raise Saturated(_DOWN, policy="cache")
        loop = self._wheel.loop
        key = question.uri, question.field
        flight = self._table[key] = Flight(key, loop)
        task = flight.task = loop.create_task(self._fly(flight, question, ask), name="model flight")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, flight, question))
        return flight

    async def lead(self, flight: Flight, until: float) -> tuple[Reply, Call]:
        """Return what a flight came to, for who started it.

        Raises:
            CallError, NotUnderstood: what it came to; `DeadlineExceeded` where that was not before `until`.
        """
        waiting = flight.leader
        try:
            with TimeLimit(self._wheel, until, DeadlineExceeded):
                return await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                waiting.result()[0].close()  # it had landed in the turn in which its leader was cancelled
            self._look_after(flight)
            if flight.deserted:
                await asyncio.wait((flight.task,))  # what it used is to be known to who tells of the call
            raise

    async def follow(self, flight: Flight, until: float) -> Reply | None:
        """Return a flight's answer for one more, None where it may not be shared.

        Raises:
            DeadlineExceeded: it did not come before `until`.
        """
        found = flight.share()
        if found is not None:
            return found
        waiting: asyncio.Future[Reply | None] = self._wheel.loop.create_future()
        flight.followers[waiting] = None
        try:
            with TimeLimit(self._wheel, until, DeadlineExceeded):
                return await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled() and (reply := waiting.result()) is not None:
                reply.close()
            raise
        finally:
            del flight.followers[waiting]
            self._look_after(flight)

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended; nothing starts any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _fly(self, flight: Flight, question: Question, ask: Callable[[], Awaitable[tuple[Reply, Call]]]) -> None:
        try:
            reply, call = await ask()
        except (CallError, NotUnderstood) as error:
            self._leave(flight)
            flight.fail(error)
            return
        except Exception as error:
            self._leave(flight)
            flight.fail(error)
            raise
        body = reply.body
        if isinstance(body, ModelStream):
            await self._pump(flight, question, reply, call, body)
            return
        self.answers.watch(question, reply)
        self._leave(flight)
        if reply.status == 200 and not fixed(reply):
            flight.land(reply, call)
        else:
            flight.land_alone(reply, call)

    async def _pump(self, flight: Flight, question: Question, reply: Reply, call: Call, stream: ModelStream) -> None:
        """Read the body for all who read it; the keeper of answers sees it pass."""
        tee = Tee(self._wheel, partial(self._look_after, flight))
        self.answers.watch(question, reply)
        flight.land_streaming(reply, call, stream, tee)
        left = LARGEST
        try:
            while chunk := await stream.read():
                tee.add(chunk)
                left -= len(chunk)
                if left < 0:  # it will not be kept, so nobody joins any more
                    self._leave(flight)
                    tee.overflow()
                    await tee.room()
            self._leave(flight)
            tee.end()
        except CallError as error:
            self._leave(flight)
            tee.end(error)
        except BaseException:
            tee.end(UpstreamBroken("The answer was given up", answered=True))
            raise
        finally:
            reply.close()

    def _look_after(self, flight: Flight) -> None:
        """End a flight that nobody waits for."""
        if flight.deserted and not flight.task.done():
            self._leave(flight)
            flight.abandon()
            flight.task.cancel()

    def _leave(self, flight: Flight) -> None:
        """Let nobody else find it."""
        if self._table.get(flight.key) is flight:
            del self._table[flight.key]

    def _ended(self, flight: Flight, question: Question, task: "asyncio.Task[None]") -> None:
        """Close the books of a flight, also of one that was cancelled before it took off."""
        self._tasks.discard(task)
        self._leave(flight)
        self.answers.drop(question)
        flight.fail(Saturated(_DOWN, policy="cache"))
        if not task.cancelled():
            task.exception()  # its leader was told
