"""Kept answers that replicas share: a hash for each URI, with a lease on asking the upstream for what is not there.

Ages are counted on the server's clock, so that replicas whose clocks differ agree. Bounded by expiry: no answer stays
longer than it is of use, nor than a day; a URI with too many variants begins anew.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b

from seawall.contracts.state import StateLost
from seawall.contracts.store import Look
from seawall.stores.redis.lane import Word
from seawall.stores.redis.link import Link
from seawall.stores.redis.script import Script

__all__ = ["LEASE", "PURGES", "RedisEntries"]

PURGES = "seawall:purges"
_EPOCH = "seawall:cache:epoch"
LEASE = 3.0  # seconds a replica that died is waited for; one that lives renews it
_LONGEST = 86_400_000  # milliseconds
_VARIANTS = 64  # answers of one URI
_PURGED = 3_600_000  # milliseconds for which an answer asked for before a purge is told from one after it
_KEPT = 4096  # purges that a replica which comes back can still read
_OUTBOX = 1024  # purges kept for a lost Redis; beyond, everything is made invalid

# KEYS: answers, purge counter, epoch, lease. ARGV: replica, lease in ms, name sets the fields were made for, fields.
_LOOK = Script(
    "cache_look",
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('GET', KEYS[3]) or '0'
local stamp = (redis.call('GET', KEYS[2]) or '0') .. ' ' .. epoch
local names = redis.call('HGET', KEYS[1], 'names') or ''
if names ~= ARGV[3] then
  return {stamp, names, 2}
end
local answer = {stamp, names, 0}
local fresh = false
for at = 4, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[at])
  if value then
    local put, until_, of, start = string.match(value, '^(%d+) (%d+) (%d+) ()')
    if of == epoch then
      fresh = fresh or tonumber(until_) > now
      answer[#answer + 1] = now - put
      answer[#answer + 1] = string.sub(value, start)
    end
  end
end
if not fresh then
  local holder = redis.call('GET', KEYS[4])
  if not holder or holder == ARGV[1] then
    redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
    answer[3] = 1
  end
end
return answer
""",
)

# KEYS: answers, purge counter, epoch, lease. ARGV: replica, stamp, field, names, data, fresh ms, kept ms, variants.
_PUT = Script(
    "cache_put",
    """
local epoch = redis.call('GET', KEYS[3]) or '0'
local done = 0
if (redis.call('GET', KEYS[2]) or '0') .. ' ' .. epoch == ARGV[2] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[8]) then
    redis.call('DEL', KEYS[1])
  end
  local head = string.format('%.0f %.0f %s ', now, now + ARGV[6], epoch)
  redis.call('HSET', KEYS[1], ARGV[3], head .. ARGV[5])
  if ARGV[4] ~= '' then
    local names = redis.call('HGET', KEYS[1], 'names') or ''
    if not string.find('\\n' .. names .. '\\n', '\\n' .. ARGV[4] .. '\\n', 1, true) then
      redis.call('HSET', KEYS[1], 'names', names == '' and ARGV[4] or names .. '\\n' .. ARGV[4])
    end
  end
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[7]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[7])
  end
  done = 1
end
if redis.call('GET', KEYS[4]) == ARGV[1] then
  redis.call('DEL', KEYS[4])
end
return done
""",
)

_DROP = Script("cache_drop", "return redis.call('HDEL', KEYS[1], ARGV[1])")

# KEYS: answers, purge counter, stream. ARGV: replica, URI, counter's ms, entries of the stream.
_PURGE = Script(
    "cache_purge",
    """
redis.call('DEL', KEYS[1])
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'from', ARGV[1], 'uri', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return 0
""",
)

# KEYS: epoch, stream. ARGV: replica, stream's ms, entries of the stream, what the URIs begin with.
_CLEAR = Script(
    "cache_clear",
    """
redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'from', ARGV[1], 'all', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 0
""",
)

