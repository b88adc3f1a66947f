import type { Clock } from "../clock.ts";
import type { Claims } from "../jwt/claims.ts";
import { MismatchDetector } from "../jwt/mismatch-detector.ts";
import type { Log } from "../log.ts";
import type { Gauge, Metrics } from "../metrics/registry.ts";

/** PORT: tells whether the application seems to sign with another secret, from all tokens that come to the server. */
export interface MismatchWatch {
  readonly isRaised: boolean;
  /** A token with these claims has a wrong signature. */
  failed(signature: string, claims: Claims): void;
  /** A token with these claims has a right one. */
  passed(claims: Claims): void;
}

export interface SecretsMismatchParts {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  /** What tells this server's key from the application's, for the operator: a fingerprint, never a key. */
  readonly ourKey: () => string;
  /** Told when the secrets begin to differ and when they agree again. */
  readonly onChange?: (differ: boolean) => void;
}

/** Says in the log and on a gauge that the secrets differ. */
export class SecretsMismatch implements MismatchWatch {
  readonly #gauge: Gauge;
  readonly #detector: MismatchDetector;
  readonly #parts: SecretsMismatchParts;

  constructor(parts: SecretsMismatchParts) {
    this.#parts = parts;
    this.#gauge = parts.metrics.gauge("jwt_secret_mismatch");
    this.#detector = new MismatchDetector({
      clock: parts.clock,
      onRaised: (tokens, sinceMs) => this.#raised(tokens, sinceMs),
      onCleared: () => this.#cleared(),
    });
  }

  get isRaised(): boolean {
    return this.#detector.raised;
  }

  failed(signature: string, claims: Claims): void {
    this.#detector.failed(signature, claims);
  }

  passed(claims: Claims): void {
    this.#detector.passed(claims);
  }

  #raised(tokens: number, sinceMs: number): void {
    const { log, ourKey, onChange } = this.#parts;
    this.#gauge.set(1);
    log.warn(
      `JWT secrets differ: ${tokens} tokens since ${timeOfDay(sinceMs)} fail on signature; this server's key is ` +
        `${ourKey()}; the app was probably redeployed with another ANYCABLE_SECRET`,
    );
    onChange?.(true);
  }

  #cleared(): void {
    const { log, onChange } = this.#parts;
    this.#gauge.set(0);
    log.info("JWT secrets agree again: a token that is newer than the refused ones was taken");
    onChange?.(false);
  }
}

/** HH:MM:SS of the machine's own day, as log lines have it. */
function timeOfDay(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}
