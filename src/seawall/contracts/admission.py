"""Who calls, and what they may: what a door asks before it makes a call (semantics 5, 8.5; security.md 11, 16)."""

from typing import Protocol

from seawall.contracts.body import Headers
from seawall.contracts.errors import Unauthenticated
from seawall.contracts.request import Request

__all__ = ["EVERYBODY", "NOBODY", "NO_KEY", "Admission", "Admitted"]

# The one answer for a key that is missing, malformed or nobody's
NO_KEY = (
    "Send a caller's key as X-Seawall-Key; on the language-model routes also as Authorization: Bearer or x-api-key. "
    "Where callers need no key, send none, or `anonymous` from a program that insists on one."
)


class Admitted(Protocol):
    """A caller that was let in, for one call."""

    @property
    def caller(self) -> str:
        """Name from settings or the ledger; `anonymous` without a key where [callers.anonymous] says what that may;
        else `""`, nobody by name.
        """
        ...

    @property
    def user(self) -> str:
        """End user behind the key, `""` where the caller has no `per_user` or none was named."""
        ...

    @property
    def headers(self) -> Headers:
        """Rate-limit fields for the answer, as the limits stood when they were last asked (semantics 5.2)."""
        ...

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

    @property
    def open(self) -> bool:
        """Whether whoever sends no key is let in and nothing of it is counted: without a key nobody need ask."""
        ...

    async def admit(self, request: Request, *, model_route: bool) -> Admitted:
        """Let a caller in for one call.

        Args:
            request: with all headers the client sent.
            model_route: also take the key from `Authorization: Bearer` and `x-api-key`; elsewhere only
                `X-Seawall-Key` is a caller's key, and those two are the upstream's.

        Raises:
            Unauthenticated: no key where one is needed, or one that nobody has: one answer for both.
            QuotaExceeded: the caller's or the user's rate or concurrency; `headers` and `caller` on the error.
        """
        ...


class _Nobody:
    """Somebody without a key and without limits: may do everything, holds nothing."""

    caller = ""
    user = ""

    @property
    def headers(self) -> Headers:
        """None."""
        return []

    def may_call(self, upstream: str) -> bool:
        """Whichever it is."""
        return True

    def may_use(self, alias: str) -> bool:
        """Whichever it is."""
        return True

    async def hold_tokens(self, estimate: int) -> None:
        """Nobody counts."""

    def settle_tokens(self, used: int) -> None:
        """Nobody counted."""

    def close(self) -> None:
        """Nothing was held."""


class _Everybody:
    """The guard of a gateway without callers: lets in who sends no key, and knows no key."""

    open = True

    async def admit(self, request: Request, *, model_route: bool) -> Admitted:
        """Let in who sends no key.

        Raises:
            Unauthenticated: a key was sent; an unknown one is never let in.
        """
        names = (b"x-seawall-key", b"authorization", b"x-api-key") if model_route else (b"x-seawall-key",)
        if any(name in names for name, _ in request.headers):
            raise Unauthenticated(NO_KEY)
        return NOBODY


NOBODY: Admitted = _Nobody()
EVERYBODY: Admission = _Everybody()
