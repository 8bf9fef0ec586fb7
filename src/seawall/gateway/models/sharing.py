"""A question whose answer may be kept: answered from what is kept, from one on its way, or by asking."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from seawall.contracts.call import Call
from seawall.contracts.reply import Reply
from seawall.gateway.models.asking import Asking
from seawall.gateway.models.flights import Flights
from seawall.gateway.models.kept import Answers, Question
from seawall.gateway.models.table import ModelRoute
from seawall.llm.seam import Asked

__all__ = ["Asker", "Sharing"]


class Asker(NamedTuple):
    """Who asks what.

    Attributes:
        call: the client's.
        asked: what it asks.
        route: of the alias.
        hold: holds tokens of the caller's limits before a model is asked, and returns how many.
        pay: charges so many of them, for who leaves while others wait for the answer it asked for.
    """

    call: Call
    asked: Asked
    route: ModelRoute
    hold: Callable[[], Awaitable[int]]
    pay: Callable[[int], None]


class Sharing:
    """Answers questions.

    Args:
        answers: that are kept.
        flights: that are on their way.
        asking: asks models.
    """

    def __init__(self, answers: Answers, flights: Flights, asking: Asking) -> None:
        self._answers = answers
        self._flights = flights
        self._asking = asking

    async def __call__(self, asker: Asker, question: Question) -> tuple[Reply, Call]:
        """Return the answer, and the call that met it or the client's own.

        Raises:
            CallError: what asking came to.
            NotUnderstood: no model could be asked that.
        """
        call = asker.call
        found = await self._found(call, question) if question.reads else None
        if found is not None:
            call.run.cache = "hit"
            return found, call
        call.run.cache = "miss"
        if question.reads and question.writes and self._flights.find(question) is None:
            reply, met = await self._lead(asker, question)
        else:  # it wants to be asked anew, or one that was asked for all came to nothing
            reply, met = await self._alone(asker, question)
        reply.headers = [*reply.headers, (b"cache-status", b"seawall; fwd=uri-miss")]
        return reply, met

    async def _found(self, call: Call, question: Question) -> Reply | None:
        """Return the answer that is kept, or that of a flight, or None where the model is to be asked."""
        answers, flights = self._answers, self._flights
        looked = False
        while True:
            kept = answers.near(question)
            if kept is not None:
                return kept
            flight = flights.find(question)
            if flight is not None:
                reply = await flights.follow(flight, call.deadline)
                if reply is not None or not flight.refused:
                    return reply
            elif looked:
                return None
            else:
                looked = True
                kept = await answers.far(question)
                if kept is not None:
                    return kept

    async def _lead(self, asker: Asker, question: Question) -> tuple[Reply, Call]:
        own = asker.call.fork()
        own.deadline = own.run.started + own.timeouts.total  # a hint of the first one is not everybody's
        held = 0

        async def ask() -> tuple[Reply, Call]:
            nonlocal held
            held = await asker.hold()
            return await self._asking(own, asker.asked, asker.route)

        def left() -> None:
            if not flight.deserted and not flight.task.done():
                asker.pay(held)  # it goes on for others, and nobody can tell yet what it will use

        flight = self._flights.start(question, ask)
        try:
            reply, met = await self._flights.lead(flight, asker.call.deadline)
        except BaseException:
            left()
            raise
        reply.on_close(left)
        return reply, met

    async def _alone(self, asker: Asker, question: Question) -> tuple[Reply, Call]:
        await asker.hold()
        try:
            reply, met = await self._asking(asker.call, asker.asked, asker.route)
        except BaseException:
            self._answers.drop(question)
            raise
        self._answers.watch(question, reply)
        return reply, met
