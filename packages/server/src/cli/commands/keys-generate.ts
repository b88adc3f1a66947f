import { ALGORITHMS, type AlgorithmName } from "@hawser/core/jwt/algorithms";
import { choice, flag, section, text } from "@hawser/core/options";
import { generateJwk } from "../../drivers/key-pair.ts";
import { randomBytes } from "../../drivers/random.ts";
import type { Command } from "../command.ts";
import { newKid } from "../new-kid.ts";

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
    // Object.keys forgets the keys' type, and the table is a constant.
    values: Object.keys(ALGORITHMS) as AlgorithmName[],
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

export const keysGenerate: Command = {
  name: "keys generate",
  summary: "Print a new secret of 32 random bytes, or a JSON Web Key",
  argument: "",
  about: [
    "A JSON Web Key of the RS, PS, ES and EdDSA families is printed with its private half: it belongs where tokens are " +
      "signed.",
  ],
  options: OPTIONS,
  readsConfiguration: false,
  run({ terminal, option }) {
    if (!option(OPTIONS.options.jwk)) {
      terminal.out(`${Buffer.from(randomBytes(32)).toString("hex")}\n`);
      return 0;
    }
    const jwk = generateJwk(option(OPTIONS.options.algorithm), option(OPTIONS.options.kid) || newKid());
    terminal.out(`${JSON.stringify(jwk, null, 2)}\n`);
    return 0;
  },
};
