/** A clock that is less than this ahead is nobody's concern: NumericDates are mostly whole seconds. */
const TOLERATED_S = 1;

/** So many tokens, and not one that somebody dated wrongly on purpose. */
const TOKENS = 3;
const WITHIN_MS = 10 * 60 * 1000;

/** Said again only after so long. */
const SILENCE_MS = 60 * 60 * 1000;

interface Ahead {
  sinceMs: number;
  tokens: number;
  mostS: number;
  silentUntilMs: number;
}

/** Notices issuers whose clocks run ahead of ours: their tokens come from the future. */
export class SkewWatch {
  readonly #say: (issuer: string | null, aheadS: number) => void;
  readonly #byIssuer = new Map<string | null, Ahead>();

  /** @param say called once an hour at most for each issuer, with how many seconds it is ahead. */
  constructor(say: (issuer: string | null, aheadS: number) => void) {
    this.#say = say;
  }

  /** @param ageS now minus `iat` or `nbf` of a well-signed token. The issuer is configured, so there are few. */
  observe(issuer: string | null, ageS: number, nowMs: number): void {
    if (ageS >= -TOLERATED_S) return;
    const known = this.#byIssuer.get(issuer);
    const ahead = known ?? { sinceMs: nowMs, tokens: 0, mostS: 0, silentUntilMs: 0 };
    if (known === undefined) this.#byIssuer.set(issuer, ahead);
    if (nowMs - ahead.sinceMs > WITHIN_MS) Object.assign(ahead, { sinceMs: nowMs, tokens: 0, mostS: 0 });
    ahead.tokens++;
    ahead.mostS = Math.max(ahead.mostS, -ageS);
    if (ahead.tokens < TOKENS || nowMs < ahead.silentUntilMs) return;
    ahead.silentUntilMs = nowMs + SILENCE_MS;
    this.#say(issuer, ahead.mostS);
  }
}
