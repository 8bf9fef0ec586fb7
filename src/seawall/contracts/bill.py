"""What a call may cost, who reads what it used, and who pays: the seam between doors, models, and spending.

A door (or the routing of models) puts a `Bill` on a call for each target it may go to. The stage at `Position.SPEND`
reserves for each attempt what the bill may cost at most, gives a fresh `Meter` what comes back, and settles once, when
the body ends (semantics 8.1). A call without a bill costs nothing and passes the stage by.
"""

from decimal import Decimal
from typing import NamedTuple, Protocol

from seawall.contracts.body import Headers
from seawall.contracts.usage import Usage

__all__ = ["STANDARD", "Bill", "Meter", "Terms"]


class Terms(NamedTuple):
    """What beside tokens decides the price of an answer, as it tells itself.

    Attributes:
        tier: service tier it was given in, as the provider names it; `""` the standard one, None where it tells none.
        file_searches: of `Usage.tools`, searches of stored files, which have a price of their own.
    """

    tier: str | None = None
    file_searches: int = 0


STANDARD = Terms()


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

    def begun(self) -> Usage | None:
        """Return what the provider reported of the input before the answer itself, None where it told none (yet)."""
        ...

    def seen(self) -> int:
        """Return a count of output tokens seen so far, for an answer that was cut (semantics 8.1)."""
        ...

    def price(self) -> Decimal | None:
        """Return the price the answer itself tells (semantics 8.4), None where it tells none."""
        ...

    def terms(self) -> Terms:
        """Return what beside tokens decides the price."""
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
        tier: a dearer service tier that is asked for, `""` for none.
        tools_bound: calls at most of tools that the provider runs and bills by the call.
        beyond: what is asked for that no price is known of and no answer counts, in words, `""` for nothing: refused
            under a cap, and an estimate where it is let through.
    """

    upstream: str
    model: str
    alias: str
    input_bound: int | None
    output_bound: int
    fixed: Decimal
    tier: str
    tools_bound: int
    beyond: str

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        ...
