"""Who calls, and what they may: what a door asks before it makes a call (semantics 5, 8.5; security.md 11, 16)."""

from typing import Protocol

from seawall.contracts.body import Headers
from seawall.contracts.request import Request

__all__ = ["Admission", "Admitted"]


class Admitted(Protocol):
    """A caller that was let in, for one call.

    Attributes:
        caller: name from settings or the ledger; `""` who has no key and is nobody by name.
        user: end user behind the key, `""` where the caller has no `per_user` or none was named.
        headers: rate-limit fields for the answer (semantics 5.2).
    """

    caller: str
    user: str
    headers: Headers

    def may_call(self, upstream: str) -> bool:
        """Whether the caller may call an upstream."""
        ...

    def may_use(self, alias: str) -> bool:
        """Whether the caller may use a model."""
        ...

    async def hold_tokens(self, estimate: int) -> None:
        """Hold an estimate against the caller's and the user's token limits; settle it once (semantics 5.3).

        Raises:
            QuotaExceeded: there are not that many.
        """
        ...

    def settle_tokens(self, used: int) -> None:
        """End the hold and charge what was used; nothing where none is open."""
        ...

    def close(self) -> None:
        """Give back what the call held: its place among the caller's calls under way. Idempotent."""
        ...


class Admission(Protocol):
    """The door's guard."""

    async def admit(self, request: Request, *, model_route: bool) -> Admitted:
        """Let a caller in for one call.

        Args:
            request: with all headers the client sent.
            model_route: also take the key from `Authorization: Bearer` and `x-api-key`; elsewhere only
                `X-Seawall-Key` is a caller's key, and those two are the upstream's.

        Raises:
            Unauthenticated: no key where one is needed, or one that nobody has: one answer for both.
            QuotaExceeded: the caller's or the user's rate or concurrency; `headers` on the error.
        """
        ...
