import { type Claims, numericDateS } from "../jwt/claims.ts";
import { SkewWatch } from "../jwt/skew-watch.ts";
import type { VerifierObserver } from "../jwt/verifier.ts";
import type { Log } from "../log.ts";
import type { LabelledHistogram, Metrics } from "../metrics/registry.ts";
import type { MismatchWatch } from "./secrets-mismatch.ts";

export interface TokenMeterParts {
  readonly metrics: Metrics;
  readonly log: Log;
  readonly mismatch: MismatchWatch;
}

/** Forged tokens that are read a second; a flood of them is not to cost more than refusing it. */
const FORGED_READ_A_SECOND = 50;

/** Measures what tokens are like: how old they are, whose clock is ahead, whether secrets differ. */
export class TokenMeter implements VerifierObserver {
  readonly #issued: LabelledHistogram<"jwt_issued_ago_seconds">;
  readonly #valid: LabelledHistogram<"jwt_valid_since_seconds">;
  readonly #skew: SkewWatch;
  readonly #mismatch: MismatchWatch;
  readonly #log: Log;
  #second = 0;
  #readThisSecond = 0;

  constructor({ metrics, log, mismatch }: TokenMeterParts) {
    this.#issued = metrics.labelledHistogram("jwt_issued_ago_seconds");
    this.#valid = metrics.labelledHistogram("jwt_valid_since_seconds");
    this.#log = log;
    this.#skew = new SkewWatch((issuer, aheadS) => this.#sayAhead(issuer, aheadS));
    this.#mismatch = mismatch;
  }

  signed(issuer: string | null, claims: Claims, nowMs: number): void {
    const issuedAgoS = measure(this.#issued, issuer, numericDateS(claims, "iat"), nowMs);
    const validSinceS = measure(this.#valid, issuer, numericDateS(claims, "nbf"), nowMs);
    this.#skew.observe(issuer, Math.min(issuedAgoS, validSinceS), nowMs);
    this.#mismatch.passed(claims);
  }

  wantsForged(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#readThisSecond = 0;
    }
    return this.#readThisSecond++ < FORGED_READ_A_SECOND;
  }

  forged(signature: string, claims: Claims): void {
    this.#mismatch.failed(signature, claims);
  }

  #sayAhead(issuer: string | null, aheadS: number): void {
    const whose = issuer === null ? "the clock of whoever issues the tokens" : `the clock of ${issuer}`;
    const s = Math.ceil(aheadS);
    this.#log.warn(
      `${whose} runs ahead of ours: tokens come up to ${s} s from the future; synchronise the clocks, or set jwt_leeway`,
      { ahead_seconds: s },
    );
  }
}

/** @returns the age; infinite where the claim is missing or no number. */
function measure(
  histogram: LabelledHistogram<"jwt_issued_ago_seconds" | "jwt_valid_since_seconds">,
  issuer: string | null,
  timeS: number | null,
  nowMs: number,
): number {
  if (timeS === null || Number.isNaN(timeS)) return Number.POSITIVE_INFINITY;
  const ageS = nowMs / 1000 - timeS;
  histogram.observe([issuer ?? "none"], ageS);
  return ageS;
}
