import type { Clock } from "../clock.ts";
import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { base64urlByteLength, decodeBase64url } from "../wire/base64url.ts";
import { parseStrictObject } from "../wire/strict-json.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type Claims, judgeLifetime, type LifetimePolicy, numericDateS } from "./claims.ts";
import { CompactVerifier, type SignedToken } from "./compact.ts";
import type { JwtCrypto } from "./crypto.ts";
import { identityOf } from "./identity.ts";
import type { KeyRing } from "./keyring.ts";
import { PAYLOAD_RULES, RULES, type Rule } from "./rules.ts";
import type { Refused, Verdict } from "./verdict.ts";

export interface VerifierPolicy extends LifetimePolicy {
  /** Longer tokens are refused as `too_large`; `--jwt_max_token_bytes`. */
  readonly maxTokenBytes: number;
}

/** What AnyCable's options mean when none is set, and our size limit. */
export const DEFAULT_POLICY: VerifierPolicy = {
  leewayS: 0,
  requireExp: false,
  maxLifetimeS: null,
  maxTokenBytes: 8192,
};

export interface VerifierOptions {
  /** Asked for each token, so that a change of keys takes effect with the next one. */
  readonly ring: () => KeyRing;
  readonly crypto: JwtCrypto;
  readonly clock: Pick<Clock, "nowMs">;
  readonly policy: VerifierPolicy;
}

export interface Verifier {
  /**
   * Judges a token, whatever string it is. Never throws. Checks in this order: size, format, header, algorithm, key,
   * signature, claims; so a token that is expired and forged is forged.
   */
  verify(token: string): Verdict;
}

/** @throws CableError `config_invalid` when a number of the policy is out of its range. */
export function createVerifier(options: VerifierOptions): Verifier {
  checkPolicy(options.policy);
  const verifier = new TokenVerifier(options);
  // Not the instance itself: `verify` gets handed around alone.
  return { verify: (token) => verifier.verify(token) };
}

class TokenVerifier {
  readonly #ring: () => KeyRing;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #policy: VerifierPolicy;
  readonly #compact: CompactVerifier;
  /** Where payloads are decoded; reused, because an allocation a token costs more than the decoding. */
  #bytes = new Uint8Array(1024);

  constructor(options: VerifierOptions) {
    this.#ring = options.ring;
    this.#clock = options.clock;
    this.#policy = options.policy;
    this.#compact = new CompactVerifier({
      crypto: options.crypto,
      maxTokenBytes: options.policy.maxTokenBytes,
    });
  }

  verify(token: string): Verdict {
    const signed = this.#compact.verify(token, this.#ring());
    if ("reason" in signed) return refused(signed, null, null);
    const { name, state } = signed.key;
    if (state === "revoked") return refused(RULES.key_revoked, name, null);
    if (state === "retired") return refused(RULES.key_retired, name, null);
    const text = this.#textOf(signed.payloadSegment);
    if (text === null) return refused(RULES.payload_not_utf8, name, null);
    const claims = parseStrictObject(text, LIMITS.maxJsonDepth);
    if (typeof claims === "string") return refused(PAYLOAD_RULES[claims], name, null);
    return this.#judge(signed, claims);
  }

  #judge(signed: SignedToken, claims: Claims): Verdict {
    const keyName = signed.key.name;
    const nowMs = this.#clock.nowMs();
    const expS = numericDateS(claims, "exp");
    const rule = judgeLifetime(claims, expS, this.#policy, nowMs);
    if (rule !== null) {
      return refused(rule, keyName, rule === RULES.expired && expS !== null ? nowMs - expS * 1000 : null);
    }
    const identity = identityOf(claims);
    if (typeof identity !== "string") return refused(identity, keyName, null);
    return {
      accepted: true,
      identity,
      keyName,
      claimsSegment: signed.payloadSegment,
      expiresAtMs: expS === null ? null : Math.min(expS * 1000, LAST_INSTANT_MS),
    };
  }

  #textOf(segment: string): string | null {
    const needed = base64urlByteLength(segment.length);
    if (needed > this.#bytes.length) this.#bytes = new Uint8Array(needed);
    const length = decodeBase64url(segment, 0, segment.length, this.#bytes);
    return length < 0 ? null : decodeUtf8(this.#bytes, 0, length);
  }
}

/** The last instant that a `Date` can hold (ECMA-262 21.4.1.1); later ones are as good as it. */
const LAST_INSTANT_MS = 8.64e15;

function refused(rule: Rule, keyName: string | null, expiredForMs: number | null): Refused {
  return { accepted: false, reason: rule.reason, keyName, detail: rule.detail, expiredForMs };
}

function checkPolicy(policy: VerifierPolicy): void {
  checkRange("leewayS", policy.leewayS, 0, LIMITS.maxLeewayS);
  checkRange("maxTokenBytes", policy.maxTokenBytes, 1, Number.MAX_SAFE_INTEGER);
  if (policy.maxLifetimeS !== null)
    checkRange("maxLifetimeS", policy.maxLifetimeS, 1, Number.MAX_SAFE_INTEGER);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new CableError(
    "config_invalid",
    `Cannot make a token verifier: ${name} is ${value}. Give a whole number from ${least} to ${most}.`,
  );
}
