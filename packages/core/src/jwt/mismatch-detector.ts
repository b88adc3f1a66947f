import type { Cancel, Clock } from "../clock.ts";
import { type Claims, numericDateS } from "./claims.ts";

export interface MismatchDetectorOptions {
  readonly clock: Clock;
  /** @param sinceMs when the first of the tokens came. */
  readonly onRaised: (tokens: number, sinceMs: number) => void;
  readonly onCleared: () => void;
}

/** How far back tokens count. */
const WINDOW_MS = 30_000;
const LEAST_TOKENS = 5;

/**
 * How long it has to look like a mismatch before it is called one: among tokens that pass all the time, a newer one comes
 * within this time. With it the warning is out within a second.
 */
const HOLD_MS = 500;

/** What is remembered of the tokens that failed. More are counted and no longer told apart. */
const MOST_REMEMBERED = 256;

/** Expiries are only comparable while lifetimes are alike, so one long-lived token must not count for ever. */
const EXPIRIES_KEPT_MS = 5 * 60_000;

interface Failed {
  readonly atMs: number;
  readonly issuedS: number | null;
  readonly expiresS: number | null;
}

/**
 * Tells from the tokens themselves that the application signs with another secret than this server verifies with: of
 * late several failed on signature that are newer than every token that passed. Bad tokens among good new ones are
 * somebody else's, and old ones that fail are somebody's left-overs.
 */
export class MismatchDetector {
  readonly #clock: Clock;
  readonly #options: MismatchDetectorOptions;
  /** By signature, in the order in which they came. */
  readonly #failed = new Map<string, Failed>();
  #newestIssuedS = Number.NEGATIVE_INFINITY;
  /** Of this span of time and of the one before. */
  #newestExpiryS = Number.NEGATIVE_INFINITY;
  #formerExpiryS = Number.NEGATIVE_INFINITY;
  #spanBeganMs = 0;
  #holding: Cancel | null = null;
  /** The token since which the secrets differ, while they do. */
  #first: Failed | null = null;

  constructor(options: MismatchDetectorOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  get raised(): boolean {
    return this.#first !== null;
  }

  /** A token with these claims has a wrong signature. What it claims is not verified, and may be anything. */
  failed(signature: string, claims: Claims): void {
    if (this.raised) return;
    const nowMs = this.#clock.nowMs();
    this.#forgetOld(nowMs);
    const failed = currentTimes(claims, nowMs);
    if (failed === null || !this.#isNewer(failed)) return;
    // One that comes again is still one, and goes to the end.
    this.#failed.delete(signature);
    if (this.#failed.size >= MOST_REMEMBERED) return;
    this.#failed.set(signature, failed);
    if (this.#holding === null && this.#differs() !== null) {
      this.#holding = this.#clock.after(HOLD_MS, () => this.#decide());
    }
  }

  /** A token with these claims has a right signature. */
  passed(claims: Claims): void {
    const nowMs = this.#clock.nowMs();
    const issuedS = issuedAt(claims, nowMs);
    const expiresS = timeOf(claims, "exp");
    if (issuedS !== null) this.#newestIssuedS = Math.max(this.#newestIssuedS, issuedS);
    if (expiresS !== null) this.#rememberExpiry(expiresS, nowMs);
    if (this.#first === null || this.#isNewer(this.#first)) return;
    this.#first = null;
    this.#failed.clear();
    this.#options.onCleared();
  }

  #rememberExpiry(expiresS: number, nowMs: number): void {
    if (nowMs - this.#spanBeganMs > EXPIRIES_KEPT_MS) {
      this.#formerExpiryS = this.#newestExpiryS;
      this.#newestExpiryS = Number.NEGATIVE_INFINITY;
      this.#spanBeganMs = nowMs;
    }
    this.#newestExpiryS = Math.max(this.#newestExpiryS, expiresS);
  }

  #decide(): void {
    this.#holding = null;
    this.#forgetOld(this.#clock.nowMs());
    const differing = this.#differs();
    if (differing === null) return;
    this.#first = differing.first;
    this.#options.onRaised(differing.tokens, differing.first.atMs);
  }

  /** The tokens that are newer than all that passed, when they are enough. */
  #differs(): { readonly tokens: number; readonly first: Failed } | null {
    let tokens = 0;
    let first: Failed | null = null;
    for (const failed of this.#failed.values()) {
      if (!this.#isNewer(failed)) continue;
      first ??= failed;
      tokens++;
    }
    return first !== null && tokens >= LEAST_TOKENS ? { tokens, first } : null;
  }

  /** By when it was issued; where that cannot be compared, by when it expires. */
  #isNewer({ issuedS, expiresS }: Failed): boolean {
    if (issuedS !== null && Number.isFinite(this.#newestIssuedS)) return issuedS > this.#newestIssuedS;
    if (expiresS === null) return issuedS !== null;
    return expiresS > Math.max(this.#newestExpiryS, this.#formerExpiryS);
  }

  #forgetOld(nowMs: number): void {
    for (const [signature, { atMs }] of this.#failed) {
      if (nowMs - atMs < WINDOW_MS) return;
      this.#failed.delete(signature);
    }
  }
}

/** When a token that would be good now was made, and when it ends; null for others. */
function currentTimes(claims: Claims, nowMs: number): Failed | null {
  const issuedS = issuedAt(claims, nowMs);
  const expiresS = timeOf(claims, "exp");
  if (issuedS === null && expiresS === null) return null;
  return expiresS !== null && expiresS * 1000 <= nowMs ? null : { atMs: nowMs, issuedS, expiresS };
}

/** An `iat` of the future counts as now: whoever dates tokens ahead would otherwise always have the newest. */
function issuedAt(claims: Claims, nowMs: number): number | null {
  const issuedS = timeOf(claims, "iat");
  return issuedS === null ? null : Math.min(issuedS, Math.floor(nowMs / 1000));
}

function timeOf(claims: Claims, name: "iat" | "exp"): number | null {
  const timeS = numericDateS(claims, name);
  return Number.isNaN(timeS) ? null : timeS;
}
