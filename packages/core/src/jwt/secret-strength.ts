import { encodeUtf8 } from "../wire/utf8.ts";

/** RFC 7518 3.2: a key of HS256 has at least as many bytes as the hash. */
export const STRONG_SECRET_BYTES = 32;

/** Random bytes in hex or base64 have more, and so does every pass phrase. */
const MIN_DISTINCT_BYTES = 8;

/** Secrets that documentation, tutorials and tools print. Whoever guesses tries these first. */
const WELL_KNOWN: ReadonlySet<string> = new Set([
  ...["secret", "s3cr3t", "s3Krit", "qwerty", "changeme", "change-me", "change_me", "changeit", "default"],
  ...["password", "passw0rd", "test", "testing", "test-secret", "testsecret", "dev", "development", "demo"],
  ...["example", "anycable", "anycable-secret", "anycable_secret", "hawser", "secretkey", "secret-key"],
  ...["secret_key", "supersecret", "super-secret", "super_secret", "supersecretkey", "super-secret-key"],
  ...["mysecret", "my-secret", "my_secret", "mysecretkey", "my-secret-key", "topsecret", "top-secret"],
  ...["jwt", "jwtsecret", "jwt-secret", "jwt_secret", "jwt_secret_key", "your-secret", "your_secret"],
  ...["yoursecretkey", "your-secret-key", "your_secret_key", "your_jwt_secret", "your-jwt-secret"],
  ...["shhhhh", "shhhhhhared-secret", "keyboard cat", "abc123", "123456", "12345678", "1234567890"],
  "your-256-bit-secret",
  "your-384-bit-secret",
  "your-512-bit-secret",
  "your-super-secret-jwt-token-with-at-least-32-characters-long",
  "a-string-secret-at-least-256-bits-long",
  "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
  "super-secret-jwt-token-with-at-least-32-characters-long",
  "secret_key_that_is_at_least_32_characters_long",
  "change-me-to-32-random-bytes-or-more",
  "change-this-secret-to-something-long-and-random",
  "0123456789abcdef0123456789abcdef",
  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  "abcdefghijklmnopqrstuvwxyz123456",
  "abcdefghijklmnopqrstuvwxyz0123456789",
]);

/** Why a secret is easily found, as a phrase for the operator; null for one that is not. Quotes nothing of it. */
export function weaknessOf(secret: Uint8Array): string | null {
  // Latin-1 is enough to look ASCII texts up, and takes any bytes.
  const text = String.fromCharCode(...secret.subarray(0, 256));
  if (secret.length <= 256 && WELL_KNOWN.has(text.toLowerCase())) return "is one that everybody knows";
  if (secret.length < STRONG_SECRET_BYTES) {
    return `has ${secret.length} bytes, and fewer than ${STRONG_SECRET_BYTES} can be guessed`;
  }
  const distinct = new Set(secret).size;
  if (distinct === 1) return "is one character, again and again";
  if (distinct < MIN_DISTINCT_BYTES) return `repeats the same ${distinct} characters`;
  return null;
}

export function weaknessOfText(secret: string): string | null {
  return weaknessOf(encodeUtf8(secret));
}
