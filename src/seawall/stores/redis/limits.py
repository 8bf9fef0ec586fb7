"""Limits that all replicas share: the generic cell rate algorithm in one script, on the server's clock."""

from math import inf

from seawall.contracts.state import Taken
from seawall.contracts.units import Rate
from seawall.stores.redis.link import Link
from seawall.stores.redis.script import Script

__all__ = ["RedisLimits"]

_SECOND = 1_000_000
_ROUNDING = 1e-6  # of a unit

# One number is the whole state, as in memory: the moment, in the server's microseconds, at which the limit is full
# again. It is kept for a while longer, since a cost above the burst passes where it has been full for long enough.
# ARGV: microseconds for a unit; microseconds of burst; units wanted; the fewest that are taken; microseconds for which
# the caller knows the limit to be used already; the longest it can be used for; how long it is kept, milliseconds.
# A clock of the server that was set back must not stop everybody, hence the longest.
_TAKE = Script(
    "take",
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, span, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
local used = tonumber(ARGV[5])
if used > 0 then
  full = math.max(full, now + used)
end
full = math.min(full, now + tonumber(ARGV[6]))
local free = (now + span - full) / interval + 1e-6
local granted = 0
if free >= wanted then
  granted = wanted
elseif free >= tonumber(ARGV[4]) then
  granted = math.floor(free)
end
full = math.max(full, now) + granted * interval
if granted > 0 or used > 0 then
  redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000) + ARGV[7])
end
return {tostring(granted), math.ceil(full - now), math.ceil(math.max(0, wanted - free) * interval)}
""",
)

# ARGV: microseconds for a unit; units, negative ones are given back; the longest it can be used for; how long it is
# kept, milliseconds.
_CHARGE = Script(
    "charge",
    """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
full = math.min(full + ARGV[2] * ARGV[1], now + ARGV[3])
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.max(0, math.ceil((full - now) / 1000)) + ARGV[4])
return 0
""",
)


class RedisLimits:
    """A `Limits` on Redis.

    Args:
        link: to it.
    """

    def __init__(self, link: Link) -> None:
        self._run = link.run

    async def take(self, key: str, rate: Rate, burst: int, cost: float = 1.0) -> Taken:
        """Take `cost` units where they are there now (GCRA, semantics 5.1).

        A cost above the burst passes once the limit has been full for as long as the rest takes.

        Raises:
            StateLost: Redis cannot be asked.
        """
        if cost > rate.calls + burst:
            return Taken(False, 0, 0.0, inf)
        interval, span = _microseconds(rate, burst)
        args = [interval, span, cost, cost, 0, _longest(rate, burst), _kept(rate)]
        granted, used, wait = await self._run(_TAKE, [_name(key)], args)
        remaining = max(0, int((span - used) / interval + _ROUNDING))
        reset = used if remaining else max(0.0, used + interval - span)
        return Taken(float(granted) > 0, remaining, max(reset, wait) / _SECOND, wait / _SECOND)

    async def some(self, key: str, rate: Rate, burst: int, wanted: int, used: float = 0.0) -> tuple[int, float]:
        """Take up to `wanted` whole units, as many as are there now.

        Args:
            key: of the limit.
            rate: of it.
            burst: of it.
            wanted: units, at least 1.
            used: seconds until it would be full again as far as this replica knows; it is no fuller than that then.

        Returns: units taken, and seconds until it is full again.

        Raises:
            StateLost: Redis cannot be asked.
        """
        interval, span = _microseconds(rate, burst)
        # nothing here uses it for longer than its burst: what is left of a slower rate in older settings is cut to that
        args = [interval, span, min(wanted, burst), 1, int(used * _SECOND), span, _kept(rate)]
        granted, left, _ = await self._run(_TAKE, [_name(key)], args)
        return int(float(granted)), left / _SECOND

    async def charge(self, key: str, rate: Rate, burst: int, cost: float) -> None:
        """Take units whether they are there or not; negative ones give back what was taken too much.

        Raises:
            StateLost: Redis cannot be asked.
        """
        args = [_microseconds(rate, burst)[0], cost, _longest(rate, burst), _kept(rate)]
        await self._run(_CHARGE, [_name(key)], args)


def _name(key: str) -> str:
    return f"seawall:limit:{key}"


def _microseconds(rate: Rate, burst: int) -> tuple[float, float]:
    interval = rate.per / rate.calls * _SECOND
    return interval, burst * interval


def _longest(rate: Rate, burst: int) -> float:
    """Return the microseconds a limit can be used for: whoever used far more than was there stops nobody for ever."""
    return 3 * (rate.calls + burst) * _microseconds(rate, burst)[0]


def _kept(rate: Rate) -> int:
    return int(rate.per * 1000) + 1000
