import type { MismatchWatch } from "@hawser/core/engine/secrets-mismatch";
import { type Claims, numericDateS } from "@hawser/core/jwt/claims";

/** Tells the control thread of tokens: `forged` takes a signature and the times that it claims, `signed` times alone. */
export type SayTokens = (word: "forged" | "signed", first: string, second: string) => void;

/**
 * Whether secrets differ, as a connection thread knows it: the control thread decides from the tokens of all. Of those that
 * are good it needs to know the newest times alone, and not at once.
 */
export class ToldMismatch implements MismatchWatch {
  /** As the control thread has said. */
  isRaised = false;
  readonly #say: SayTokens;
  #issuedS = 0;
  #expiresS = 0;
  #isUntold = false;

  constructor(say: SayTokens) {
    this.#say = say;
  }

  failed(signature: string, claims: Claims): void {
    if (this.isRaised) return;
    this.tell();
    const times = { iat: timeOf(claims, "iat"), exp: timeOf(claims, "exp") };
    this.#say("forged", signature, JSON.stringify(times));
  }

  passed(claims: Claims): void {
    const issuedS = timeOf(claims, "iat");
    const expiresS = timeOf(claims, "exp");
    if (issuedS <= this.#issuedS && expiresS <= this.#expiresS) return;
    this.#issuedS = Math.max(issuedS, this.#issuedS);
    this.#expiresS = Math.max(expiresS, this.#expiresS);
    this.#isUntold = true;
    // It may be the one by which they agree again.
    if (this.isRaised) this.tell();
  }

  /** Tells of good tokens that came since; to be called often. */
  tell(): void {
    if (!this.#isUntold) return;
    this.#isUntold = false;
    this.#say("signed", JSON.stringify({ iat: this.#issuedS, exp: this.#expiresS }), "");
    // Expiries are only comparable while lifetimes are alike: the next tokens count anew.
    this.#expiresS = 0;
  }
}

/** 0 for none, which counts as absent at the other end too. */
function timeOf(claims: Claims, name: "iat" | "exp"): number {
  const timeS = numericDateS(claims, name) ?? 0;
  return Number.isNaN(timeS) ? 0 : timeS;
}
