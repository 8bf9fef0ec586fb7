"""One limit per user or address, in bounded memory, where being forgotten is worth nothing (semantics 5.4)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Keyed"]

L = TypeVar("L")

_LOOKS = 8  # how many of the longest unused are looked at for one that may be forgotten


class Keyed(Generic[L]):
    """Limits by key. Only one that is as good as new is forgotten, so nobody gains by being forgotten.

    When all `most` are in use, new keys share one limit more until one of the others has nothing to remember: somebody
    who makes up names can neither make this grow nor win a fresh limit back for a name whose limit is used up.

    Args:
        most: how many are kept, at least 1.
        make: a fresh limit for a key; `""` is the key of the one that is shared.
        fresh: whether a limit is as good as new at a moment.
    """

    __slots__ = ("_fresh", "_limits", "_make", "_most", "_rest")

    def __init__(self, most: int, make: Callable[[str], L], fresh: Callable[[L, float], bool]) -> None:
        self._limits: OrderedDict[str, L] = OrderedDict()
        self._most = most
        self._make = make
        self._fresh = fresh
        self._rest: L | None = None

    def get(self, key: str, now: float) -> L:
        """Return the key's limit, made now if it was not kept, or the shared one where there is no room."""
        limits = self._limits
        found = limits.get(key)
        if found is not None:
            limits.move_to_end(key)
            return found
        if len(limits) >= self._most and not self._forget_one(now):
            if self._rest is None:
                self._rest = self._make("")
            return self._rest
        made = limits[key] = self._make(key)
        return made

    def each(self) -> list[L]:
        """Return every limit that is kept, the shared one included."""
        return [*self._limits.values(), *(() if self._rest is None else (self._rest,))]

    def hold_at_most(self, most: int) -> None:
        """Change how many are kept; what is over goes as it becomes as good as new."""
        self._most = most

    def __len__(self) -> int:
        return len(self._limits)

    def _forget_one(self, now: float) -> bool:
        limits = self._limits
        gone = False
        for _ in range(min(_LOOKS, len(limits))):
            key, oldest = next(iter(limits.items()))
            if self._fresh(oldest, now):
                del limits[key]
                gone = True
                if len(limits) < self._most:
                    return True
            else:
                limits.move_to_end(key)
        return gone and len(limits) < self._most
