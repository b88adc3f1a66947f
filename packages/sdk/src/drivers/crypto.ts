import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Algorithm } from "@hawser/core/jwt/algorithms";
import type { JwtCrypto } from "@hawser/core/jwt/crypto";
import type { KeyMaterial, SigningMaterial } from "@hawser/core/jwt/key-material";
import type { MessageKey } from "@hawser/core/signed/message-key";

/** HMAC by `node:crypto`, which Node, Bun and Deno all have. Applications hold secrets alone, so it knows no other. */
export const nodeCrypto: JwtCrypto = {
  verify(algorithm, material, signingInput, signature) {
    if (algorithm.family !== "hmac" || material.kind !== "secret") return false;
    const expected = Buffer.from(hmac(algorithm, material, signingInput), "base64url");
    const given = Buffer.from(signature, "base64url");
    return given.length === expected.length && timingSafeEqual(given, expected);
  },
  sign: hmac,
};

function hmac(algorithm: Algorithm, material: KeyMaterial | SigningMaterial, signingInput: string): string {
  if (algorithm.family !== "hmac" || material.kind !== "secret") {
    throw new Error(
      `a ${material.kind} key was asked to sign with ${algorithm.name}: tokens take a secret here`,
    );
  }
  return createHmac(algorithm.hash, material.reveal()).update(signingInput, "latin1").digest("base64url");
}

/** HMAC-SHA256 of `message` under the UTF-8 bytes of `key`, as 64 lower-case hex digits. */
export function hmacSha256Hex(key: string, message: string): string {
  return createHmac("sha256", key).update(message, "utf8").digest("hex");
}

/** Compares in a time that says nothing of where they differ, nor of how long the right one is. */
export function equalTexts(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text, "utf8").digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** A key that messages are signed with and checked by; `secret` is not empty. */
export function createMessageKey(name: string, secret: string): MessageKey {
  const sign = (text: string) => hmacSha256Hex(secret, text);
  return {
    name,
    sign,
    verify: (text, signature) => {
      const [expected, given] = [Buffer.from(sign(text), "hex"), Buffer.from(signature, "hex")];
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
