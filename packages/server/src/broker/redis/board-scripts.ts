import { redisScript } from "../../drivers/redis/redis-script.ts";

/**
 * KEYS: rings by the ids of their servers; when each of them ends; the ends of revocations by their ids; the places at which they
 * were written down; the later of the times of those that have one; the last place, which stays for good: none may be given out twice.
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rings, ringEnds, ends, places, befores, last = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local function forgetEnded(most)
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', string.format('%.0f', now), 'LIMIT', 0, most)
  for _, id in ipairs(ended) do
    redis.call('ZREM', ends, id)
    redis.call('ZREM', places, id)
    redis.call('HDEL', befores, id)
  end
  return #ended
end
`;

/**
 * ARGV: id of the server, its ring, for how long (ms), the place to read from, how many at most.
 * Reply: the last place, the rings, then of each revocation its id, place, end and time.
 */
export const LOOK = redisScript(`${PRELUDE}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', ringEnds, '-inf', string.format('%.0f', now))) do
  redis.call('ZREM', ringEnds, id)
  redis.call('HDEL', rings, id)
end
redis.call('HSET', rings, ARGV[1], ARGV[2])
redis.call('ZADD', ringEnds, string.format('%.0f', now + ARGV[3]), ARGV[1])
for _, key in ipairs({ rings, ringEnds }) do redis.call('PEXPIRE', key, ARGV[3]) end
forgetEnded(100)
local reply = { redis.call('GET', last) or '0', redis.call('HVALS', rings) }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', places, '(' .. ARGV[4], '+inf', 'LIMIT', 0, ARGV[5])) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('ZSCORE', places, id)
  reply[#reply + 1] = redis.call('ZSCORE', ends, id)
  reply[#reply + 1] = redis.call('HGET', befores, id) or '0'
end
return reply
`);

/**
 * ARGV: how many there may be, then of each its id, end (ms) and time. Reply: 1, or 0 where there is no room, and then none is
 * written.
 */
export const WRITE = redisScript(`${PRELUDE}
local fresh = 0
for at = 2, #ARGV, 3 do
  if not redis.call('ZSCORE', ends, ARGV[at]) then fresh = fresh + 1 end
end
while redis.call('ZCARD', ends) + fresh > tonumber(ARGV[1]) do
  if forgetEnded(100) == 0 then return 0 end
end
for at = 2, #ARGV, 3 do
  local id, untilMs, before = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local heldUntil = redis.call('ZSCORE', ends, id)
  local heldBefore = redis.call('HGET', befores, id) or '0'
  local isLonger = not heldUntil or tonumber(heldUntil) < tonumber(untilMs)
  local isLater = tonumber(heldBefore) < tonumber(before)
  if isLonger then redis.call('ZADD', ends, untilMs, id) end
  if isLater then redis.call('HSET', befores, id, before) end
  if isLonger or isLater then redis.call('ZADD', places, redis.call('INCR', last), id) end
end
local latest = redis.call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2]
for _, key in ipairs({ ends, places, befores }) do redis.call('PEXPIREAT', key, latest) end
return 1
`);

/** ARGV: id of the server. */
export const LEAVE = redisScript(`${PRELUDE}
redis.call('ZREM', ringEnds, ARGV[1])
redis.call('HDEL', rings, ARGV[1])
`);
