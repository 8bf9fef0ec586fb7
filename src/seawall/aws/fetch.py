"""Small calls to where credentials are given out: metadata services and STS, over our own wire."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from seawall.aws.credentials import CredentialsError
from seawall.contracts.body import Body, Headers
from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.policy import Transport
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import TimeLimit, Wheel

__all__ = ["METADATA", "Answer", "Fetch", "Fetcher"]

# Where AWS gives out credentials on the machine itself; nothing else here may be dialled at such an address.
METADATA = frozenset(("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd00:ec2::254"))
_MOST = 64 << 10
_TARGETS = 8
_SECONDS = 5.0
_CONNECT = 1.0  # a metadata service answers at once, or there is none


class Answer(NamedTuple):
    """What came."""

    status: int
    body: bytes


Fetch = Callable[..., Awaitable[Answer]]


class Fetcher:
    """Makes the calls.

    Args:
        transport: the wire.
        clock, wheel: time.
    """

    def __init__(self, transport: Transport, clock: Clock, wheel: Wheel) -> None:
        self._send = transport.send
        self._now = clock.now
        self._wheel = wheel
        self._targets: dict[tuple[str, bool], Target] = {}

    async def __call__(
        self, method: str, url: str, headers: Headers | None = None, body: bytes = b"", *, private: bool = False
    ) -> Answer:
        """Make one call within five seconds.

        Args:
            method: upper case.
            url: with path and query.
            headers: lower-case names.
            body: whole.
            private: the address may be one of this machine or network; metadata services may be in any case.

        Raises:
            CredentialsError: there is no answer, or one over 64 KiB; names the host and why, never path or headers.
        """
        target, path = self._target(url, private)
        now = self._now()
        timeouts = Timeouts(_SECONDS, _SECONDS, _CONNECT, _SECONDS, _SECONDS, _SECONDS)
        call = Call(method.encode(), path, headers or [], target, timeouts, now + _SECONDS, Run(now), body, len(body))
        limit = TimeLimit(self._wheel, now + _SECONDS, lambda: CredentialsError(f"{target.host} did not answer in 5 s"))
        try:
            with limit:
                reply = await self._send(Attempt(call, 1, [], now + _SECONDS))
                try:
                    return Answer(reply.status, await _read(reply.body, target.host))
                finally:
                    reply.close()
        except CallError as error:
            raise CredentialsError(f"{target.host} gave no answer: {error.detail}") from error

    def _target(self, url: str, private: bool) -> tuple[Target, bytes]:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise CredentialsError("an address of AWS in the environment is no http:// or https:// address")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii() or any(ord(sign) <= 32 for sign in path):
            raise CredentialsError(
                "an address of AWS in the environment holds blanks or other signs that cannot be sent"
            )
        key = (f"{parts.scheme}://{parts.netloc}", private)
        target = self._targets.get(key)
        if target is None:
            port = port or (443 if parts.scheme == "https" else 80)
            allowed = private or host in METADATA
            target = Target("aws", host, parts.scheme, host, port, allow_private=allowed)
            if len(self._targets) >= _TARGETS:
                self._targets.clear()
            self._targets[key] = target
        return target, path.encode()


async def _read(body: Body, host: str) -> bytes:
    if isinstance(body, bytes):
        return body
    pieces, size = [], 0
    while piece := await body.read():
        size += len(piece)
        if size > _MOST:
            raise CredentialsError(f"{host} answered more than 64 KiB")
        pieces.append(piece)
    return b"".join(pieces)
