import type { Clock } from "../clock.ts";
import { type Claims, numericDateS } from "../jwt/claims.ts";
import { MismatchDetector } from "../jwt/mismatch-detector.ts";
import { SkewWatch } from "../jwt/skew-watch.ts";
import type { VerifierObserver } from "../jwt/verifier.ts";
import type { Log } from "../log.ts";
import type { Gauge, LabelledHistogram, Metrics } from "../metrics/registry.ts";

export interface TokenMeterParts {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  /** What tells this server's key from the application's, for the operator: a fingerprint, never a key. */
  readonly ourKey: () => string;
}

/** Forged tokens that are read a second; a flood of them is not to cost more than refusing it. */
const FORGED_READ_A_SECOND = 50;

/** Measures what tokens are like: how old they are, whose clock is ahead, whether secrets differ. */
export class TokenMeter implements VerifierObserver {
  readonly #issued: LabelledHistogram<"jwt_issued_ago_seconds">;
  readonly #valid: LabelledHistogram<"jwt_valid_since_seconds">;
  readonly #mismatch: Gauge;
  readonly #skew: SkewWatch;
  readonly #detector: MismatchDetector;
  readonly #log: Log;
  readonly #ourKey: () => string;
  #second = 0;
  #readThisSecond = 0;

  constructor({ metrics, clock, log, ourKey }: TokenMeterParts) {
    this.#issued = metrics.labelledHistogram("jwt_issued_ago_seconds");
    this.#valid = metrics.labelledHistogram("jwt_valid_since_seconds");
    this.#mismatch = metrics.gauge("jwt_secret_mismatch");
    this.#log = log;
    this.#ourKey = ourKey;
    this.#skew = new SkewWatch((issuer, aheadS) => this.#sayAhead(issuer, aheadS));
    this.#detector = new MismatchDetector({
      clock,
      onRaised: (tokens, sinceMs) => this.#sayMismatch(tokens, sinceMs),
      onCleared: () => {
        this.#mismatch.set(0);
        log.info("JWT secrets agree again: a token that is newer than the refused ones was taken");
      },
    });
  }

  /** Whether the application seems to sign with another secret now. */
  get secretsDiffer(): boolean {
    return this.#detector.raised;
  }

  signed(issuer: string | null, claims: Claims, nowMs: number): void {
    const issuedAgoS = measure(this.#issued, issuer, numericDateS(claims, "iat"), nowMs);
    const validSinceS = measure(this.#valid, issuer, numericDateS(claims, "nbf"), nowMs);
    this.#skew.observe(issuer, Math.min(issuedAgoS, validSinceS), nowMs);
    this.#detector.passed(claims);
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
    this.#detector.failed(signature, claims);
  }

  #sayAhead(issuer: string | null, aheadS: number): void {
    const whose = issuer === null ? "the clock of whoever issues the tokens" : `the clock of ${issuer}`;
    const s = Math.ceil(aheadS);
    this.#log.warn(
      `${whose} runs ahead of ours: tokens come up to ${s} s from the future; synchronise the clocks, or set jwt_leeway`,
      { ahead_seconds: s },
    );
  }

  #sayMismatch(tokens: number, sinceMs: number): void {
    this.#mismatch.set(1);
    this.#log.warn(
      `JWT secrets differ: ${tokens} tokens since ${timeOfDay(sinceMs)} fail on signature; this server's key is ` +
        `${this.#ourKey()}; the app was probably redeployed with another ANYCABLE_SECRET`,
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

/** HH:MM:SS of the machine's own day, as log lines have it. */
function timeOfDay(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}
