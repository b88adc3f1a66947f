import { createHash } from "node:crypto";
import { messageOf } from "@hawser/core/errors";
import type { RedisCommands } from "./redis-connection.ts";

/** A program of Lua that Redis carries out in one step, and the name that Redis has for it. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

export function redisScript(text: string): RedisScript {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Runs it by its name, and by its text where Redis has forgotten it. In a cluster the first key says on which node. */
export async function runScript(
  commands: Pick<RedisCommands, "eval" | "evalsha">,
  { text, sha }: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await commands.evalsha(sha, keys.length, ...keys, ...args);
  } catch (thrown) {
    if (!messageOf(thrown).startsWith("NOSCRIPT")) throw thrown;
    return commands.eval(text, keys.length, ...keys, ...args);
  }
}
