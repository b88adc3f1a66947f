import { type KeyRing, stateAt, type VerificationKey } from "@hawser/core/jwt/keyring";
import { weaknessOf } from "@hawser/core/jwt/secret-strength";
import { keysText } from "../../app/server-keys.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { keyList } from "../../keys/key-list.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** A key that ends this soon is worth a word. */
const SOON_MS = 7 * 86_400_000;

/** Whether there are keys for tokens, and whether each is a good one. */
export function checkKeys(config: ResolvedConfig, ring: KeyRing, nowMs: number): Finding[] {
  const found = findingsOf("keys");
  const { jwt, auth, rpc } = config;
  if (!jwt.enabled) {
    if (auth.noAuth) return [found.skip("everybody is let in (--noauth), so tokens are not looked at")];
    if (rpc.kind === "none") {
      return [
        found.fail(
          "there is no key for tokens and no application to ask, so nobody is let in",
          "give --secret (ANYCABLE_SECRET), or --rpc_host",
        ),
      ];
    }
    return [found.skip("there is no key for tokens; the application decides on every client")];
  }
  const facts = keyList(ring, jwt.secretOption, nodeCrypto, nowMs);
  const active = facts.some(({ state }) => state === "active");
  return [
    ...ring.keys.map((key, at) => checkKey(key, keysText(facts.slice(at, at + 1)), nowMs)),
    ...(active
      ? []
      : [found.warn("no key is active, so no new token is good", "add one, or correct its state and dates")]),
  ];
}

/** @param text the key's name, fingerprint and state. */
function checkKey(key: VerificationKey, text: string, nowMs: number): Finding {
  const found = findingsOf("keys");
  const state = stateAt(key, nowMs);
  if (state !== "active" && state !== "verify-only") return found.ok(text);
  const weakness = key.material.kind === "secret" ? weaknessOf(key.material.reveal()) : null;
  if (weakness !== null) {
    return found.fail(
      `${text} ${weakness}`,
      "make another with hawser keys generate, and give it to the application as well",
    );
  }
  if (key.notAfterMs !== null && key.notAfterMs - nowMs < SOON_MS) {
    const hours = Math.round((key.notAfterMs - nowMs) / 3_600_000);
    return found.warn(`${text} ends in ${hours} h`, "see that another one is signed with by then");
  }
  return found.ok(text);
}
