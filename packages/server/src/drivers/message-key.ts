import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { MessageKey } from "@hawser/core/signed/message-key";

/** A key that signed messages are checked with, by `node:crypto`. The name is for logs, the secret for nobody. */
export function createMessageKey(name: string, secret: string): MessageKey {
  if (secret === "") throw new Error(`the key ${name} has an empty secret: anyone could sign with it`);
  return new NodeMessageKey(name, secret);
}

const DIGEST_BYTES = 32;

class NodeMessageKey implements MessageKey {
  readonly name: string;
  /** Imported once; doing it each time costs a fifth of an HMAC. */
  readonly #key: KeyObject;
  /** `timingSafeEqual` wants whole arrays, and allocating them costs more than it does. */
  readonly #given = Buffer.alloc(DIGEST_BYTES);
  readonly #expected = Buffer.alloc(DIGEST_BYTES);

  constructor(name: string, secret: string) {
    this.name = name;
    this.#key = createSecretKey(secret, "utf8");
  }

  sign(text: string): string {
    return createHmac("sha256", this.#key).update(text, "utf8").digest("hex");
  }

  verify(text: string, signature: string): boolean {
    // `write` takes what fits: of a longer signature the head. Callers check; that nobody gets in because one forgot
    // is checked here.
    if (signature.length !== DIGEST_BYTES * 2) return false;
    if (this.#given.write(signature, "hex") !== DIGEST_BYTES) return false;
    this.#expected.write(this.sign(text), "hex");
    return timingSafeEqual(this.#given, this.#expected);
  }
}
