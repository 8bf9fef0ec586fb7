"""The spend stage: reserves per attempt before the wire, settles once when its answer has ended (semantics 8.1)."""

from collections.abc import Sequence
from functools import partial

from seawall.contracts.bill import Meter
from seawall.contracts.body import Source
from seawall.contracts.call import Call
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.policies.spend.core import Metered
from seawall.policies.spend.settings import SpendStageSettings
from seawall.spend.book import Book
from seawall.spend.money import shown, shown_picos
from seawall.spend.reservation import Reservation

__all__ = ["Spend", "build", "explain"]


class Spend:
    """Holds money for each attempt of a call with a bill.

    Args:
        book: that holds it.
    """

    __slots__ = ("_book",)

    def __init__(self, book: Book) -> None:
        self._book = book

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed with what the attempt may cost held.

        Raises:
            SpendCapReached: a cap leaves no room; nothing was sent.
            PriceUnknown: nobody knows what it may cost, and a cap applies; nothing was sent.
        """
        bill = call.bill
        if bill is None:
            return await proceed(call)
        held = await self._book.reserve(call, bill)
        meter = bill.meter()
        try:
            try:
                reply = await proceed(call)
            finally:
                held.over()
            meter.head(reply.status, reply.headers)
            body = reply.body
            if type(body) is bytes:
                if body:
                    meter.feed(body)
                held.settle(meter, reply.status, ended=True)
                if call.run.cost is not None:
                    reply.mark(b"x-seawall-cost", shown(call.run.cost).encode("ascii"))
            else:
                self._watch(held, meter, reply, body)  # type: ignore[arg-type]  # exact type: a Source
        except BaseException as error:
            held.failed(meter, error)
            raise
        _mark_left(reply, held)
        return reply

    def _watch(self, held: Reservation, meter: Meter, reply: Reply, body: Source) -> None:
        metered = Metered(body, meter, reply.length)
        reply.body = metered
        reply.on_close(partial(_closed, held, meter, reply.status, metered))


def _closed(held: Reservation, meter: Meter, status: int, metered: Metered) -> None:
    held.settle(meter, status, ended=metered.ended)


def _mark_left(reply: Reply, held: Reservation) -> None:
    """Tell what is left under the tightest cap: after a whole answer, before the rest of a streamed one."""
    standing = held.standing
    if standing.left is not None:
        left = shown_picos(standing.left).encode("ascii")
        cap = f"{standing.key[0]} {standing.period}".encode("ascii")
        # nobody further in has marked these
        reply.marks = [*(reply.marks or ()), (b"x-seawall-left", left), (b"x-seawall-left-cap", cap)]


def build(settings: SpendStageSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage over the book in `options["book"]`; none where there is no book."""
    book = ctx.options.get("book")
    return ((Position.SPEND, Spend(book)),) if isinstance(book, Book) else ()


def explain(settings: SpendStageSettings) -> str:
    """Return the line of `seawall explain`."""
    return settings.price
