import { messageOf } from "@hawser/core/errors";
import { APPEND } from "../../broker/redis/history-scripts.ts";
import { historyKeys } from "../../broker/redis/keys.ts";
import type { RedisConnection } from "../../drivers/redis/redis-connection.ts";
import { runScript } from "../../drivers/redis/redis-script.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Since then a script may ask for the time and write. */
const LEAST_VERSION = [5, 0] as const;

/** A stream that nobody follows; what is kept of it goes by itself. */
const PROBE = "__hawser_doctor__";
const PROBE_TTL_MS = 100;

/** Whether Redis can be the broker: its version, what this user may do, and what it does when its memory is full. */
export async function checkRedisBroker(connection: RedisConnection): Promise<Finding[]> {
  const found = findingsOf("broker");
  const { commands } = connection;
  try {
    const version = versionOf(await commands.info("server"));
    if (version !== null && isOlder(version))
      return [
        found.fail(
          `Redis is ${version.join(".")}, and a broker needs ${LEAST_VERSION.join(".")}`,
          "take a newer Redis, or Valkey",
        ),
      ];
    await connection.load([APPEND]);
    const args = ["0", "probe", 1, PROBE_TTL_MS, PROBE_TTL_MS, "", PROBE, '{"stream":""'];
    await runScript(commands, APPEND, historyKeys(PROBE), args);
    const memory = await commands.info("memory");
    const kept = found.ok(
      `Redis${version === null ? "" : ` ${version.join(".")}`} runs scripts and keeps messages`,
    );
    const policy = evictionOf(memory);
    return policy === null ? [kept] : [kept, found.warn(...policy)];
  } catch (thrown) {
    return [
      found.fail(
        `Redis cannot be the broker: ${messageOf(thrown)}`,
        "give its user what docs/guides/scaling.md lists, or take --broker=memory",
      ),
    ];
  }
}

/** Valkey says the version of Redis that it is like. */
function versionOf(info: string): readonly number[] | null {
  const [, text] = /^redis_version:([\d.]+)/m.exec(info) ?? [];
  return text === undefined ? null : text.split(".").map(Number);
}

function isOlder([major = 0, minor = 0]: readonly number[]): boolean {
  return major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1]);
}

/** What is wrong with the way in which room is made, and what to do; null where nothing is. */
function evictionOf(info: string): [string, string] | null {
  const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
  const [, limit = "0"] = /^maxmemory:(\d+)/m.exec(info) ?? [];
  if (limit === "0" || policy === "noeviction") return null;
  return [
    `when its memory is full, Redis throws away what it thinks is needed least (maxmemory-policy ${policy}): messages, ` +
      "sessions and who is present go before their time",
    "set maxmemory-policy noeviction, so that a publication is refused instead, and give this Redis to the servers alone",
  ];
}
