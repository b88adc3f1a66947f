import type { SetKey } from "@hawser/core/jwt/jwk-set";
import { KeySources } from "@hawser/core/jwt/key-sources";
import { createKeyRing, type KeyRing } from "@hawser/core/jwt/keyring";
import { RingHolder } from "@hawser/core/jwt/ring-holder";
import type { Log, LogFields } from "@hawser/core/log";
import { publishedKeys } from "../app/server-keys.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";

/** What there is to verify tokens with now. */
export interface KeysNow {
  readonly ring: KeyRing;
  /** A line for each issuer whose keys could not be had. */
  readonly problems: readonly string[];
}

/** Adds the keys that issuers publish to those that are given: each issuer is asked once. */
export async function withPublishedKeys(given: readonly SetKey[], { jwt }: ResolvedConfig): Promise<KeysNow> {
  const holder = new RingHolder(createKeyRing([]));
  const sources = new KeySources(holder);
  sources.put("options", given);
  const problems: string[] = [];
  // What the server keeps for its next start is not a command's to write.
  const published = publishedKeys({ jwt: { ...jwt, jwksCacheFolder: null } }, sources, {
    clock: systemClock,
    log: collectingLog(problems),
    onFetch: () => {},
  });
  await published?.start();
  published?.stop();
  return { ring: holder.current(), problems };
}

/** Keeps the reasons of warnings, for the person who is at the terminal. */
function collectingLog(problems: string[]): Log {
  const collect = (message: string, fields?: LogFields) => {
    problems.push(String(fields?.error ?? message));
  };
  const log: Log = {
    enabled: (level) => level === "warn" || level === "error",
    debug: () => {},
    info: () => {},
    warn: collect,
    error: collect,
    with: () => log,
  };
  return log;
}
