import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { ALGORITHMS, HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import fc from "fast-check";
import { HmacChecker, hmacKey } from "./hmac.ts";

describe.each(HMAC_ALGORITHMS)("%s", (name) => {
  const algorithm = ALGORITHMS[name];
  const checker = new HmacChecker(algorithm);
  const signatureOf = (secret: Uint8Array, text: string) =>
    createHmac(algorithm.hash, secret).update(text, "latin1").digest("base64url");

  test("agrees with node:crypto on secrets and texts of any length", () => {
    const ascii = fc.string({ unit: "binary-ascii", maxLength: 3000 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), ascii, ascii, (secret, text, other) => {
        const key = hmacKey(algorithm.hash, secret);
        const signature = signatureOf(secret, text);
        expect(checker.isRight(key, text, signature)).toBe(true);
        expect(checker.isRight(key, other, signature)).toBe(text === other);
        expect(checker.isRight(key, text, signatureOf(secret, other))).toBe(text === other);
        expect(checker.isRight(key, text, signature)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("takes secrets shorter than a block, as long as one, and longer", () => {
    for (const bytes of [1, 63, 64, 65, 127, 128, 129, 1000]) {
      const secret = new Uint8Array(bytes).map((_, i) => i * 7);
      expect(checker.isRight(hmacKey(algorithm.hash, secret), "a.b", signatureOf(secret, "a.b"))).toBe(true);
    }
  });

  test("finds the key among several that are tried with one text and signature", () => {
    const secrets = Array.from({ length: 8 }, (_, i) => Buffer.from(`secret ${i}`));
    const keys = secrets.map((secret) => hmacKey(algorithm.hash, secret));
    for (const [at, secret] of secrets.entries()) {
      const signature = signatureOf(secret, "a.b");
      expect(keys.map((key) => checker.isRight(key, "a.b", signature)).indexOf(true)).toBe(at);
    }
  });

  test("takes no other signature after a right one", () => {
    const secret = Buffer.from("secret");
    const key = hmacKey(algorithm.hash, secret);
    const right = signatureOf(secret, "a.b");
    for (const wrong of [
      "",
      "AAAA",
      right.slice(0, -1),
      `${right}A`,
      `${right.slice(0, -1)}=`,
      `.${right.slice(1)}`,
    ]) {
      expect(checker.isRight(key, "a.b", right)).toBe(true);
      expect(checker.isRight(key, "a.b", wrong)).toBe(false);
      expect(checker.isRight(key, "a.b", wrong)).toBe(false);
    }
  });
});
