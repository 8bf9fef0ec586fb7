"""One limit per user or address, in bounded memory, where being forgotten is worth nothing (semantics 5.4)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

__all__ = ["Keyed", "Limited"]

_LOOKS = 8  # how many of the longest unused are looked at for one that may be forgotten


class Limited(Protocol):
    """A limit that can be told from a new one."""

    def fresh(self, now: float) -> bool:
        """Whether it is as good as one that was never used."""
        ...

    def inherit(self, other: Self, now: float) -> bool:
        """Be as used as another from the start; False, and nothing done, where that cannot be now."""
        ...


L = TypeVar("L", bound=Limited)


class Keyed(Generic[L]):
    """Limits by key. Only one that is as good as new is forgotten, so nobody gains by being forgotten.

    When all `most` are in use, new keys share one limit more until one of the others has nothing to remember: somebody
    who makes up names can neither make this grow nor win a fresh limit back for a name whose limit is used up. A key
    that gets a limit of its own after that starts with what was used of the shared one, some of which may be its own.

    Args:
        most: how many are kept, at least 1.
        make: a fresh limit for a key; `""` is the key of the one that is shared.
    """

    __slots__ = ("_limits", "_make", "_most", "_rest")

    def __init__(self, most: int, make: Callable[[str], L]) -> None:
        self._limits: OrderedDict[str, L] = OrderedDict()
        self._most = most
        self._make = make
        self._rest: L | None = None

    def get(self, key: str, now: float) -> L:
        """Return the key's limit, made now if it was not kept, or the shared one where there is no room."""
        limits = self._limits
        found = limits.get(key)
        if found is not None:
            limits.move_to_end(key)
            return found
        rest = self._rest
        if len(limits) >= self._most and not self._forget_one(now):
            if rest is None:
                rest = self._rest = self._make("")
            return rest
        made = self._make(key)
        if rest is not None:
            if rest.fresh(now):
                self._rest = None
            elif not made.inherit(rest, now):
                return rest
        limits[key] = made
        return made

    def each(self) -> list[L]:
        """Return every limit that is kept, the shared one included."""
        return [*self._limits.values(), *(() if self._rest is None else (self._rest,))]

    @property
    def most(self) -> int:
        """How many are kept."""
        return self._most

    def hold_at_most(self, most: int) -> None:
        """Change how many are kept; what is over goes as it becomes as good as new."""
        self._most = most

    def __len__(self) -> int:
        return len(self._limits)

    def _forget_one(self, now: float) -> bool:
        limits = self._limits
        for _ in range(min(_LOOKS, len(limits))):
            key, oldest = next(iter(limits.items()))
            if not oldest.fresh(now):
                limits.move_to_end(key)
                continue
            del limits[key]
            if len(limits) < self._most:
                return True
        return False
