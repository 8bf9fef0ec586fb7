"""How many input tokens the bound of a request comes to, learned from what providers reported (semantics 8.1).

Where an answer was cut before its usage came, the bytes of the request are a bound but no estimate: English has four to
a token. So each caller's exact calls to a model are remembered as tokens for one token of the bound, and a call that is
cut is taken for the dearest of the latest ones. That is never less than a quarter of the bound, so that nobody gains
much by making the gateway learn from the cheapest text there is before dense text is sent and cut.
"""

from collections import OrderedDict
from math import ceil

from seawall.contracts.usage import Usage

__all__ = ["FEWEST", "LEAST", "Learned"]

FEWEST = 8  # exact calls before which nothing is known
LEAST = 0.25  # tokens for one token of the bound
_WINDOW = 32  # calls of which the dearest is kept; this one and the one before count
_KNOWN = 1024  # callers and models, the longest unused forgotten first

Who = tuple[str, str, str]
"""Caller, upstream and model."""


class _Peak:
    """The largest of the latest 32 to 64 values."""

    __slots__ = ("before", "count", "now")

    def __init__(self) -> None:
        self.now = self.before = 0.0
        self.count = 0

    def add(self, value: float) -> None:
        """Take a value."""
        if value > self.now:
            self.now = value
        self.count += 1
        if self.count % _WINDOW == 0:
            self.before, self.now = self.now, 0.0


class Learned:
    """What exact calls have told, in bounded memory; gone with the process."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: OrderedDict[Who, _Peak] = OrderedDict()

    def learn(self, who: Who, bound: int | None, usage: Usage) -> None:
        """Take what a provider reported.

        Args:
            who: called which model.
            bound: of the request's input; nothing is learned where it has none.
            usage: reported. Tokens written to a cache cost up to twice the others and count so; sound costs
                anything, so that after it the whole bound counts.
        """
        if not bound or not usage.input:
            return
        peak = self._known.get(who)
        if peak is None:
            if len(self._known) >= _KNOWN:
                self._known.popitem(last=False)
            peak = self._known[who] = _Peak()
        peak.add(1.0 if usage.audio_input else (usage.input + usage.cache_write) / bound)

    def input(self, who: Who, bound: int | None) -> int | None:
        """Return the input tokens a request is taken to have had, at the plain price; None where nothing is known."""
        peak = self._known.get(who)
        if peak is None or peak.count < FEWEST or not bound:
            return None
        self._known.move_to_end(who)
        share = max(peak.now, peak.before, LEAST)
        return None if share >= 1.0 else ceil(share * bound)
