import { HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import { signToken } from "@hawser/core/jwt/sign";
import { LIMITS } from "@hawser/core/limits";
import { choice, integer, section, text } from "@hawser/core/options";
import { type JsonObject, parseStrictObject } from "@hawser/core/wire/strict-json";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { type Command, type CommandCall, type Misuse, misuse } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { keysOf } from "../key-ring.ts";

const OPTIONS = section("Options", {
  ttlS: integer({
    flag: "ttl",
    env: [],
    toml: null,
    default: 3600,
    min: -Number.MAX_SAFE_INTEGER,
    placeholder: "SECONDS",
    help: "How long the token is good for; negative for one that has expired, 0 for one that never does.",
  }),
  claims: text({
    flag: "claims",
    env: [],
    toml: null,
    placeholder: "JSON",
    help: "More claims, as a JSON object; they win over the ones that are made here.",
  }),
  kid: text({ flag: "kid", env: [], toml: null, help: "Which key to sign with, where there are several." }),
  algorithm: choice({
    flag: "alg",
    env: [],
    toml: null,
    values: ["", ...HMAC_ALGORITHMS],
    default: "",
    help: "Algorithm; the key's first when not given.",
  }),
});

export const tokenMint: Command = {
  name: "token mint",
  summary: "Print a token that the server takes",
  argument: "[IDENTIFIERS]",
  about: [
    "The identifiers go into the claim ext, byte for byte: hawser token mint '{\"user_id\":7}'. Without them give --claims.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  run(call) {
    const claims = claimsOf(call);
    if ("misuse" in claims) return claims;
    const key = signingKey(keysOf(configurationOf(call)), call.option(OPTIONS.options.kid));
    if ("misuse" in key) return key;
    const wanted = call.option(OPTIONS.options.algorithm);
    const algorithm = wanted === "" ? key.algorithms[0] : key.algorithms.find((name) => name === wanted);
    if (algorithm === undefined) {
      return misuse(`the key ${key.name} is not for ${wanted}: --alg is one of ${key.algorithms.join(", ")}`);
    }
    const secret = key.material.kind === "secret" ? key.material : key.signing;
    if (secret === null) {
      return misuse(
        `the key ${key.name} is a public key, which only verifies: sign where its private half is`,
      );
    }
    const kid = key.kid ?? call.option(OPTIONS.options.kid);
    const options = { claims: claims.claims, secret, algorithm };
    call.terminal.out(`${signToken(kid === "" ? options : { ...options, kid }, nodeCrypto)}\n`);
    return 0;
  },
};

function claimsOf(call: CommandCall): { readonly claims: JsonObject } | Misuse {
  const text = call.option(OPTIONS.options.claims);
  const more = text === "" ? {} : parseStrictObject(text, LIMITS.maxJsonDepth);
  if (typeof more === "string") return misuse('--claims is not a JSON object, like \'{"role":"admin"}\'');
  if (call.argument === null && text === "") {
    return misuse("who is the token for? Give the identifiers, like '{\"user_id\":7}', or --claims");
  }
  const ttlS = call.option(OPTIONS.options.ttlS);
  const iat = Math.floor(systemClock.nowMs() / 1000);
  return {
    claims: {
      ...(call.argument === null ? {} : { ext: call.argument }),
      iat,
      ...(ttlS === 0 ? {} : { exp: iat + ttlS }),
      ...more,
    },
  };
}

/** The key that `kid` names; without one, the active key. */
function signingKey(keys: readonly SetKey[], kid: string): SetKey | Misuse {
  const signing = keys.filter(({ state }) => state === "active");
  const named = kid === "" ? undefined : keys.find((key) => key.kid === kid);
  // A plain secret signs under any `kid`: it answers to all of them.
  const key = named ?? (kid === "" ? signing[0] : signing.find((candidate) => candidate.kid === null));
  if (key !== undefined) return key;
  if (kid === "") return misuse("no key is active, so there is none to sign with");
  const kids = keys.flatMap((candidate) => candidate.kid ?? []);
  return misuse(`no key has the kid of --kid; there are ${kids.join(", ")}`);
}
