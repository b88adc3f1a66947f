import { HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import { choice, flag, section, text } from "@hawser/core/options";
import { encodeBase64url } from "@hawser/core/wire/base64url";
import { systemClock } from "../../drivers/clock.ts";
import { randomBytes } from "../../drivers/random.ts";
import type { Command } from "../command.ts";

const OPTIONS = section("Options", {
  jwk: flag({
    flag: "jwk",
    env: [],
    toml: null,
    help: "Print a JSON Web Key (RFC 7517) instead of a plain secret.",
  }),
  algorithm: choice({
    flag: "alg",
    env: [],
    toml: null,
    values: HMAC_ALGORITHMS,
    default: "HS256",
    help: "Algorithm that the JSON Web Key is for.",
  }),
  kid: text({
    flag: "kid",
    env: [],
    toml: null,
    help: "Name of the JSON Web Key, which tokens carry; the date and four random digits when not given.",
  }),
});

/** RFC 7518 3.2: a key has at least as many bytes as the hash. */
const KEY_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;

export const keysGenerate: Command = {
  name: "keys generate",
  summary: "Print a new secret of 32 random bytes, or a JSON Web Key",
  argument: "",
  about: [],
  options: OPTIONS,
  readsConfiguration: false,
  run({ terminal, option }) {
    if (!option(OPTIONS.options.jwk)) {
      terminal.out(`${hexOf(randomBytes(32))}\n`);
      return 0;
    }
    const alg = option(OPTIONS.options.algorithm);
    const kid = option(OPTIONS.options.kid) || newKid();
    terminal.out(`${JSON.stringify(newSecretJwk(kid, alg), null, 2)}\n`);
    return 0;
  },
};

/** A symmetric key of its algorithm's own length (RFC 7518 6.4). */
export function newSecretJwk(kid: string, alg: keyof typeof KEY_BYTES): Readonly<Record<string, string>> {
  return { kty: "oct", kid, alg, use: "sig", k: encodeBase64url(randomBytes(KEY_BYTES[alg])) };
}

/** Sorts by age, and tells an operator's keys of one day apart. */
export function newKid(): string {
  const day = new Date(systemClock.nowMs()).toISOString().slice(0, 10);
  return `${day}-${hexOf(randomBytes(2))}`;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
