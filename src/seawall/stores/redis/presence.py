"""Who shares the store: each replica says so every second, and is forgotten when it has not for a while."""

from seawall.stores.redis.script import Script

__all__ = ["BEAT", "LEAVE", "REPLICAS"]

REPLICAS = "seawall:replicas"

# Replicas by the moment of their last sign of life, in the server's milliseconds.
BEAT = Script(
    "beat",
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gone = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - gone))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + gone), '+inf')
redis.call('PEXPIRE', KEYS[1], gone)
return redis.call('ZCARD', KEYS[1])
""",
)

LEAVE = Script("leave", "return redis.call('ZREM', KEYS[1], ARGV[1])")
