import { createHmac, timingSafeEqual } from "node:crypto";
import type { JwtCrypto } from "@hawser/core/jwt/crypto";

/** HMAC by `node:crypto`, which Node, Bun and Deno all have. */
export const nodeCrypto: JwtCrypto = {
  verify(algorithm, material, signingInput, signature) {
    const expected = Buffer.from(nodeCrypto.sign(algorithm, material, signingInput), "base64url");
    const given = Buffer.from(signature, "base64url");
    return given.length === expected.length && timingSafeEqual(given, expected);
  },
  sign(algorithm, material, signingInput) {
    return createHmac(algorithm.hash, material.reveal()).update(signingInput, "latin1").digest("base64url");
  },
};

/** HMAC-SHA256 of `message` under the UTF-8 bytes of `key`, as 64 lower-case hex digits. */
export function hmacSha256Hex(key: string, message: string): string {
  return createHmac("sha256", key).update(message, "utf8").digest("hex");
}
