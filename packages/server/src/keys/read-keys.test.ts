import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { CableError } from "@hawser/core/errors";
import { nodeCrypto } from "../drivers/crypto.ts";
import { ISSUER, type IssuerSettings, issuerSettings } from "./issuer/options.ts";
import { type KeySettings, readKeys } from "./read-keys.ts";
import { nextVersions } from "./secret-versions.ts";

const DEFAULTS = Object.fromEntries(
  Object.entries(ISSUER).map(([name, option]) => [name, option.default]),
) as unknown as Parameters<typeof issuerSettings>[0];

const issuerOf = (more: Partial<Parameters<typeof issuerSettings>[0]> = {}): IssuerSettings =>
  issuerSettings({ ...DEFAULTS, ...more }, false);

const K32 = Buffer.from("0123456789abcdefghijklmnopqrstuv").toString("base64url");
const oct = (more: object = {}) => ({ kty: "oct", k: K32, ...more });
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

/** The ring's keys for these settings, with files by path. */
function read(
  settings: Partial<KeySettings>,
  files: Record<string, unknown> = {},
  secrets: { current?: string; previous?: string[] } = {},
) {
  const all: KeySettings = {
    secretOption: "secret",
    strict: false,
    main: issuerOf(),
    issuers: [],
    ...settings,
  };
  const versions = (issuer: string | null) => {
    const current =
      issuer === null
        ? (secrets.current ?? null)
        : (all.issuers.find((candidate) => candidate.issuer === issuer)?.secret ?? null);
    return nextVersions([], { current, previous: issuer === null ? (secrets.previous ?? []) : [] }, 0, 0);
  };
  return readKeys(all, versions, {
    crypto: nodeCrypto,
    withPrivate: false,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return typeof text === "string" ? text : JSON.stringify(text);
    },
  });
}

const told = ({ keys }: ReturnType<typeof read>) =>
  keys.map(
    ({ name, issuer, state, algorithms }) => `${name} ${issuer ?? "-"} ${state} ${algorithms.join("/")}`,
  );

describe("the keys of options and files", () => {
  test("are the secret, its former values, and those of the file", () => {
    const keys = { keys: [oct({ kid: "a", alg: "HS512", state: "retired" }), RSA] };
    const found = read(
      { main: issuerOf({ keysFile: "/k" }) },
      { "/k": keys },
      { current: "s".repeat(40), previous: ["p"] },
    );
    expect(told(found)).toEqual([
      "secret - active HS256/HS384/HS512",
      "previous-1 - verify-only HS256/HS384/HS512",
      "a - retired HS512",
      "key-2 - active RS256",
    ]);
    expect(found.keys.map(({ source }) => source)).toEqual(["--secret", "--secret", "/k", "/k"]);
  });

  test("are each issuer's own, and named after it", () => {
    const found = read(
      {
        main: issuerOf({ issuer: "https://main" }),
        issuers: [
          { ...issuerOf({ issuer: "https://a", keysFile: "/a" }), secret: null },
          { ...issuerOf({ issuer: "https://b" }), secret: "b".repeat(40) },
        ],
      },
      { "/a": { keys: [{ ...RSA, kid: "1" }] } },
      { current: "s" },
    );
    expect(told(found)).toEqual([
      "secret https://main active HS256/HS384/HS512",
      "https://a/1 https://a active RS256",
      "https://b/secret https://b active HS256/HS384/HS512",
    ]);
  });

  test("are narrowed to the algorithms that tokens may have, with a warning for a key that is of no use", () => {
    const main = issuerOf({ keysFile: "/k", algorithms: ["PS256", "HS512"] });
    const found = read(
      { main },
      { "/k": { keys: [RSA, oct({ kid: "a" }), oct({ kid: "b", alg: "HS256" })] } },
    );
    expect(told(found)).toEqual(["key-1 - active PS256", "a - active HS512"]);
    expect(found.warnings).toEqual([
      'the key "b" of /k is for HS256, and jwt_algorithms is PS256, HS512: it verifies nothing',
    ]);
  });

  test("may leave out the application's secret without a word, and a secret for tokens with one", () => {
    const main = issuerOf({ keysFile: "/k", algorithms: ["RS256"] });
    const files = { "/k": { keys: [RSA] } };
    expect(read({ main }, files, { current: "s" }).warnings).toEqual([]);
    expect(read({ main, secretOption: "jwt_secret" }, files, { current: "s" }).warnings).toHaveLength(1);
  });

  test("must not all be left out", () => {
    const main = issuerOf({ algorithms: ["RS256"] });
    expect(() => read({ main }, {}, { current: "s" })).toThrow("no key is left for RS256 (jwt_algorithms)");
  });

  test("that are weak are warned about, and refused when strict", () => {
    const files = {
      "/k": { keys: [oct({ kid: "short", k: "c2hvcnQ" }), oct({ kid: "old", k: "eA", state: "revoked" })] },
    };
    const main = issuerOf({ keysFile: "/k" });
    expect(read({ main }, files).warnings).toEqual([
      'the key "short" of /k: it has 5 bytes, and fewer than 32 can be guessed',
    ]);
    expect(() => read({ main, strict: true }, files)).toThrow("jwt_strict takes no such secret");
  });

  test("that are more than are tried are warned about", () => {
    const keys = Array.from({ length: 9 }, (_, i) => oct({ kid: String(i) }));
    const { warnings } = read({ main: issuerOf({ keysFile: "/k" }) }, { "/k": { keys } });
    expect(warnings).toEqual(["there are 9 keys for HS256, and a token without kid is tried with 8 of them"]);
    expect(read({ main: issuerOf({ keysFile: "/k" }) }, { "/k": { keys: keys.slice(1) } }).warnings).toEqual(
      [],
    );
  });

  test("that cannot be read are a fault that names the file", () => {
    const main = issuerOf({ keysFile: "/k" });
    for (const [files, why] of [
      [{}, "Cannot read the keys of /k: ENOENT"],
      [{ "/k": "{" }, "Cannot read the keys of /k: it is not JSON"],
      [{ "/k": { keys: [oct({ use: "enc" })] } }, "Cannot use key number 1 of /k: its use is not sig"],
    ] as const) {
      expect(() => read({ main }, files)).toThrow(CableError);
      expect(() => read({ main }, files)).toThrow(why);
    }
  });
});
