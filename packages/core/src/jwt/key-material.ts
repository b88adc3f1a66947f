import { CableError } from "../errors.ts";
import { encodeUtf8 } from "../wire/utf8.ts";

/** What a signature is checked with. Public keys will be a second kind. */
export type KeyMaterial = SecretMaterial;

/**
 * The bytes of a shared secret. They sit in a private field, so that no logger, inspector or JSON printer that is handed
 * a key ring shows them.
 */
export class SecretMaterial {
  readonly kind = "secret";
  readonly #bytes: Uint8Array;

  /** @throws CableError `config_invalid` for an empty secret: whoever knows that it is empty could sign. */
  constructor(bytes: Uint8Array) {
    if (bytes.length === 0) {
      throw new CableError(
        "config_invalid",
        "Cannot make a key of an empty secret: anyone could sign with it. Set a secret.",
      );
    }
    this.#bytes = bytes.slice();
  }

  /** The raw bytes, for a crypto driver and for nobody else. */
  reveal(): Uint8Array {
    return this.#bytes.slice();
  }
}

/** The key that AnyCable and its SDKs make of a secret's text: its UTF-8 bytes, whatever they look like. */
export function secretFromText(secret: string): SecretMaterial {
  return new SecretMaterial(encodeUtf8(secret));
}
