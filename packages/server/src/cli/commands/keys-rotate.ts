import { CableError, messageOf } from "@hawser/core/errors";
import type { AlgorithmName } from "@hawser/core/jwt/algorithms";
import { type JwkSet, readJwkSet } from "@hawser/core/jwt/jwk-set";
import { rotateKeys } from "@hawser/core/jwt/key-rotation";
import { LIMITS } from "@hawser/core/limits";
import { integer, section, text } from "@hawser/core/options";
import { type JsonObject, memberOf, parseStrictObject } from "@hawser/core/wire/strict-json";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { fileExists, readTextFile, replaceTextFile } from "../../drivers/files.ts";
import { generateJwk } from "../../drivers/key-pair.ts";
import { algorithmOption } from "../algorithm-option.ts";
import { type Command, misuse } from "../command.ts";
import { newKid } from "../new-kid.ts";

const OPTIONS = section("Options", {
  retire: text({
    flag: "retire",
    env: [],
    toml: null,
    placeholder: "NAME",
    help: "Take this key out of use: clients with tokens of it fetch new ones.",
  }),
  revoke: text({
    flag: "revoke",
    env: [],
    toml: null,
    placeholder: "NAME",
    help: "Refuse this key's tokens for good, as when it was stolen.",
  }),
  overlapS: integer({
    flag: "overlap",
    env: [],
    toml: null,
    default: 0,
    placeholder: "SECONDS",
    help: "Retire the former keys by themselves after this time; at least as long as tokens live. 0 leaves it to --retire.",
  }),
  kid: text({
    flag: "kid",
    env: [],
    toml: null,
    help: "Name of the new key; the date and four random digits when not given.",
  }),
  algorithm: algorithmOption("Algorithm of the new key; the active key's when not given, else HS256."),
});

export const keysRotate: Command = {
  name: "keys rotate",
  summary: "Write a file of keys anew: a new key is active, the former ones verify what they signed",
  argument: "FILE",
  about: [
    "FILE is a JWK Set, as --jwt_keys_file takes it; it is begun when it is not there. It is replaced in one step, so that a " +
      "server reads the old keys or the new ones, and takes the new ones within two seconds.",
    "With --retire or --revoke no new key is made while another one is active.",
  ],
  options: OPTIONS,
  readsConfiguration: false,
  run({ argument: file, option, terminal }) {
    if (file === null) return misuse("which file? Give the JWK Set that --jwt_keys_file names");
    const before = fileExists(file) ? readSet(file) : { keys: [] };
    const keys = checked(before, file);
    const overlapS = option(OPTIONS.options.overlapS);
    const { set, changes } = rotateKeys(before, {
      newKey: () =>
        generateJwk(
          option(OPTIONS.options.algorithm) || activeAlgorithm(keys) || "HS256",
          option(OPTIONS.options.kid) || newKid(),
        ),
      retire: option(OPTIONS.options.retire) || null,
      revoke: option(OPTIONS.options.revoke) || null,
      overlapS: overlapS === 0 ? null : overlapS,
      nowS: Math.floor(systemClock.nowMs() / 1000),
    });
    // What the server would not take is not written.
    checked(set, file);
    write(file, `${JSON.stringify(set, null, 2)}\n`);
    terminal.out(`${changes.join("\n")}\n`);
    return 0;
  },
};

/** A single JWK counts as a set of one. */
function readSet(file: string): JsonObject {
  const found = parseStrictObject(readText(file), LIMITS.maxJsonDepth);
  if (typeof found !== "string") return memberOf(found, "kty") === undefined ? found : { keys: [found] };
  throw new CableError(
    "config_invalid",
    `rotate the keys of ${file}: it is not a JWK Set, which looks like {"keys":[...]}; name another file`,
  );
}

/** @throws CableError `config_invalid` for the first key that the server could not use. */
function checked(set: JsonObject, file: string): JwkSet["keys"] {
  const { keys, refused } = readJwkSet(JSON.stringify(set), {
    crypto: nodeCrypto,
    source: file,
    published: false,
    withPrivate: false,
    preferred: [],
    issuer: null,
    namePrefix: "",
  });
  const [first] = refused;
  if (first !== undefined) throw first;
  return keys;
}

function activeAlgorithm(keys: JwkSet["keys"]): AlgorithmName | undefined {
  return keys.find(({ state }) => state === "active")?.algorithms[0];
}

function readText(file: string): string {
  try {
    return readTextFile(file);
  } catch (thrown) {
    throw new CableError(
      "io_failed",
      `read ${file}: ${messageOf(thrown)}; check the path and its permissions`,
      { cause: thrown },
    );
  }
}

function write(file: string, text: string): void {
  try {
    replaceTextFile(file, text);
  } catch (thrown) {
    throw new CableError("io_failed", `write ${file}: ${messageOf(thrown)}; nothing was changed`, {
      cause: thrown,
    });
  }
}
