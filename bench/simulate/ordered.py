"""A wheel whose entries of one moment fire in the order they came, so that a seed gives one run and no other."""

from typing import cast

from seawall.contracts.wheel import Entry, Wheel

__all__ = ["OrderedWheel"]


class _Bucket(dict[Entry, None]):
    """What the wheel asks of a set, in order of arrival: a set's own order is that of addresses in memory."""

    def add(self, entry: Entry) -> None:
        self[entry] = None

    def discard(self, entry: Entry) -> None:
        self.pop(entry, None)


class OrderedWheel(Wheel):
    """The wheel, with buckets that keep order."""

    def put(self, entry: Entry) -> None:
        """Register an entry under its `at`."""
        number = int(entry.at / self.tick) + 1
        if number not in self.buckets:
            self.buckets[number] = cast("set[Entry]", _Bucket())
            self.loop.call_later(max(0.0, number * self.tick - self.now()), self._turn, number)
        entry.bucket = self.buckets[number]
        entry.bucket.add(entry)
