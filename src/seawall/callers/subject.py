"""Whoever limits are counted for: a caller, an end user behind its key, or the address of somebody without a key."""

from seawall.callers.fields import Fields
from seawall.callers.limits import CallLimit, TokenLimit
from seawall.callers.shared import SharedLimits
from seawall.contracts.units import Rate

__all__ = ["Quotas", "Subject"]


class Quotas:
    """What each of some subjects may use; what they all are told of it is written once.

    Args:
        words: names of the call and of the token limit, as callers are told them.
        rate, tokens: per time, None for none.
        concurrency: calls under way at once, None for no bound.
    """

    __slots__ = ("calls", "concurrency", "tokens")

    def __init__(
        self, words: tuple[str, str], rate: Rate | None, tokens: Rate | None, concurrency: int | None = None
    ) -> None:
        self.calls = None if rate is None else Fields(words[0], rate)
        self.tokens = None if tokens is None else Fields(words[1], tokens, "tokens")
        self.concurrency = concurrency


class Subject:
    """One of them, with what it uses now.

    Args:
        quotas: what it may use.
        key: what it is called in the shared store.
        shared: the store, None where this process decides alone.

    Attributes:
        running: its calls under way.
        calls, tokens: its limits, None where it has none.
    """

    __slots__ = ("_key", "_shared", "calls", "concurrency", "running", "tokens")

    def __init__(self, quotas: Quotas, key: str, shared: SharedLimits | None) -> None:
        self._key = "" if shared is None else key
        self._shared = shared
        self.running = 0
        self.calls: CallLimit | None = None
        self.tokens: TokenLimit | None = None
        self.change(quotas, 0.0)

    def change(self, quotas: Quotas, now: float) -> None:
        """Give it other quotas; what it uses it still uses (semantics 2.7)."""
        self.concurrency = quotas.concurrency
        shared = self._shared
        if quotas.calls is None:
            self.calls = None
        elif self.calls is None:
            self.calls = CallLimit(quotas.calls, "" if shared is None else f"{self._key}:rate", shared)
        else:
            self.calls.change(quotas.calls, now)
        if quotas.tokens is None:
            self.tokens = None
        elif self.tokens is None:
            self.tokens = TokenLimit(quotas.tokens, "" if shared is None else f"{self._key}:tokens", shared)
        else:
            self.tokens.change(quotas.tokens, now)

    def inherit(self, other: "Subject", now: float) -> bool:
        """Be as used as another; False where that one has calls under way that would have to count here."""
        if other.running and self.concurrency is not None:
            return False
        if self.calls is not None and other.calls is not None:
            self.calls.inherit(other.calls, now)
        if self.tokens is not None and other.tokens is not None:
            self.tokens.inherit(other.tokens, now)
        return True

    def fresh(self, now: float) -> bool:
        """Whether it is as good as one that was never seen."""
        calls, tokens = self.calls, self.tokens
        return not self.running and (calls is None or calls.fresh(now)) and (tokens is None or tokens.fresh(now))
