import { redisScript } from "../../drivers/redis/redis-script.ts";

/**
 * A session is text: the digest of its identifiers and what stood in their stamp when it was saved, the same of its identifiers
 * with its lineage, and the snapshot. Whoever removes all sessions of these identifiers writes something else into the stamp, and each
 * that was saved before is gone with that: there is no list of them.
 *
 * KEYS: what the keys begin with, for the node of the cluster.
 */
const PRELUDE = `
local function keyOf(sid) return KEYS[1] .. ':s:' .. sid end
local function stampKey(digest) return KEYS[1] .. ':gone:' .. digest end
local function digestOf(identifiers, lineage)
  return string.sub(redis.sha1hex(lineage and identifiers .. string.char(0) .. lineage or identifiers), 1, 24)
end
local function isStale(digest, stamp)
  local current = redis.call('GET', stampKey(digest))
  return current and current ~= stamp
end
local function read(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local digest, stamp, ofLineage, stampOfLineage, snapshot = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (.*)$')
  if isStale(digest, stamp) or isStale(ofLineage, stampOfLineage) then
    redis.call('DEL', key)
    return nil
  end
  return snapshot
end
`;

/** ARGV: sid, snapshot, identifiers, lineage, ttl. */
export const SAVE = redisScript(`${PRELUDE}
local digest, ofLineage = digestOf(ARGV[3]), digestOf(ARGV[3], ARGV[4])
local stamp, stampOfLineage = redis.call('GET', stampKey(digest)), redis.call('GET', stampKey(ofLineage))
redis.call('SET', keyOf(ARGV[1]),
  table.concat({ digest, stamp or '-', ofLineage, stampOfLineage or '-', ARGV[2] }, ' '), 'PX', ARGV[5])
`);

/** ARGV: sid. */
export const FIND = redisScript(`${PRELUDE} return read(keyOf(ARGV[1]))`);

/** ARGV: sid, ttl. */
export const RENEW = redisScript(`${PRELUDE}
if read(keyOf(ARGV[1])) then redis.call('PEXPIRE', keyOf(ARGV[1]), ARGV[2]) end
`);

/** ARGV: sid. */
export const REMOVE = redisScript(`${PRELUDE} redis.call('DEL', keyOf(ARGV[1]))`);

/** ARGV: new stamp, how long it lives, identifiers, lineage or nothing. */
export const REMOVE_OF = redisScript(`${PRELUDE}
redis.call('SET', stampKey(digestOf(ARGV[3], ARGV[4])), ARGV[1], 'PX', ARGV[2])
`);

/** ARGV: cursor, how many to look at. Reply: the next cursor, then sids and snapshots by turns. */
export const SCAN = redisScript(`${PRELUDE}
local start = keyOf('')
local scanned = redis.call('SCAN', ARGV[1], 'MATCH', start .. '*', 'COUNT', ARGV[2])
local found = { scanned[1] }
for _, key in ipairs(scanned[2]) do
  local snapshot = read(key)
  if snapshot then
    found[#found + 1] = string.sub(key, #start + 1)
    found[#found + 1] = snapshot
  end
end
return found
`);
