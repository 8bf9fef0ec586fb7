"""What a call may cost, who reads what it used, and who pays: the seam between doors, models, and spending.

A door (or the routing of models) puts a `Bill` on a call for each target it may go to. The stage at `Position.SPEND`
reserves for each attempt what the bill may cost at most, gives a fresh `Meter` what comes back, and settles once, when
the body ends (semantics 8.1). A call without a bill costs nothing and passes the stage by.
"""

from decimal import Decimal
from typing import Protocol

from seawall.contracts.body import Headers
from seawall.contracts.usage import Usage

__all__ = ["Bill", "Meter"]


class Meter(Protocol):
    """Reads one attempt's answer as it passes; never changes it, never raises for what it cannot read."""

    def head(self, status: int, headers: Headers) -> None:
        """See the head."""
        ...

    def feed(self, chunk: bytes) -> None:
        """See a piece of the body, whole bodies in one piece."""
        ...

    def usage(self) -> Usage | None:
        """Return what the provider reported, None where it has reported nothing (yet)."""
        ...

    def seen(self) -> int:
        """Return a count of output tokens seen so far, for an answer that was cut (semantics 8.1)."""
        ...

    def price(self) -> Decimal | None:
        """Return the price the answer itself tells (semantics 8.4), None where it tells none."""
        ...


class Bill(Protocol):
    """What one call at one target costs at most, and how what it used is read.

    Attributes:
        upstream: name in settings.
        model: as the upstream knows it, `""` for a plain call.
        alias: the caller's name for the model, `""` for a plain call; caps per model count by it.
        input_bound: input tokens at most (a token is at least one byte; images and files have named bounds), None where
            there is no bound: refused under a cap.
        output_bound: output tokens at most, all choices together.
        fixed: US dollars for a call that reached the upstream, whatever it used.
    """

    upstream: str
    model: str
    alias: str
    input_bound: int | None
    output_bound: int
    fixed: Decimal

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        ...
