import type { MissingKeys } from "@hawser/core/engine/admission";
import type { AskControl } from "./asked-broker.ts";

/** Connections that may wait for a key together; past them a token with a foreign `kid` is refused at once. */
const MAX_WAITING = 1_000;

/** Keys that issuers publish, as a connection thread knows of them: the control thread fetches, for all threads once. */
export class AskedKeys implements MissingKeys {
  readonly #ask: AskControl;
  readonly #issuers: ReadonlySet<string>;
  /** What the token judged last named and the ring did not have. */
  #missed: readonly [issuer: string, kid: string] | null = null;
  #waiting = 0;
  /** By issuer and `kid`, until the token is judged again: whether the issuer could not be asked. */
  readonly #unsure = new Map<string, boolean>();

  /** @param issuers those that publish their keys. */
  constructor(ask: AskControl, issuers: Iterable<string>) {
    this.#ask = ask;
    this.#issuers = new Set(issuers);
  }

  /** Called before each token is judged. */
  forgetMissed(): void {
    this.#missed = null;
  }

  /** A token named a key of `issuer` that is not there. */
  missed(issuer: string | null, kid: string): void {
    if (issuer !== null && this.#issuers.has(issuer)) this.#missed = [issuer, kid];
  }

  arrival(): Promise<void> | null {
    if (this.#missed === null || this.#waiting >= MAX_WAITING) return null;
    const missed = this.#missed;
    const key = missed.join("\u0000");
    this.#waiting += 1;
    return this.#ask("missing", missed)
      .then(
        (unsure) => unsure === true,
        () => true,
      )
      .then((unsure) => {
        this.#waiting -= 1;
        if (this.#unsure.size >= MAX_WAITING) this.#unsure.clear();
        this.#unsure.set(key, unsure);
      });
  }

  get isBlind(): boolean {
    if (this.#missed === null) return false;
    const key = this.#missed.join("\u0000");
    const unsure = this.#unsure.get(key) ?? true;
    this.#unsure.delete(key);
    return unsure;
  }
}
