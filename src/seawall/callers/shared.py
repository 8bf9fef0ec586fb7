"""What replicas share of callers' limits, and charges on their way there that no call waits for."""

import asyncio

from seawall.contracts.state import Limits, Replicas, StateLost
from seawall.contracts.units import Rate

__all__ = ["SharedLimits"]

_MOST = 10_000  # limits with a charge under way


class SharedLimits:
    """The shared state, and one writer for what is settled behind the calls; `start` and `close` it.

    Charges of one limit are added up while the writer is busy. What cannot be written is let go: a reservation that
    is not given back refuses a little too early, and by the time the store is back the limit is full again anyway.

    Args:
        limits: the store.
        replicas: who shares it.
    """

    def __init__(self, limits: Limits, replicas: Replicas) -> None:
        self.limits = limits
        self._replicas = replicas
        self._due: dict[str, tuple[Rate, int, float]] = {}
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    @property
    def replicas(self) -> int:
        """How many share the limits, this one included."""
        return max(1, self._replicas.count)

    def charge(self, key: str, rate: Rate, burst: int, cost: float) -> None:
        """Charge a limit soon; negative costs are given back."""
        due = self._due
        if key in due:
            cost += due[key][2]
        elif len(due) >= _MOST:
            return
        due[key] = (rate, burst, cost)
        self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write(), name="caller charges")

    async def close(self) -> None:
        """Write what is due, and end."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        await self._flush()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()

    async def _flush(self) -> None:
        while self._due:
            key, (rate, burst, cost) = next(iter(self._due.items()))
            del self._due[key]
            try:
                await self.limits.charge(key, rate, burst, cost)
            except StateLost:
                self._due.clear()
