import type { HmacHex } from "../options.ts";

/**
 * What a key derived from the application's secret is for, and the phrase that stands for it (anycable@1.6.16). SDKs
 * derive the same keys, so the phrases are part of the wire.
 */
export const DERIVED_KEYS = {
  /** HTTP broadcasting: `--broadcast_key`. */
  broadcast: "broadcast-cable",
  /** RPC over HTTP. */
  rpc: "rpc-cable",
  /** The REST API. */
  api: "api-cable",
} as const;

export type DerivedKeyPurpose = keyof typeof DERIVED_KEYS;

/** The key that the application's `secret` gives for `purpose` when none was set: 64 hex digits. */
export function deriveKey(secret: string, purpose: DerivedKeyPurpose, hmacHex: HmacHex): string {
  return hmacHex(secret, DERIVED_KEYS[purpose]);
}
