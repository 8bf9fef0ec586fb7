"""One attempt's money: held from before the wire until its answer has ended, then settled once."""

from decimal import Decimal
from typing import TYPE_CHECKING

from seawall.contracts.bill import Bill, Meter
from seawall.contracts.call import Attempt, Call
from seawall.contracts.errors import CallError
from seawall.contracts.events import Notice
from seawall.contracts.usage import Usage
from seawall.spend.account import NO_CAP, Standing
from seawall.spend.caps import Rules
from seawall.spend.charge import Outcome, Report, charge
from seawall.spend.prices import Listed

if TYPE_CHECKING:
    from seawall.spend.book import Book

__all__ = ["Reservation"]


class Reservation:
    """What is held for one attempt.

    Args:
        book: that holds it.
        call: with a bill.
        bill: of the call.
        price: of its model, None for a plain call.
        most: US dollars held.
        number: id of the row it becomes.

    Attributes:
        standing: what was left before it; once it is settled, what is left then.
        rules: caps under which it is held.
        attempt: what came of it, None before that is known.
        open: not settled or released yet.
    """

    __slots__ = ("_book", "attempt", "bill", "call", "most", "number", "open", "price", "rules", "standing")

    def __init__(self, book: "Book", call: Call, bill: Bill, price: Listed | None, most: Decimal, number: str) -> None:
        self._book = book
        self.call = call
        self.bill = bill
        self.price = price
        self.most = most
        self.number = number
        self.standing: Standing = NO_CAP
        self.rules: Rules = book.rules
        self.attempt: Attempt | None = None
        self.open = True

    def over(self) -> None:
        """Take the attempt off the call, as soon as it has its reply or has failed.

        The two refer to each other, and would wait for the collector with the whole request. A later attempt of the
        same call is not this one's, which may be settled only when its body has ended.
        """
        self.attempt, self.call.attempt = self.call.attempt, None

    def settle(self, meter: Meter, status: int, *, ended: bool) -> None:
        """Settle what the answer came to; does nothing the second time, never raises.

        Args:
            meter: has seen the answer.
            status: of the answer, 0 where none came.
            ended: the whole answer has come.
        """
        if not self.open:
            return
        self.open = False
        book = self._book
        outcome = Outcome(status, ended, book.wall())
        found = charge(self.bill, self.price, self.most, self._report(meter, ended=ended), outcome)
        if found is None:
            book.released(self)
        else:
            self.standing = book.settled(self, found, status)

    def failed(self, meter: Meter, error: BaseException) -> None:
        """Release where the request provably was not sent, else settle by what was seen."""
        attempt = self.attempt
        sent = attempt is not None and attempt.sent
        if sent or (isinstance(error, CallError) and error.sent):
            self.settle(meter, 0, ended=False)
        elif self.open:
            self.open = False
            self._book.released(self)

    def _report(self, meter: Meter, *, ended: bool) -> Report:
        try:
            usage = meter.usage()
            # what was seen on the way counts only where the report lacks something
            seen = 0 if ended and usage is not None else meter.seen()
            begun = None if usage is not None else meter.begun() or self._likely()
            return Report(usage, seen, meter.price(), meter.terms(), begun)
        except Exception as error:  # noqa: BLE001 - a meter that fails must not keep money held for ever
            fields = (("upstream", self.bill.upstream), ("error", type(error).__name__))
            self._book.emit(Notice("error", "meter_failed", "What an answer used could not be read", fields))
            return Report()

    def _likely(self) -> Usage | None:
        """Return the input this call is taken to have had by those before it."""
        bill = self.bill
        found = self._book.learned.input((self.call.caller, bill.upstream, bill.model), bill.input_bound)
        return None if found is None else Usage(input=found)
