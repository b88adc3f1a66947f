import { type RedisScript, redisScript } from "../../drivers/redis/redis-script.ts";

/**
 * Who is where. All keys begin with KEYS[1], so that each script is one step, in a cluster too:
 *
 * - `on:<stream>`: id (as JSON) -> sessions:length:info of a member; `lengths`: stream -> characters of its records
 * - `s:<sid>`: of a session `:<stream>` -> length:id, `l` characters of all, `v` its server while it is connected, `w` what it weighs
 *   while it is lost
 * - `lost`: sid -> when its time is over; `weight` of them all
 * - `servers`: server -> its last sign of life; `of:<server>`: sids that are connected there
 * - `strays`: servers that gave none for long; their sessions are lost, a few at a time
 *
 * ARGV[1] says whether the followers of a stream are told here, where the order of joins and leaves is decided; where not, the
 * caller is told.
 */
const PRELUDE = `
local P = KEYS[1] .. ':'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local events = {}

local function tell(stream, id, message)
  if ARGV[1] == '1' then
    redis.call('PUBLISH', stream, '{"stream":' .. cjson.encode(stream) .. ',"data":' .. cjson.encode(message)
      .. ',"meta":{"broadcast_type":"presence","transient":true}}')
  else
    events[#events + 1] = stream
    events[#events + 1] = id
  end
end

local function readMember(value)
  if not value then return 0, 0, '' end
  local sessions, length, info = string.match(value, '^(%d+):(%d+):(.*)$')
  return tonumber(sessions), tonumber(length), info
end

local function readPlace(value)
  if not value then return 0, nil end
  local length, id = string.match(value, '^(%d+):(.*)$')
  return tonumber(length), id
end

local function writeMember(stream, id, sessions, length, info, by)
  redis.call('HSET', P .. 'on:' .. stream, id, sessions .. ':' .. length .. ':' .. info)
  if by ~= 0 then redis.call('HINCRBY', P .. 'lengths', stream, by) end
end

local function leaveStream(stream, id)
  local value = redis.call('HGET', P .. 'on:' .. stream, id)
  if not value then return false end
  local sessions, length, info = readMember(value)
  if sessions > 1 then
    writeMember(stream, id, sessions - 1, length, info, 0)
    return false
  end
  redis.call('HDEL', P .. 'on:' .. stream, id)
  if redis.call('HINCRBY', P .. 'lengths', stream, -length) <= 0 then redis.call('HDEL', P .. 'lengths', stream) end
  tell(stream, id, '{"id":' .. id .. ',"type":"leave"}')
  return true
end

local function placesOf(sid)
  local fields, places = redis.call('HGETALL', P .. 's:' .. sid), {}
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 1) == ':' then
      local _, id = readPlace(fields[at + 1])
      places[#places + 1] = { stream = string.sub(fields[at], 2), id = id }
    end
  end
  return places
end

local function belong(sid, server)
  local former = redis.call('HGET', P .. 's:' .. sid, 'v')
  if former == server then return end
  if former then redis.call('SREM', P .. 'of:' .. former, sid) end
  if not server then
    redis.call('HDEL', P .. 's:' .. sid, 'v')
    return
  end
  redis.call('HSET', P .. 's:' .. sid, 'v', server)
  redis.call('SADD', P .. 'of:' .. server, sid)
  -- It was taken for dead, and does not know so yet: what it brings must not stay if it dies now.
  if not redis.call('ZSCORE', P .. 'servers', server) then redis.call('SADD', P .. 'strays', server) end
end

local function unqueue(sid)
  if redis.call('ZREM', P .. 'lost', sid) == 0 then return end
  redis.call('DECRBY', P .. 'weight', redis.call('HGET', P .. 's:' .. sid, 'w') or 0)
end

local function forget(sid)
  unqueue(sid)
  belong(sid, nil)
  redis.call('DEL', P .. 's:' .. sid)
end

local function expel(sid)
  local places = placesOf(sid)
  forget(sid)
  for _, place in ipairs(places) do leaveStream(place.stream, place.id) end
end

local function takeOff(sid, stream)
  local key = P .. 's:' .. sid
  local length, id = readPlace(redis.call('HGET', key, ':' .. stream))
  if not id then return false end
  redis.call('HDEL', key, ':' .. stream)
  if redis.call('HINCRBY', key, 'l', -length) <= 0 then forget(sid) end
  return true, leaveStream(stream, id)
end

local function lose(sid, ttl, maxWeight)
  local length = redis.call('HGET', P .. 's:' .. sid, 'l')
  if not length then return end
  unqueue(sid)
  belong(sid, nil)
  redis.call('HSET', P .. 's:' .. sid, 'w', length + 500)
  redis.call('ZADD', P .. 'lost', now + ttl, sid)
  local weight = redis.call('INCRBY', P .. 'weight', length + 500)
  for _ = 1, 1000 do
    if weight <= tonumber(maxWeight) then return end
    local oldest = redis.call('ZRANGE', P .. 'lost', 0, 0)[1]
    if not oldest then return end
    expel(oldest)
    weight = tonumber(redis.call('GET', P .. 'weight'))
  end
end

-- limits: of a record, a session and a stream.
local function put(sid, stream, id, info, recordLength, length, limits)
  local key = P .. 's:' .. sid
  local formerLength, formerId = readPlace(redis.call('HGET', key, ':' .. stream))
  if formerId and formerId ~= id then return 'mismatch' end
  local sessions, memberLength = readMember(redis.call('HGET', P .. 'on:' .. stream, id))
  local ofSession = (redis.call('HGET', key, 'l') or 0) - formerLength + length
  local ofStream = (redis.call('HGET', P .. 'lengths', stream) or 0) - memberLength + recordLength
  if recordLength > limits[1] then return 'record' end
  if ofSession > limits[2] then return 'session' end
  if ofStream > limits[3] then return 'stream' end
  writeMember(stream, id, formerId and sessions or sessions + 1, recordLength, info, recordLength - memberLength)
  redis.call('HSET', key, ':' .. stream, length .. ':' .. id, 'l', ofSession)
  if sessions > 0 then return 'there' end
  tell(stream, id, '{"id":' .. id .. (info == '' and '' or ',"info":' .. info) .. ',"type":"join"}')
  return 'joined'
end
`;

