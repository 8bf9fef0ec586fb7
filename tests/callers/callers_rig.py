"""A guard with a clock of its own, and requests to bring before it."""

from collections.abc import Callable

from seawall.callers import Callers, Rules, SharedLimits, Strangers, digest
from seawall.contracts.admission import Admitted
from seawall.contracts.errors import QuotaExceeded
from seawall.contracts.request import Request
from seawall.contracts.units import Rate

LOOPBACK = Strangers()
KITCHEN = Rules("kitchen", (digest(b"sw-kitchen"),), rate=Rate(60, 60.0))


def request(key: str | None = "sw-kitchen", *headers: tuple[bytes, bytes], peer: str = "192.0.2.1") -> Request:
    """Return a request with a key, or without one."""
    own = [] if key is None else [(b"x-seawall-key", key.encode("latin-1"))]
    return Request(b"GET", b"/weather/x", [*own, *headers], b"localhost", peer=peer)


class Guarded:
    """Callers whose time stands still until a test moves it."""

    def __init__(
        self,
        *rules: Rules,
        strangers: Strangers = LOOPBACK,
        shared: SharedLimits | None = None,
    ) -> None:
        self.now = 100.0
        self.names: list[str] = []
        self.callers = Callers(lambda: self.now, shared, lambda names: self.names.extend(names))
        self.strangers = strangers
        self.callers.configure(rules, strangers)

    async def admit(
        self,
        key: str | None = "sw-kitchen",
        *headers: tuple[bytes, bytes],
        peer: str = "192.0.2.1",
        model: bool = False,
    ) -> Admitted:
        """Bring one request before it."""
        return await self.callers.admit(request(key, *headers, peer=peer), model_route=model)

    async def passes(self, count: int, ask: Callable[[], object] | None = None) -> int:
        """Bring many, close those that are let in at once, and return how many were."""
        passed = 0
        for _ in range(count):
            try:
                (await (ask or self.admit)()).close()  # type: ignore[operator, misc]  # a coroutine function
            except QuotaExceeded:
                continue
            passed += 1
        return passed
