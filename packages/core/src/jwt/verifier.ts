import type { Clock } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import { base64urlByteLength, decodeBase64url } from "../wire/base64url.ts";
import { parseStrictObject } from "../wire/strict-json.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type Claims, numericDateS } from "./claims.ts";
import { type CompactToken, CompactVerifier } from "./compact.ts";
import type { JwtCrypto } from "./crypto.ts";
import {
  checkRange,
  connectionEndS,
  DEFAULT_ISSUER,
  type IssuerPolicy,
  judgeClaims,
  policiesByIssuer,
  policyFor,
} from "./issuer-policy.ts";
import { type KeyPool, type KeyRing, stateAt, type VerificationKey } from "./keyring.ts";
import type { Revocations } from "./revocation/revocations.ts";
import { tokenMarks } from "./revocation/token-marks.ts";
import { PAYLOAD_RULES, type PayloadProblem, RULES, type Rule } from "./rules.ts";
import type { Refused, Verdict } from "./verdict.ts";

export interface VerifierPolicy {
  /** Longer tokens are refused as `too_large`; `--jwt_max_token_bytes`. */
  readonly maxTokenBytes: number;
  /** At least one. With several, the token's `iss`, not yet verified, says which one judges it, and with whose keys. */
  readonly issuers: readonly IssuerPolicy[];
}

/** What AnyCable's options mean when none is set, and our size limit. */
export const DEFAULT_POLICY: VerifierPolicy = { maxTokenBytes: 8192, issuers: [DEFAULT_ISSUER] };

export interface VerifierOptions {
  /** Asked for each token, so that a change of keys takes effect with the next one. */
  readonly ring: () => KeyRing;
  readonly crypto: JwtCrypto;
  readonly clock: Pick<Clock, "nowMs">;
  readonly policy: VerifierPolicy;
  /** A token named a key that the ring does not have; called once a token, and must not throw. */
  readonly onUnknownKid?: (issuer: string | null, kid: string) => void;
  readonly observer?: VerifierObserver;
  /** Tokens that are refused though nothing is wrong with them. */
  readonly revocations?: Pick<Revocations, "refusalOf">;
}

/** Who wants to know what tokens are like, good and bad. Nothing of it may throw, and all of it is on the hot path. */
export interface VerifierObserver {
  /** A token with these claims was signed with a key in use. Whether it is let in is another question. */
  signed(issuer: string | null, claims: Claims, nowMs: number): void;
  /** Whether the claims of a token that nobody signed are worth reading, which costs as much as verifying one. */
  wantsForged(nowMs: number): boolean;
  /** No key gives the signature of a token with these claims. */
  forged(signature: string, claims: Claims): void;
}

const NOTHING_REVOKED: Pick<Revocations, "refusalOf"> = { refusalOf: () => null };

const NOBODY: VerifierObserver = {
  signed: () => {},
  wantsForged: () => false,
  forged: () => {},
};

export interface Verifier {
  /**
   * Judges a token, whatever string it is. Never throws. Checks in this order: size, format, header, issuer (where there
   * are several), algorithm, key, signature, claims, revocations; so a token that is expired and forged is forged.
   */
  verify(token: string): Verdict;
}

/** @throws CableError `config_invalid` when a number of the policy is out of its range. */
export function createVerifier(options: VerifierOptions): Verifier {
  const verifier = new TokenVerifier(options);
  // Not the instance itself: `verify` gets handed around alone.
  return { verify: (token) => verifier.verify(token) };
}

class TokenVerifier {
  readonly #ring: () => KeyRing;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #policies: ReadonlyMap<string | null, IssuerPolicy>;
  /** Where there is but one, a token's payload is not looked into before its signature is known to be right. */
  readonly #only: IssuerPolicy | null;
  readonly #onUnknownKid: VerifierOptions["onUnknownKid"];
  readonly #observer: VerifierObserver;
  readonly #revocations: Pick<Revocations, "refusalOf">;
  readonly #compact: CompactVerifier;
  /** Where payloads are decoded; reused, because an allocation a token costs more than the decoding. */
  #bytes = new Uint8Array(1024);

  constructor(options: VerifierOptions) {
    const { maxTokenBytes, issuers } = options.policy;
    checkRange("maxTokenBytes", maxTokenBytes, 1, Number.MAX_SAFE_INTEGER);
    this.#ring = options.ring;
    this.#clock = options.clock;
    this.#policies = policiesByIssuer(issuers);
    this.#only = issuers.length === 1 ? (issuers[0] ?? null) : null;
    this.#onUnknownKid = options.onUnknownKid;
    this.#observer = options.observer ?? NOBODY;
    this.#revocations = options.revocations ?? NOTHING_REVOKED;
    this.#compact = new CompactVerifier({ crypto: options.crypto, maxTokenBytes });
  }