const presenceScript = (body: string): RedisScript => redisScript(PRELUDE + body);

/** ARGV: told, server, sid, limits (3), stream, id, info, length of the record, the same with the stream's name. */
export const JOIN = presenceScript(`
local sid, limits = ARGV[3], { tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]) }
unqueue(sid)
local result = put(sid, ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11]), limits)
if redis.call('EXISTS', P .. 's:' .. sid) == 1 then belong(sid, ARGV[2]) end
return result
`);

/** ARGV: told, sid, stream. */
export const LEAVE = presenceScript(`
if redis.call('EXISTS', P .. 'on:' .. ARGV[3]) == 0 then return 'nobody' end
local wasThere, isLast = takeOff(ARGV[2], ARGV[3])
if not wasThere then return 'absent' end
if isLast and events[2] then return { events[2] } end
return {}
`);

/** ARGV: told, stream. Reply: ids and members by turns. */
export const MEMBERS = presenceScript(`return redis.call('HGETALL', P .. 'on:' .. ARGV[2])`);

/** ARGV: told, server, former sid, sid. Reply: streams, ids and infos by turns. */
export const RESUMED = presenceScript(`
local former, sid = P .. 's:' .. ARGV[3], ARGV[4]
if redis.call('EXISTS', P .. 's:' .. sid) == 1 then return {} end
local found = {}
for _, place in ipairs(placesOf(ARGV[3])) do
  local field = ':' .. place.stream
  local sessions, length, info = readMember(redis.call('HGET', P .. 'on:' .. place.stream, place.id))
  writeMember(place.stream, place.id, sessions + 1, length, info, 0)
  redis.call('HSET', P .. 's:' .. sid, field, redis.call('HGET', former, field))
  for _, part in ipairs({ place.stream, place.id, info }) do found[#found + 1] = part end
end
if #found > 0 then
  redis.call('HSET', P .. 's:' .. sid, 'l', redis.call('HGET', former, 'l'))
  belong(sid, ARGV[2])
end
return found
`);

/** ARGV: told, sid, ttl, what all lost sessions may weigh. Reply: streams and ids of those that are gone before their time. */
export const LOSE = presenceScript(`
lose(ARGV[2], ARGV[3], ARGV[4])
return events
`);

/** ARGV as of JOIN, the last five any number of times. The session is on these streams and on no other. */
export const ANNOUNCE = presenceScript(`
local sid, limits = ARGV[3], { tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]) }
local wanted = {}
for at = 7, #ARGV, 5 do wanted[ARGV[at]] = true end
unqueue(sid)
for _, place in ipairs(placesOf(sid)) do
  if not wanted[place.stream] then takeOff(sid, place.stream) end
end
for at = 7, #ARGV, 5 do
  put(sid, ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), limits)
end
if redis.call('EXISTS', P .. 's:' .. sid) == 1 then belong(sid, ARGV[2]) end
`);

/**
 * A server's sign of life, and what is due: the silent ones become strays, the sessions of strays are lost, and those whose time is
 * over are gone.
 *
 * ARGV: told, server, whether it is new, ttl, what all lost sessions may weigh, how long a server may be silent, whether others
 * are judged now, how many sessions at a time. Reply: whether the server was known, whether there is more to do, then streams and
 * ids of those that are gone.
 */
export const LOOK = presenceScript(`
local server, ttl, maxWeight, left = ARGV[2], ARGV[4], ARGV[5], tonumber(ARGV[8])
local isKnown = redis.call('ZSCORE', P .. 'servers', server)
if isKnown or ARGV[3] == '1' then redis.call('ZADD', P .. 'servers', now, server) end
if ARGV[7] == '1' then
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', P .. 'servers', '-inf', '(' .. (now - ARGV[6]))) do
    redis.call('ZREM', P .. 'servers', silent)
    redis.call('SADD', P .. 'strays', silent)
  end
end
for _, stray in ipairs(redis.call('SMEMBERS', P .. 'strays')) do
  local sids = redis.call('SPOP', P .. 'of:' .. stray, left)
  left = left - #sids
  for _, sid in ipairs(sids) do
    if redis.call('HGET', P .. 's:' .. sid, 'v') == stray then lose(sid, ttl, maxWeight) end
  end
  if left <= 0 then break end
  redis.call('SREM', P .. 'strays', stray)
end
local due = redis.call('ZRANGEBYSCORE', P .. 'lost', '-inf', now, 'LIMIT', 0, math.max(0, left))
for _, sid in ipairs(due) do expel(sid) end
local reply = { isKnown and 1 or 0, #due >= left and 1 or 0 }
for _, part in ipairs(events) do reply[#reply + 1] = part end
return reply
`);

export const PRESENCE_SCRIPTS = [ANNOUNCE, JOIN, LEAVE, LOOK, LOSE, MEMBERS, RESUMED];
