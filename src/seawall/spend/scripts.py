"""Counters that replicas share, as Redis keeps them: one script reserves or settles in every account, or in none.

An account is a hash of whole picodollars: `held`, the day `d` and what was spent in it `ds`, the month `m` and `ms`,
and `t` ever. Redis adds its 64-bit integers exactly; Lua's numbers are doubles, so what is compared here is compared in
two parts, dollars and picodollars. Days are the callers', since Lua knows no time zones; one that is earlier than an
account's, by a clock that is late, counts as the account's.
"""

from seawall.stores.redis import Script

__all__ = ["BEAT", "LEFT", "RESERVE", "SETTLE"]

_COMMON = """
local function turn(key, day, month)
  local kept = redis.call('HMGET', key, 'd', 'm')
  if not kept[1] or day > kept[1] then
    redis.call('HSET', key, 'd', day, 'ds', '0')
    if not kept[2] or month > kept[2] then
      redis.call('HSET', key, 'm', month, 'ms', '0')
    end
  end
end
local function add(key, field, amount)
  if amount ~= '0' and amount ~= '-0' then
    redis.call('HINCRBY', key, field, amount)
  end
end
local function begin(key, day, month, at)
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'd', day, 'm', month, 'ds', ARGV[at], 'ms', ARGV[at + 1], 't', ARGV[at + 2])
  end
  turn(key, day, month)
end
local function values(key, found)
  for _, value in ipairs(redis.call('HMGET', key, 'held', 'ds', 'ms', 't')) do
    found[#found + 1] = value or '0'
  end
end
"""

# KEYS: the replica's reservations; whether this one is over; accounts. ARGV: id; picodollars; what is kept of it; day;
# month; 1 where it is held whatever the caps say; milliseconds an account is kept; then for each account its caps by
# day, month and ever, or '', and what is known to be spent by day, month and ever where the account is not there.
RESERVE = Script(
    "spend_reserve",
    _COMMON
    + """
local function parts(text)
  local length = #text
  if length <= 12 then
    return 0, tonumber(text)
  end
  return tonumber(string.sub(text, 1, length - 12)), tonumber(string.sub(text, length - 11))
end
local function over(spent, held, amount, cap)
  if cap == '' then
    return false
  end
  local dollars, rest = 0, 0
  for _, text in ipairs({spent, held, amount}) do
    local high, low = parts(text)
    dollars, rest = dollars + high, rest + low
  end
  dollars, rest = dollars + math.floor(rest / 1000000000000), rest % 1000000000000
  local high, low = parts(cap)
  return dollars > high or (dollars == high and rest > low)
end
local fits, found = 1, {}
if redis.call('EXISTS', KEYS[2]) == 1 then
  fits = 0
end
for place = 3, #KEYS do
  local key, at = KEYS[place], 8 + (place - 3) * 6
  begin(key, ARGV[4], ARGV[5], at + 3)
  values(key, found)
  local base = #found - 4
  if ARGV[2] ~= '0' and ARGV[6] ~= '1' then
    for period = 1, 3 do
      if over(found[base + 1 + period], found[base + 1], ARGV[2], ARGV[at + period - 1]) then
        fits = 0
      end
    end
  end
end
if fits == 1 and redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3]) == 1 then
  for place = 3, #KEYS do
    add(KEYS[place], 'held', ARGV[2])
  end
end
for place = 3, #KEYS do
  redis.call('PEXPIRE', KEYS[place], ARGV[7])
end
table.insert(found, 1, fits)
return found
""",
)

# KEYS as above. ARGV: id; picodollars that were spent; day; month; milliseconds it is remembered to be over and an
# account is kept; then for each account what is known to be spent, as above.
SETTLE = Script(
    "spend_settle",
    _COMMON
    + """
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept then
  redis.call('HDEL', KEYS[1], ARGV[1])
  for place = 3, #KEYS do
    add(KEYS[place], 'held', '-' .. string.match(kept, '^%d+'))
  end
end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[5]) then
  return {}
end
local found = {}
for place = 3, #KEYS do
  local key = KEYS[place]
  begin(key, ARGV[3], ARGV[4], 7 + (place - 3) * 3)
  add(key, 'ds', ARGV[2])
  add(key, 'ms', ARGV[2])
  add(key, 't', ARGV[2])
  values(key, found)
  redis.call('PEXPIRE', key, ARGV[6])
end
return found
""",
)

# KEYS: who has reservations, by the moment of the last sign of life. ARGV: this replica; milliseconds after which one
# is dead. Returns one that is, if any; it is this replica's to bury, and nobody else's for as long again.
BEAT = Script(
    "spend_beat",
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]), 'LIMIT', 0, 1)
if dead[1] then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), dead[1])
end
return dead
""",
)

# KEYS: the dead replica's reservations; who has reservations. ARGV: the dead replica. Returns what is left of them; one
# that has none any more is forgotten.
LEFT = Script(
    "spend_left",
    """
local left = redis.call('HGETALL', KEYS[1])
if #left == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return left
""",
)
