"""At most one replica holds a name at a time; who dies holds it no longer than it asked for."""

from seawall.stores.redis.link import Link
from seawall.stores.redis.script import Script

__all__ = ["RedisLeases"]

_HOLD = Script(
    "hold",
    """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""",
)

_LET_GO = Script(
    "let_go",
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
""",
)


class RedisLeases:
    """A `Leases` on Redis.

    Args:
        link: to it; its replica's name is the holder's.
    """

    def __init__(self, link: Link) -> None:
        self._run = link.run
        self._me = link.replica

    async def hold(self, name: str, seconds: float) -> bool:
        """Take or renew a lease for `seconds`; whether it is this replica's now.

        Raises:
            StateLost: Redis cannot be asked: then it is nobody's for sure once `seconds` have passed.
        """
        return bool(await self._run(_HOLD, [_name(name)], [self._me, max(1, int(seconds * 1000))]))

    async def let_go(self, name: str) -> None:
        """Give a lease back, if it is this replica's.

        Raises:
            StateLost: Redis cannot be asked: it ends by itself.
        """
        await self._run(_LET_GO, [_name(name)], [self._me])


def _name(name: str) -> str:
    return f"seawall:lease:{name}"
