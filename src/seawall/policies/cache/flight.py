"""One request upstream for all who wait for the same answer (semantics 7.8), and refreshes behind (7.5, 7.6).

A flight is a task of its own: whoever started it may leave, the others still land. The last one leaving cancels it,
unless it is to go on behind an answer already given.
"""

import asyncio
from functools import partial

from seawall.contracts.body import Source
from seawall.contracts.call import Call, Run
from seawall.contracts.errors import CallError, DeadlineExceeded, Saturated, UpstreamBroken
from seawall.contracts.policy import Proceed
from seawall.contracts.wheel import TimeLimit, Wheel
from seawall.policies.cache.exchange import Question, exchange
from seawall.policies.cache.landing import Flight, Key, Landing
from seawall.policies.cache.second import Second
from seawall.policies.cache.shelf import Marks, Shelf, Ticket, Verdict
from seawall.policies.cache.tee import Tee

__all__ = ["NOT_SHARED", "Flights"]

NOT_SHARED = 30.0  # seconds a key is remembered whose answer may not be shared


class Flights:
    """The flights of one upstream; kept over a reload.

    Args:
        wheel: time, and the loop its tasks run on.

    Attributes:
        table: flights by key.
        under_way: requests that may end in an entry, by URI.
        alone: keys whose answers may not be shared: nobody waits for another there.
        fill: keys of which clients have answers and this cache has not: the next one is asked for without conditions.
        refreshed: refreshes behind so far.
    """

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        self.table: dict[Key, Flight] = {}
        self.under_way: dict[bytes, set[Ticket]] = {}
        self.alone = Marks()
        self.fill = Marks()
        self.refreshed = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def find(self, key: Key, call: Call) -> Flight | None:
        """Return the flight a call may wait for."""
        flight = self.table.get(key)
        return flight if flight is not None and flight.joinable(call.headers) else None

    def start(
        self, key: Key, question: Question, shelf: Shelf, proceed: Proceed, *, behind: bool = False, apart: bool = False
    ) -> Flight:
        """Start a flight: `behind` an answer that was given, or `apart`, so that nobody else waits for it.

        Its call has a run and a deadline of its own: the time a call of this route has, from now, so that neither the
        hint nor the end of the one who started it is everybody's.

        Raises:
            Saturated: the gateway is being taken down.
        """
        if self._closed:
            raise Saturated("The gateway is being taken down", policy="cache")
        call = question.call
        own = call.fork()
        now = self.wheel.now()
        own.run = Run(now, call.run.budget)
        own.run.early = None if behind else call.run.early
        own.deadline = now + call.timeouts.total
        question.call = own
        flight = Flight(key, question, apart)
        if not apart:
            self.table[key] = flight
        flight.kept = behind
        self.refreshed += behind
        task = flight.task = self.wheel.loop.create_task(self._fly(flight, shelf, proceed), name="cache flight")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, flight, shelf))
        return flight

    async def wait(self, flight: Flight, first: bool, until: float | None) -> Landing:
        """Wait until a flight lands.

        Args:
            flight: to wait for.
            first: it was started for this call.
            until: monotonic seconds at which patience ends: an empty landing is returned and the flight goes on.
        """
        if flight.landed:
            return flight.landing(flight.verdict, None, first=False)
        future: asyncio.Future[Landing] = self.wheel.loop.create_future()
        flight.waiters[future] = None
        if first:
            flight.first = future
        entry = None if until is None else self.wheel.add(until, partial(self._lose_patience, flight, future))
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled():  # it had landed, and the one who waited was cancelled in the same turn
                future.result().drop()
            raise
        finally:
            del flight.waiters[future]
            if entry is not None:
                entry.cancel()
            if flight.deserted:
                self._leave(flight)
                flight.task.cancel()

    def doom(self, uri: bytes) -> None:
        """Let nothing that was asked before now be kept under a URI."""
        for ticket in self.under_way.get(uri, ()):
            ticket.doomed = True

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended; nothing starts any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def drain(self) -> None:
        """Wait until what is under way has ended, each within its own deadline."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _fly(self, flight: Flight, shelf: Shelf, proceed: Proceed) -> None:
        second = None if flight.apart else shelf.second
        try:
            if second is not None:
                with TimeLimit(self.wheel, flight.question.call.deadline, DeadlineExceeded):
                    if await self._elsewhere(flight, shelf, second):
                        return
            look = flight.question.ticket.look
            if second is None or look is None:
                await self._ask(flight, shelf, proceed)
            else:
                async with second.holding(look):
                    await self._ask(flight, shelf, proceed)
        except CallError as error:
            flight.land(error=error)
        except Exception as error:
            flight.land(error=error)
            raise

    async def _elsewhere(self, flight: Flight, shelf: Shelf, second: Second) -> bool:
        """Whether another replica has got the answer, which is in the store now; else this one is to ask."""
        question = flight.question
        ticket = question.ticket
        names = list(shelf.store.names(ticket.uri))
        entry, look = await second.find(ticket.uri, ticket.scope, question.call.headers, names, question.old)
        if entry is None or ticket.doomed:
            ticket.look = look
            return False
        shelf.store.put(ticket.uri, (ticket.scope, entry.variant), entry.names, entry)
        self._leave(flight)
        flight.look_again()
        return True

    async def _ask(self, flight: Flight, shelf: Shelf, proceed: Proceed) -> None:
        question = flight.question
        with TimeLimit(self.wheel, question.call.deadline, DeadlineExceeded):
            verdict = await exchange(question, shelf, proceed)
        await self._arrived(flight, shelf, verdict)

    async def _arrived(self, flight: Flight, shelf: Shelf, verdict: Verdict) -> None:
        if not flight.apart:
            self._remember(flight, verdict)
        reply = verdict.reply
        body = None if reply is None else reply.body
        if reply is None or type(body) is bytes:
            self._leave(flight)
            flight.land(verdict)
            return
        source: Source = body  # type: ignore[assignment] # exact type: a Source is never bytes
        call = flight.question.call
        source.limit(call.run.started + call.timeouts.stream if reply.streamed else call.deadline)
        if not verdict.coming:
            self._leave(flight)
            flight.land(verdict)
            return
        flight.tee = Tee(self.wheel, partial(self._unread, flight))
        flight.land(verdict)
        try:
            await self._pump(flight, shelf, verdict, source, flight.tee)
        finally:
            reply.close()

    async def _pump(self, flight: Flight, shelf: Shelf, verdict: Verdict, source: Source, tee: Tee) -> None:
        """Read the body into the tee, and keep it once its end is here."""
        store, largest = shelf.store, shelf.settings.largest
        held, keeping = 0, True
        try:
            while chunk := await source.read():
                tee.add(chunk)
                if keeping:
                    keeping = held + len(chunk) <= largest and store.hold(len(chunk))
                    if keeping:
                        held += len(chunk)
                        continue
                    self._leave(flight)
                    tee.overflow()
                if not tee.readers:
                    return
                await tee.room()
            if keeping:
                store.release(held)
                held = 0
                shelf.finish(flight.question.ticket, verdict, flight.question.call, b"".join(tee.chunks))
            tee.end()
        except CallError as error:
            tee.end(error)
        except BaseException:
            tee.end(UpstreamBroken("The answer was given up", answered=True))
            raise
        finally:
            store.release(held)

    def _remember(self, flight: Flight, verdict: Verdict) -> None:
        """Remember what the answer says of those that come after it under this key."""
        now = self.wheel.now()
        if verdict.status == 304 and verdict.reply is not None and flight.question.old is None:
            self.fill.add(flight.key, now + NOT_SHARED)
        elif verdict.entry is None or (now >= verdict.entry.fresh_until and not verdict.entry.swr):
            # a failure that a stale copy makes good says nothing about sharing
            if not (verdict.failed and flight.question.old is not None):
                self.alone.add(flight.key, now + NOT_SHARED)
        else:
            self.alone.discard(flight.key)
            self.fill.discard(flight.key)

    def _lose_patience(self, flight: Flight, future: "asyncio.Future[Landing]") -> None:
        """Let who waited have the copy; the flight goes on behind, of those apart one for each key."""
        if not future.done():
            flight.kept = not flight.apart or (
                flight.question.keep and self.table.setdefault(flight.key, flight) is flight
            )
            future.set_result(Landing())

    def _unread(self, flight: Flight) -> None:
        """The last reader of a body has closed."""
        if not flight.kept and not flight.task.done():
            self._leave(flight)
            flight.task.cancel()

    def _leave(self, flight: Flight) -> None:
        """Let nobody else find it."""
        if self.table.get(flight.key) is flight:
            del self.table[flight.key]

    def _ended(self, flight: Flight, shelf: Shelf, task: "asyncio.Task[None]") -> None:
        """Close the books of a flight, also of one that was cancelled before it took off."""
        self._tasks.discard(task)
        self._leave(flight)
        shelf.end(flight.question.ticket)
        if not flight.landed:
            flight.land(error=Saturated("The gateway is being taken down", policy="cache"))
        if not task.cancelled() and task.exception() is not None:
            # everybody who waited was given it; a refresh behind had nobody
            self.wheel.loop.call_exception_handler(
                {"message": "a cache flight failed in a way nobody expected", "exception": task.exception()}
            )
