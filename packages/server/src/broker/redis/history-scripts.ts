import { redisScript } from "../../drivers/redis/redis-script.ts";

/**
 * The head of a stream is text: its epoch, the last offset, the time of the last message, the run of Redis that counted, and
 * what was before that run: the former epoch and its last offset. Messages are a list, each with its time (ms) in six bytes before
 * it; the last one has the last offset. A list of one message takes a tenth of what Redis' own streams do, which are made for long
 * ones.
 *
 * A Redis that was restarted, or is another one that took over, may have lost the last offsets it gave out. So a new run
 * counts on under a new epoch, and a position of the former one is good up to where the count was found.
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function readHead()
  local head = redis.call('GET', KEYS[1])
  if not head then return nil end
  local epoch, offset, at, run, formerEpoch, formerOffset =
    string.match(head, '^(%S+) (%d+) (%d+) (%S*) (%S*) (%d+)$')
  return {
    epoch = epoch, offset = tonumber(offset), at = tonumber(at), run = run,
    formerEpoch = formerEpoch, formerOffset = tonumber(formerOffset),
  }
end
local function timeAt(index)
  return (struct.unpack('>I6', redis.call('LINDEX', KEYS[2], index)))
end
-- How many messages of the list are older than that.
local function olderThan(ms, length)
  if length == 0 or timeAt(0) >= ms then return 0 end
  local older, rest = 0, length
  while rest - older > 1 do
    local middle = math.floor((older + rest) / 2)
    if timeAt(middle) < ms then older = middle else rest = middle end
  end
  return rest
end
local function messagesFrom(index)
  local messages = redis.call('LRANGE', KEYS[2], index, -1)
  for at, entry in ipairs(messages) do messages[at] = string.sub(entry, 7) end
  return messages
end
`;

/** KEYS: head, messages. ARGV: message, new epoch, limit, ttl, life of the stream, run of Redis, channel, text up to its last brace. */
export const APPEND = redisScript(`${PRELUDE}
local run = ARGV[6]
if run == '' then run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '' end
local head = readHead()
if not head then
  head = { epoch = ARGV[2], offset = 0, at = now, run = run, formerEpoch = '', formerOffset = 0 }
  redis.call('DEL', KEYS[2])
elseif head.run ~= run then
  head.formerEpoch, head.formerOffset = head.epoch, head.offset
  head.epoch, head.run = ARGV[2], run
end
head.offset = head.offset + 1
head.at = math.max(head.at, now)
redis.call('SET', KEYS[1],
  string.format('%s %.0f %.0f %s %s %.0f',
    head.epoch, head.offset, head.at, head.run, head.formerEpoch, head.formerOffset),
  'PX', ARGV[5])
local length = redis.call('RPUSH', KEYS[2], struct.pack('>I6', head.at) .. ARGV[1])
local surplus = math.max(length - ARGV[3], olderThan(now - ARGV[4], length))
if surplus > 0 then redis.call('LTRIM', KEYS[2], surplus, -1) end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if ARGV[7] then
  redis.call('PUBLISH', ARGV[7],
    string.format('%s,"offset":%.0f,"epoch":"%s"}', ARGV[8], head.offset, head.epoch))
end
return { head.epoch, head.offset }
`);

/** KEYS: head, messages. ARGV: epoch, offset, ttl. Reply: how it stands, and with `kept` the epoch and the messages. */
export const AFTER = redisScript(`${PRELUDE}
local head = readHead()
if not head then return { 'unknown' } end
local offset = tonumber(ARGV[2])
local isFormer = ARGV[1] == head.formerEpoch and ARGV[1] ~= '' and offset <= head.formerOffset
if ARGV[1] ~= head.epoch and not isFormer then return { 'epoch' } end
local count = head.offset - offset
if count < 0 then return { 'ahead', head.offset } end
if count == 0 then return { 'kept', head.epoch, {} } end
local length = redis.call('LLEN', KEYS[2])
local older = olderThan(now - ARGV[3], length)
if count > length - older then return { 'gone', head.offset - length + older } end
return { 'kept', head.epoch, messagesFrom(length - count) }
`);

/** KEYS: head, messages. ARGV: since (s), ttl. Reply: the epoch, the offset before the first message, and the messages. */
export const SINCE = redisScript(`${PRELUDE}
local head = readHead()
if not head then return { '', 0, {} } end
local length = redis.call('LLEN', KEYS[2])
local older = olderThan(math.max(ARGV[1] * 1000, now - ARGV[2]), length)
return { head.epoch, head.offset - length + older, messagesFrom(older) }
`);

/** KEYS: head. */
export const HEAD = redisScript(`${PRELUDE}
local head = readHead()
if not head then return {} end
return { head.epoch, head.offset }
`);
