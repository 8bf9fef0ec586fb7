"""A transport that signs: each attempt just before it is sent, with the headers, body and target it is sent with."""

from collections.abc import Callable
from typing import Protocol

import orjson

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.keeper import Keeper
from seawall.aws.refused import concerns_credentials, error_name, explained
from seawall.aws.sigv4 import Signer
from seawall.contracts.body import Source
from seawall.contracts.call import Attempt, Call
from seawall.contracts.errors import Refusal, Saturated
from seawall.contracts.policy import Transport
from seawall.contracts.reply import Reply

__all__ = ["Bearer", "NoCredentials", "Room", "SigV4", "Signed"]

# A client's own are of no use: they sign another host, or are the caller's key here.
_OURS = frozenset((
    b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256", b"x-api-key",
))  # fmt: skip
_REFUSED = frozenset((400, 401, 403))


class NoCredentials(Refusal):
    """The gateway has no AWS credentials, so nothing was sent; the upstream is not to blame."""

    status_hint = 503
    type = "no-credentials"
    title = "The gateway has no AWS credentials for now"


class Room(Protocol):
    """The allowance for bodies that are held whole."""

    def take(self, size: int) -> bool:
        """Take `size` bytes, or nothing and return False."""
        ...

    def give(self, size: int) -> None:
        """Give back what was taken."""
        ...


class Auth(Protocol):
    """Puts credentials on an attempt."""

    async def apply(self, attempt: Attempt) -> None:
        """Replace the attempt's call by one that carries them."""
        ...

    def refused(self) -> None:
        """AWS did not take them."""
        ...


class Bearer:
    """A Bedrock API key.

    Args:
        key: as AWS gave it.
    """

    def __init__(self, key: str) -> None:
        self._header = (b"authorization", f"Bearer {key}".encode("latin-1"))

    async def apply(self, attempt: Attempt) -> None:
        """Put the key on the attempt."""
        attempt.call = _bare(attempt.call)
        attempt.call.headers.append(self._header)

    def refused(self) -> None:
        """Do nothing: there is no other key to look for."""


class SigV4:
    """Signature Version 4.

    Args:
        keeper: has the credentials.
        signer: of the region and service.
        wall: seconds since the epoch.
        room: bodies that come in pieces are held whole to be signed, within this allowance.
    """

    def __init__(self, keeper: Keeper, signer: Signer, wall: Callable[[], float], room: Room) -> None:
        self._keeper = keeper
        self._sign = signer.sign
        self._wall = wall
        self._room = room

    async def apply(self, attempt: Attempt) -> None:
        """Sign the attempt.

        Raises:
            NoCredentials: there are none; tells no reason, since callers read it. The log does.
            Saturated: the body has no room to be held.
            RequestBodyError: the client's body broke.
        """
        credentials = self._keeper.current() or await self._get()
        call = _bare(attempt.call)
        if not isinstance(call.body, bytes):
            call.body = await self._whole(call.body)
            call.length = len(call.body)
        target = call.target
        signed = [header for header in call.headers if header[0] == b"content-type" or header[0].startswith(b"x-amz-")]
        call.headers += self._sign(
            credentials, self._wall(), call.method, target.base + call.path, target.authority, call.body, signed
        )
        attempt.call = call

    def refused(self) -> None:
        """Have the credentials looked for again."""
        self._keeper.refused()

    async def _get(self) -> Credentials:
        try:
            return await self._keeper.get()
        except CredentialsError as error:
            raise NoCredentials(retry_after=1.0) from error

    async def _whole(self, source: Source) -> bytes:
        pieces: list[bytes] = []
        held = 0
        try:
            while piece := await source.read():
                if not self._room.take(len(piece)):
                    raise Saturated("There is no room to hold the body, which must be whole to be signed")
                held += len(piece)
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            self._room.give(held)


class Signed:
    """A `Transport` that puts credentials on each attempt and hands it on.

    Args:
        transport: the wire.
        auth: what credentials.
        wall: seconds since the epoch.
    """

    __slots__ = ("_apply", "_refused", "_send", "_wall")

    def __init__(self, transport: Transport, auth: Auth, wall: Callable[[], float]) -> None:
        self._send = transport.send
        self._apply = auth.apply
        self._refused = auth.refused
        self._wall = wall

    async def send(self, attempt: Attempt) -> Reply:
        """Make one attempt.

        Raises:
            NoCredentials: there are none; nothing was sent.
            CallError: what the wire says.
        """
        await self._apply(attempt)
        reply = await self._send(attempt)
        if reply.status not in _REFUSED or not concerns_credentials(name := error_name(reply.headers)):
            return reply
        # AWS quotes what it would have had signed, the session token included: that is for nobody.
        reply.close()
        self._refused()
        message = explained(name, reply.headers, self._wall())
        kept = [header for header in reply.headers if header[0] in (b"x-amzn-errortype", b"x-amzn-requestid", b"date")]
        return Reply(reply.status, [(b"content-type", b"application/json"), *kept], orjson.dumps({"message": message}))


def _bare(call: Call) -> Call:
    """Return a copy of a call without credentials; the call itself may yet be tried again."""
    copy = call.fork()
    copy.headers = [header for header in call.headers if header[0] not in _OURS]
    return copy
