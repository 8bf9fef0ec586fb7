"""What replicas share, in this process and in virtual time; it decides as the scripts on Redis do."""

import asyncio
from collections.abc import Callable, Sequence

from seawall.contracts.state import StateLost
from seawall.contracts.store import Look

__all__ = ["Common", "CommonOf"]

LEASE = 3.0


class Common:
    """The store.

    Attributes:
        answers: by URI and field: when put, until when fresh, bytes.
        names: by URI, the sets of request headers answers vary by.
        purges: by URI, how often.
        leases: by name, holder and end.
        lost: it cannot be asked.
    """

    def __init__(self) -> None:
        self.answers: dict[bytes, dict[bytes, tuple[float, float, bytes]]] = {}
        self.names: dict[bytes, list[tuple[bytes, ...]]] = {}
        self.purges: dict[bytes, int] = {}
        self.leases: dict[bytes, tuple[str, float]] = {}
        self.lost = False
        self.now = asyncio.get_running_loop().time


class CommonOf:
    """A `SharedEntries`: the store as one replica sees it.

    Attributes:
        told: what was done, in order: `look`, `put`, `drop`, `purge`, `let_go`.
    """

    def __init__(self, common: Common, name: str) -> None:
        self.common = common
        self.name = name
        self.told: list[str] = []

    async def look(
        self,
        uri: bytes,
        fields: Callable[[Sequence[tuple[bytes, ...]]], Sequence[bytes]],
        names: Sequence[tuple[bytes, ...]],
        lease: bytes,
    ) -> Look:
        """Look, and take the lease where nothing is fresh."""
        await asyncio.sleep(0)
        common, now = self.common, self.common.now()
        if common.lost:
            raise StateLost
        self.told.append("look")
        wanted = fields([(), *common.names.get(uri, ())])
        kept = common.answers.get(uri, {})
        found = [kept[field] for field in wanted if field in kept]
        mine = False
        if not any(until > now for _, until, _ in found):
            holder, end = common.leases.get(lease, ("", 0.0))
            mine = holder == self.name or end <= now
            if mine:
                common.leases[lease] = (self.name, now + LEASE)
        stamp = b"%d" % common.purges.get(uri, 0)
        return Look(tuple((now - put, data) for put, _, data in found), stamp, mine, lease)

    def put(
        self, uri: bytes, field: bytes, names: tuple[bytes, ...], data: bytes, fresh: float, kept: float, look: Look
    ) -> None:
        """Put an answer and give the lease back."""
        common = self.common
        self.told.append("put")
        if not common.lost and look.stamp == b"%d" % common.purges.get(uri, 0):
            common.answers.setdefault(uri, {})[field] = (common.now(), common.now() + fresh, data)
            known = common.names.setdefault(uri, [])
            if names and names not in known:
                known.append(names)
        self._free(look.lease)

    def drop(self, uri: bytes, field: bytes) -> None:
        """Forget one answer."""
        self.told.append("drop")
        self.common.answers.get(uri, {}).pop(field, None)

    def purge(self, uri: bytes) -> None:
        """Forget a URI."""
        self.told.append("purge")
        self.common.answers.pop(uri, None)
        self.common.purges[uri] = self.common.purges.get(uri, 0) + 1

    async def renew(self, lease: bytes) -> None:
        """Hold a lease for longer."""
        if self.common.lost:
            raise StateLost
        if self.common.leases.get(lease, ("", 0.0))[0] == self.name:
            self.common.leases[lease] = (self.name, self.common.now() + LEASE)

    def let_go(self, lease: bytes) -> None:
        """Give a lease back."""
        self.told.append("let_go")
        self._free(lease)

    def _free(self, lease: bytes) -> None:
        if self.common.leases.get(lease, ("", 0.0))[0] == self.name:
            del self.common.leases[lease]