_RENEW = Script(
    "cache_renew",
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0",
)
_LET_GO = Script(
    "cache_let_go", "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)

_AGAIN, _MINE = 2, 1
_TURNS = 3  # times the name sets may have changed between two looks


class RedisEntries:
    """A `SharedEntries` on Redis.

    Args:
        link: to it.
        forget: forgets every answer of a URI in this process, or all where it is None; told what others purged.
        under: forgets every answer whose URI begins so, all for `b""`.
        lease: seconds a replica may keep the others waiting without a sign of life.
    """

    def __init__(
        self,
        link: Link,
        forget: Callable[[bytes], object],
        under: Callable[[bytes], object],
        lease: float = LEASE,
    ) -> None:
        self._under = under
        self._lease = int(lease * 1000)
        self._link = link
        self._forget = forget
        self._outbox: dict[bytes, None] = {}
        self._all = False

    async def look(
        self,
        uri: bytes,
        fields: Callable[[Sequence[tuple[bytes, ...]]], Sequence[bytes]],
        names: Sequence[tuple[bytes, ...]],
        lease: bytes,
    ) -> Look:
        """Look for answers, and take the lease on asking the upstream where none of them is fresh.

        Args:
            uri: of them.
            fields: tells where answers to this question stand, from the sets of request headers the answers vary by.
            names: those sets as far as they are known here.
            lease: what is asked, for whom others wait.

        Raises:
            StateLost: Redis cannot be asked.
        """
        known = _text(names)
        keys = [*_keys(uri), _lease(lease)]
        for _ in range(_TURNS):
            args: list[Word] = [self._link.replica, self._lease, known, *fields(_sets(known))]
            stamp, told, state, *values = await self._link.run(_LOOK, keys, args, bulk=True)
            if state != _AGAIN:
                found = tuple((age / 1000, data) for age, data in zip(values[::2], values[1::2], strict=True))
                return Look(found, stamp, state == _MINE, lease)
            known = told
        raise StateLost("The answers of this URI change too fast")

    def put(
        self, uri: bytes, field: bytes, names: tuple[bytes, ...], data: bytes, fresh: float, kept: float, look: Look
    ) -> None:
        """Put an answer, unless something was made invalid since `look`; its lease is given back with that.

        Args:
            uri: of it.
            field: where it stands.
            names: the request headers it varies by.
            data: the answer.
            fresh: seconds for which it is fresh.
            kept: seconds for which it is of use.
            look: before the upstream was asked.
        """
        keys = [*_keys(uri), _lease(look.lease)]
        milliseconds = [max(0, int(fresh * 1000)), min(_LONGEST, max(1, int(kept * 1000)))]
        args: list[Word] = [self._link.replica, look.stamp, field, _text([names]), data, *milliseconds, _VARIANTS]
        self._link.post(_PUT, keys, args, bulk=True)

    def drop(self, uri: bytes, field: bytes) -> None:
        """Forget one answer."""
        self._link.post(_DROP, _keys(uri)[:1], [field])

    def purge(self, uri: bytes) -> None:
        """Forget every answer of a URI, here and at every replica; later where Redis is lost."""
        if len(self._outbox) >= _OUTBOX:
            self.clear()
            return
        self._outbox[uri] = None
        self._purge(uri)

    def clear(self, begins: bytes = b"") -> None:
        """Forget every answer whose URI begins so, in this process and in every other one.

        What is kept in Redis is forgotten whole, since nothing there can be found by the beginning of its URI; where
        Redis is lost now, everybody forgets everything once it is back.
        """
        self._all = True
        self._clear(begins)

    async def renew(self, lease: bytes) -> None:
        """Hold a lease for a few seconds more.

        Raises:
            StateLost: Redis cannot be asked.
        """
        await self._link.run(_RENEW, [_lease(lease)], [self._link.replica, self._lease])

    def let_go(self, lease: bytes) -> None:
        """Give a lease back, if it is this replica's."""
        self._link.post(_LET_GO, [_lease(lease)], [self._link.replica])

    async def flush(self) -> None:
        """Purge what could not be while Redis was lost."""
        if self._all:
            self._clear()
        for uri in list(self._outbox):
            self._purge(uri)

    def heard(self, fields: dict[bytes, bytes], old: bool) -> None:
        """Forget what another replica has purged: an entry of the stream, also one from before the start."""
        if fields.get(b"from") == self._link.replica.encode():
            return
        if b"uri" in fields:
            self._forget(fields[b"uri"])
        elif b"all" in fields:
            self._under(fields[b"all"])

    def _purge(self, uri: bytes) -> None:
        args: list[Word] = [self._link.replica, uri, _PURGED, _KEPT]
        self._link.post(_PURGE, [*_keys(uri)[:2], PURGES], args, partial(self._outbox.pop, uri, None))

    def _clear(self, begins: bytes = b"") -> None:
        pending = tuple(self._outbox)
        args: list[Word] = [self._link.replica, _PURGED, _KEPT, begins]
        self._link.post(_CLEAR, [_EPOCH, PURGES], args, partial(self._cleared, pending))

    def _cleared(self, pending: tuple[bytes, ...]) -> None:
        self._all = False
        for uri in pending:
            self._outbox.pop(uri, None)


def _keys(uri: bytes) -> list[str]:
    digest = _digest(uri)
    return [f"seawall:cache:{digest}", f"seawall:purged:{digest}", _EPOCH]


def _lease(lease: bytes) -> str:
    return f"seawall:cache-lease:{_digest(lease)}"


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=16).hexdigest()


def _text(sets: Iterable[tuple[bytes, ...]]) -> bytes:
    """Return sets of header names as one text, those that vary by none left out."""
    return b"\n".join(sorted(b",".join(names) for names in sets if names))


def _sets(text: bytes) -> list[tuple[bytes, ...]]:
    return [(), *(tuple(line.split(b",")) for line in text.split(b"\n") if line)]