  verify(text: string): Verdict {
    const token = this.#compact.parse(text);
    if ("reason" in token) return refused(token, null);
    return this.#only === null ? this.#verifyOfMany(token) : this.#verify(token, this.#only, null);
  }

  /** Nothing but the choice of a policy and its keys follows from a claim that is not verified yet. */
  #verifyOfMany(token: CompactToken): Verdict {
    const claims = this.#claimsOf(token);
    if (typeof claims === "string") return refused(PAYLOAD_RULES[claims], null);
    const policy = policyFor(this.#policies, claims);
    return policy === undefined ? refused(RULES.issuer_unknown, null) : this.#verify(token, policy, claims);
  }

  /** @param parsed the claims where they had to be looked into before; else null. */
  #verify(token: CompactToken, policy: IssuerPolicy, parsed: Claims | null): Verdict {
    const pool = this.#ring().poolOf(policy.issuer);
    const key = this.#compact.signerOf(token, pool);
    const nowMs = this.#clock.nowMs();
    if ("reason" in key) {
      this.#tellOfRefusal(token, key, policy, pool, parsed, nowMs);
      return refused(key, null);
    }
    const state = stateAt(key, nowMs);
    if (state !== "active" && state !== "verify-only") return refused(KEY_RULES[state], key.name);
    const claims = parsed ?? this.#claimsOf(token);
    if (typeof claims === "string") return refused(PAYLOAD_RULES[claims], key.name);
    this.#observer.signed(policy.issuer, claims, nowMs);
    const verdict = judge(policy, key, token, claims, nowMs);
    if (!verdict.accepted) return verdict;
    const revoked = this.#revocations.refusalOf(verdict.identity, verdict.marks, nowMs);
    return revoked === null ? verdict : refused(revoked, key.name);
  }

  #tellOfRefusal(
    token: CompactToken,
    rule: Rule,
    policy: IssuerPolicy,
    pool: KeyPool,
    parsed: Claims | null,
    nowMs: number,
  ): void {
    const { kid } = token.header;
    if (kid !== null && !pool.kids.has(kid)) this.#onUnknownKid?.(policy.issuer, kid);
    if (rule !== RULES.bad_signature || !this.#observer.wantsForged(nowMs)) return;
    const claims = parsed ?? this.#claimsOf(token);
    if (typeof claims !== "string") this.#observer.forged(token.signature, claims);
  }

  #claimsOf(token: CompactToken): Claims | PayloadProblem {
    const segment = token.payloadSegment;
    const needed = base64urlByteLength(segment.length);
    if (needed > this.#bytes.length) this.#bytes = new Uint8Array(needed);
    const length = decodeBase64url(segment, 0, segment.length, this.#bytes);
    const text = length < 0 ? null : decodeUtf8(this.#bytes, 0, length);
    return text === null ? "not_utf8" : parseStrictObject(text, LIMITS.maxJsonDepth);
  }
}

const KEY_RULES = {
  not_yet: RULES.key_not_yet,
  retired: RULES.key_retired,
  revoked: RULES.key_revoked,
} as const;

function judge(
  policy: IssuerPolicy,
  key: VerificationKey,
  token: CompactToken,
  claims: Claims,
  nowMs: number,
): Verdict {
  const expS = numericDateS(claims, "exp");
  const rule = judgeClaims(policy, token.header, claims, expS, nowMs);
  if (rule !== null) {
    return refused(rule, key.name, rule === RULES.expired && expS !== null ? nowMs - expS * 1000 : null);
  }
  const identity = policy.identify(claims);
  if (typeof identity !== "string") return refused(identity, key.name);
  const expiresAtMs = instantMs(expS, 0);
  return {
    accepted: true,
    identity,
    keyName: key.name,
    claimsSegment: token.payloadSegment,
    expiresAtMs,
    connectionEndsAtMs: instantMs(connectionEndS(policy, claims, expS), policy.leewayS),
    marks: tokenMarks(claims, key.kid ?? token.header.kid, token.signature, expiresAtMs),
  };
}

function instantMs(atS: number | null, leewayS: number): number | null {
  return atS === null ? null : Math.min((atS + leewayS) * 1000, LAST_INSTANT_MS);
}

/** The last instant that a `Date` can hold (ECMA-262 21.4.1.1); later ones are as good as it. */
const LAST_INSTANT_MS = 8.64e15;

function refused(rule: Rule, keyName: string | null, expiredForMs: number | null = null): Refused {
  return { accepted: false, reason: rule.reason, keyName, detail: rule.detail, expiredForMs };
}
