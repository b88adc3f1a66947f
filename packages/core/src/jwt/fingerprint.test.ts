import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { hmacHex, nodeCrypto } from "@hawser/server/drivers/crypto";
import fc from "fast-check";
import { fingerprint } from "../options.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { SecretMaterial, secretFromText } from "./key-material.ts";

test("is the start of the HMAC of what the secret is for", () => {
  const hex = createHmac("sha256", "qwerty").update("hawser-fingerprint:secret").digest("hex");
  expect(fingerprintOf(secretFromText("qwerty"), "secret", nodeCrypto)).toBe(hex.slice(0, 8));
  expect(fingerprintOf(secretFromText("qwerty"), "jwt_secret", nodeCrypto)).not.toBe(hex.slice(0, 8));
});

test("of a text is the one that options print", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (secret) => {
      expect(fingerprintOf(secretFromText(secret), "secret", nodeCrypto)).toBe(
        fingerprint(hmacHex, secret, "secret"),
      );
    }),
  );
});

test("is there for a key of any bytes", () => {
  expect(fingerprintOf(new SecretMaterial(Uint8Array.of(0, 255)), "secret", nodeCrypto)).toMatch(
    /^[0-9a-f]{8}$/,
  );
});
