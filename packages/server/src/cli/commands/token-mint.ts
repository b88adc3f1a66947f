import { LIMITS } from "@hawser/core/limits";
import { integer, section, text } from "@hawser/core/options";
import { type JsonObject, parseStrictObject } from "@hawser/core/wire/strict-json";
import { systemClock } from "../../drivers/clock.ts";
import { algorithmOption } from "../algorithm-option.ts";
import { type Command, type CommandCall, type Misuse, misuse } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { givenKeys, noKeys } from "../key-ring.ts";
import { claimsAskedFor, mintToken, signingKey } from "../signing-key.ts";

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
  algorithm: algorithmOption("Algorithm; the key's first when not given."),
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
    const config = configurationOf(call);
    const keys = givenKeys(config);
    if (keys.length === 0) throw noKeys([]);
    const key = signingKey(keys, call.option(OPTIONS.options.kid), call.option(OPTIONS.options.algorithm));
    if ("misuse" in key) return key;
    const claims = claimsOf(call, claimsAskedFor(config, key));
    if ("misuse" in claims) return claims;
    call.terminal.out(`${mintToken(config, key, claims.claims)}\n`);
    return 0;
  },
};

/** @param asked what the configuration asks for. */
function claimsOf(call: CommandCall, asked: JsonObject): { readonly claims: JsonObject } | Misuse {
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
      ...asked,
      ...more,
    },
  };
}
