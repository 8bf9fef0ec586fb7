"""Who signs for Bedrock: one keeper of credentials for each region, alive from the first upstream that needs it."""

import asyncio
import os
import random
from collections.abc import Callable, Mapping

from seawall.aws.chain import Chain
from seawall.aws.credentials import Credentials
from seawall.aws.fetch import Fetcher
from seawall.aws.keeper import Keeper
from seawall.aws.signed import Bearer, Room, Signed, SigV4
from seawall.aws.sigv4 import Signer
from seawall.config import ResolvedUpstream
from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit
from seawall.contracts.policy import Transport
from seawall.contracts.secret import Secret
from seawall.contracts.wheel import Wheel
from seawall.wire import Wire

__all__ = ["Aws", "signs"]

_SECRETS = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)  # fmt: skip


def signs(upstream: ResolvedUpstream) -> bool:
    """Whether an upstream needs AWS credentials: Bedrock without an API key of its own."""
    settings = upstream.settings
    return settings.api == "bedrock" and settings.key is None and not settings.keys


def _bearer(env: Mapping[str, str]) -> str:
    key = env.get("AWS_BEARER_TOKEN_BEDROCK", "")
    if any(not "!" <= sign <= "~" for sign in key):
        raise SettingsError(["AWS_BEARER_TOKEN_BEDROCK: must be a key without control characters and blanks"])
    return key


class Aws:
    """Gives each upstream of Bedrock a transport that signs.

    Args:
        clock, wheel, loop: time.
        emit: takes notices.
        room: for bodies that must be whole to be signed.
        learn: is told secrets that were found, so that nothing ever writes them.
        env: the process's environment.
    """

    def __init__(
        self,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        emit: Emit,
        room: Room,
        learn: Callable[[list[Secret]], None],
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._room = room
        self._learn = learn
        self._env = env
        self._wire = Wire(clock, wheel, loop, max_idle=2, max_connections=8)
        self._fetch = Fetcher(self._wire, clock, wheel)
        self._keepers: dict[str, Keeper] = {}
        self._secrets: list[Secret] = []

    def transport(self, upstream: ResolvedUpstream, wire: Transport) -> Transport:
        """Return what sends an upstream's attempts: the wire itself for those that need no signature.

        Raises:
            SettingsError: AWS_BEARER_TOKEN_BEDROCK is no key.
        """
        if not signs(upstream):
            return wire
        bearer = _bearer(self._env)
        if not self._secrets:
            self._tell([Secret(self._env[name]) for name in _SECRETS if self._env.get(name)])
        region = upstream.settings.region or ""
        if bearer:
            return Signed(wire, Bearer(bearer), self._clock.wall)
        auth = SigV4(self.keeper(region), Signer(region, "bedrock"), self._clock.wall, self._room)
        return Signed(wire, auth, self._clock.wall)

    def keeper(self, region: str) -> Keeper:
        """Return the keeper of a region, started."""
        found = self._keepers.get(region)
        if found is None:
            chain = Chain(self._env, region, self._fetch, self._clock.wall)

            async def find() -> Credentials:
                credentials = await chain()
                self._tell([credentials.secret_key, *([credentials.token] if credentials.token else [])])
                return credentials

            found = self._keepers[region] = Keeper(find, self._clock, self._emit, random.uniform)
            found.start()
        return found

    async def close(self) -> None:
        """End every keeper and its connections."""
        for keeper in self._keepers.values():
            await keeper.close()
        await self._wire.close()

    def _tell(self, secrets: list[Secret]) -> None:
        """Tell of secrets: those of the environment always, and the latest that were found."""
        known = set(self._secrets)
        if not known.issuperset(secrets):
            self._secrets = [*self._secrets[: len(_SECRETS)], *(one for one in secrets if one not in known)][-16:]
            self._learn(self._secrets)
