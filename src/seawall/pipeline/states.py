"""State that outlives a pipeline: breakers, buckets, budgets and counts survive a reload (semantics 2.7)."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

__all__ = ["Round", "States"]

T = TypeVar("T")
Key = tuple[str, str, str]


class States:
    """Everything kept, by (upstream, policy, scope).

    A reload builds its pipelines with one `Round` and settles it once the new settings are in force. A round that is
    dropped instead changes nothing here.
    """

    def __init__(self) -> None:
        self._kept: dict[Key, object] = {}

    def round(self) -> "Round":
        """Return a `Keep` for one building of all pipelines."""
        return Round(self)

    def items(self) -> Iterator[tuple[Key, Any]]:
        """Yield (upstream, policy, scope) and what is kept there, for diagnostics and the management API."""
        yield from list(self._kept.items())

    def get(self, upstream: str, policy: str, scope: str = "") -> Any | None:
        """Return what is kept under the key, or None."""
        return self._kept.get((upstream, policy, scope))

    def __len__(self) -> int:
        return len(self._kept)


class Round:
    """The `Keep` of one (re)building."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._named: dict[Key, object] = {}
        self._settled = False

    def __call__(self, upstream: str, policy: str, scope: str, make: Callable[[], T]) -> T:
        """Return what is kept under the key, or keep what `make` gives."""
        key = (upstream, policy, scope)
        kept = self._states._kept  # noqa: SLF001 - two halves of one idea
        held = kept if self._settled else self._named
        if key not in held:
            held[key] = kept[key] if key in kept else make()
        return cast("T", held[key])

    def settle(self) -> None:
        """Put this round in force: what it did not name is dropped, old calls still end on what they hold."""
        self._states._kept = self._named  # noqa: SLF001 - two halves of one idea
        self._settled = True
