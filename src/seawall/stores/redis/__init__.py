"""State that replicas share on one Redis or Valkey (the extra `redis`).

Whoever has decisions of its own to share, such as reserving and settling money, writes a `Script` and runs it through
the same link; there is nothing to register:

    RESERVE = Script("reserve", '''
    local held = tonumber(redis.call('GET', KEYS[1]) or '0')
    if held + ARGV[1] > tonumber(ARGV[2]) then return 0 end
    redis.call('SET', KEYS[1], held + ARGV[1], 'PX', ARGV[3])
    return 1
    ''')
    granted = await link.run(RESERVE, ["seawall:spend:day:kitchen"], [5000, 1_000_000, 86_400_000])

- One script is one decision: it runs whole or not at all, and nothing else runs meanwhile. Keep it short.
- Every key starts with `seawall:`, is given in `keys`, and gets an expiry in the script.
- The time is `redis.call('TIME')`, never an argument. Numbers are doubles: whole ones are exact up to 2^53, so count
  millionths of a dollar rather than fractions, and write large ones with `string.format('%.0f', x)`, since `tostring`
  keeps 14 digits. Answers are whole numbers, byte strings or lists of them; a fraction is cut off.
- `StateLost` means that the script may or may not have run. It is raised at once while Redis is lost; then the caller
  decides alone with limit / `link.count`. `link.watch(turned)` tells when that begins and ends.
- A caller that is cancelled leaves its script to run: what it took has to be given back by whoever took it.
"""

from seawall.stores.redis.ear import Ear
from seawall.stores.redis.entries import PURGES, RedisEntries
from seawall.stores.redis.leases import RedisLeases
from seawall.stores.redis.limits import RedisLimits
from seawall.stores.redis.link import Link
from seawall.stores.redis.messages import STREAM, RedisMessages
from seawall.stores.redis.script import Script
from seawall.stores.redis.times import Times

__all__ = [
    "PURGES",
    "STREAM",
    "Ear",
    "Link",
    "RedisEntries",
    "RedisLeases",
    "RedisLimits",
    "RedisMessages",
    "Script",
    "Times",
]
