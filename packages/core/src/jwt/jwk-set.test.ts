import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import fc from "fast-check";
import { CableError } from "../errors.ts";
import { type JwkSetReading, readJwkSet, type SetKey } from "./jwk-set.ts";
import type { SecretMaterial } from "./key-material.ts";
import { createKeyRing } from "./keyring.ts";
import { signToken } from "./sign.ts";

const crypto = createNodeCrypto();
const READING: JwkSetReading = {
  crypto,
  published: false,
  withPrivate: false,
  preferred: [],
  source: "keys.json",
  issuer: null,
  namePrefix: "",
};

type Members = Record<string, unknown>;

const pairOf = (type: "rsa" | "ec" | "ed25519", options: object) =>
  // The overloads want a literal type each.
  generateKeyPairSync(type as "rsa", options as { modulusLength: number });
const rsa = pairOf("rsa", { modulusLength: 2048 });
const RSA = rsa.publicKey.export({ format: "jwk" }) as Members;
const ec = (namedCurve: string) =>
  pairOf("ec", { namedCurve }).publicKey.export({ format: "jwk" }) as Members;
const P256 = ec("P-256");
const ED = pairOf("ed25519", {}).publicKey.export({ format: "jwk" }) as Members;
const OCT = { kty: "oct", k: Buffer.from("canary-secret-of-32-bytes-or-more").toString("base64url") };

function read(keys: unknown, more: Partial<JwkSetReading> = {}) {
  return readJwkSet(JSON.stringify({ keys }), { ...READING, ...more });
}

function one(jwk: Members, more: Partial<JwkSetReading> = {}): SetKey {
  const { keys, refused } = read([jwk], more);
  if (refused.length > 0) throw refused[0];
  return keys[0]!;
}

describe("a key", () => {
  test("is bound to the algorithm that it names, or to the usual one of its kind", () => {
    expect(one(OCT).algorithms).toEqual(["HS256"]);
    expect(one({ ...OCT, alg: "HS512" }).algorithms).toEqual(["HS512"]);
    expect(one(RSA).algorithms).toEqual(["RS256"]);
    expect(one({ ...RSA, alg: "PS384" }).algorithms).toEqual(["PS384"]);
    expect(one(P256).algorithms).toEqual(["ES256"]);
    expect(one(ec("P-384")).algorithms).toEqual(["ES384"]);
    expect(one(ec("P-521")).algorithms).toEqual(["ES512"]);
    expect(one(ED).algorithms).toEqual(["EdDSA"]);
  });

  test("without alg is bound to the first of those preferred that it suits", () => {
    const preferred = ["ES256", "PS512", "HS384"] as const;
    expect(one(RSA, { preferred }).algorithms).toEqual(["PS512"]);
    expect(one(OCT, { preferred }).algorithms).toEqual(["HS384"]);
    expect(one(ED, { preferred }).algorithms).toEqual(["EdDSA"]);
    expect(one({ ...RSA, alg: "RS256" }, { preferred }).algorithms).toEqual(["RS256"]);
  });

  test("is named by its kid, else by its place", () => {
    const { keys } = read([{ ...OCT, kid: "a" }, RSA], { namePrefix: "idp/" });
    expect(keys.map(({ name, kid }) => [name, kid])).toEqual([
      ["idp/a", "a"],
      ["idp/key-2", null],
    ]);
  });

  test("carries its life, its issuer and its source", () => {
    expect(one({ ...OCT, state: "verify-only", nbf: 1000, exp: 2000.5 }, { issuer: "i" })).toMatchObject({
      state: "verify-only",
      notBeforeMs: 1_000_000,
      notAfterMs: 2_000_500,
      issuer: "i",
      source: "keys.json",
    });
    expect(one(OCT)).toMatchObject({ state: "active", notBeforeMs: null, notAfterMs: null });
    for (const state of ["active", "retired", "revoked"])
      expect(one({ ...OCT, state })).toMatchObject({ state });
  });

  test("may say what it is for, if that is signatures", () => {
    for (const more of [{ use: "sig" }, { key_ops: ["verify"] }, { key_ops: ["sign", "verify"] }]) {
      expect(one({ ...OCT, ...more }).name).toBe("key-1");
    }
  });

  test("that is a secret is its bytes", () => {
    const bytes = (one(OCT).material as SecretMaterial).reveal();
    expect(Buffer.from(bytes).toString()).toBe("canary-secret-of-32-bytes-or-more");
  });

  test("makes a ring", () => {
    const { keys } = read([{ ...OCT, kid: "a" }, { ...RSA, kid: "b" }, P256, ED]);
    expect(createKeyRing(keys).keys.map(({ name }) => name)).toEqual(["a", "b", "key-3", "key-4"]);
  });
});

describe("a private key", () => {
  const PRIVATE = rsa.privateKey.export({ format: "jwk" }) as Members;

  test("counts as its public half, unless one wants to sign", () => {
    const key = one({ ...PRIVATE, key_ops: ["sign"] });
    expect(key.signing).toBeNull();
    expect(key.material).toEqual({
      kind: "public",
      form: { format: "jwk", jwk: { kty: "RSA", n: String(RSA.n), e: String(RSA.e) } },
    });
  });

  test("signs when it is wanted for that", () => {
    const { signing } = one(PRIVATE, { withPrivate: true });
    const token = signToken({ claims: {}, secret: signing!, algorithm: "RS256" }, crypto);
    expect(token.split(".")[2]).toHaveLength(342);
  });
});

describe("is refused, by its kid or place, with what to do:", () => {
  const flipped = Buffer.from(String(P256.y), "base64url");
  flipped[5]! ^= 1;
  const rsaOf = (modulusLength: number) =>
    pairOf("rsa", { modulusLength }).publicKey.export({ format: "jwk" }) as Members;
  const cases: [string, Members, string][] = [
    ["no kty", { k: "AAAA" }, "it has no kty"],
    ["an unknown kty", { kty: "AKP" }, "its kty is none of oct, RSA, EC and OKP"],
    ["a short modulus", rsaOf(1024), "its modulus has 1024 bits, not 2048 to 16384"],
    ["an exponent of 1", { ...RSA, e: "AQ" }, "damaged|exponent is 1"],
    ["an even exponent", { ...RSA, e: "AQAC" }, "damaged|exponent is 1 or even"],
    ["no modulus", { kty: "RSA", e: "AQAB" }, "its n is not base64url"],
    ["a point off the curve", { ...P256, y: flipped.toString("base64url") }, "its point is not on its curve"],
    ["a coordinate cut short", { ...P256, x: "AAAA" }, "its x has 3 bytes, and on P-256 it has 32"],
    ["an unknown curve", { ...P256, crv: "secp256k1" }, "its crv is none of P-256, P-384, P-521"],
    ["a curve for agreement", { ...ED, crv: "X25519" }, "its crv is none of Ed25519, Ed448"],
    [
      "an Edwards point that is none",
      { ...ED, x: Buffer.alloc(32, 0xff).toString("base64url") },
      "not on its curve",
    ],
    ["the point of order 1", { ...ED, x: `AQ${"A".repeat(41)}` }, "small order"],
    ["encryption", { ...RSA, use: "enc" }, "its use is not sig"],
    ["use of another type", { ...RSA, use: ["sig"] }, "its use is not sig"],
    ["other operations", { ...OCT, key_ops: ["encrypt"] }, "its key_ops do not hold verify"],
    ["signing alone, with a secret", { ...OCT, key_ops: ["sign"] }, "its key_ops do not hold verify"],
    ["operations that are no list", { ...OCT, key_ops: "verify" }, "its key_ops do not hold verify"],
    ["an unknown alg", { ...RSA, alg: "RSA-OAEP" }, "its alg is none of HS256"],
    ["alg none", { ...OCT, alg: "none" }, "its alg is none of HS256"],
    ["alg of another kind", { ...RSA, alg: "HS256" }, "its alg is HS256, which is for keys of another kind"],
    ["alg of another curve", { ...P256, alg: "ES384" }, "its alg is ES384"],
    ["a secret for RS256", { ...OCT, alg: "RS256" }, "its alg is RS256"],
    ["an empty secret", { kty: "oct", k: "" }, "its k is not base64url"],
    ["padding", { kty: "oct", k: "AAAAAA==" }, "its k is not base64url without padding"],
    ["stray bits", { kty: "oct", k: "AB" }, "its k is not base64url"],
    ["a kid that is a number", { ...OCT, kid: 7 }, "its kid is not a text"],
    ["a kid too long", { ...OCT, kid: "k".repeat(129) }, "its kid is not a text"],
    ["an empty kid", { ...OCT, kid: "" }, "its kid is not a text"],
    ["an unknown state", { ...OCT, state: "Active" }, "its state is none of active, verify-only"],
    ["nbf as text", { ...OCT, nbf: "2026" }, "its nbf is not a number"],
    ["exp null", { ...OCT, exp: null }, "its exp is not a number"],
    ["an end before the start", { ...OCT, nbf: 2, exp: 1 }, "its last use (exp) comes before"],
  ];
  test.each(cases)("%s", (_name, jwk, why) => {
    const { keys, refused } = read([{ ...OCT, kid: "good" }, jwk]);
    expect(keys).toHaveLength(1);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toBeInstanceOf(CableError);
    expect(refused[0]!.code).toBe("config_invalid");
    expect(refused[0]!.message).toContain("Cannot use key number 2 of keys.json: ");
    expect(why.split("|").some((part) => refused[0]!.message.includes(part))).toBe(true);
    expect(refused[0]!.message).toContain("; ");
    for (const value of [RSA.n, P256.x, ED.x, OCT.k])
      expect(refused[0]!.message).not.toContain(String(value));
  });

  test("a second one with the same kid, of whatever kind", () => {
    const { keys, refused } = read([
      { ...OCT, kid: "a" },
      { ...RSA, kid: "a" },
    ]);
    expect(keys.map(({ algorithms }) => algorithms)).toEqual([["HS256"]]);
    expect(refused[0]!.message).toBe(
      'Cannot use the key "a" of keys.json: another key of the set has the same kid; give each its own.',
    );
  });

  test("no object", () => {
    for (const entry of [null, "key", 7, ["key"]]) {
      expect(read([entry]).refused[0]!.message).toContain("it is not a JSON object");
    }
  });
});

describe("a published set", () => {
  const published = { ...READING, published: true };

  test("holds no secret and no private key that could still be trusted", () => {
    for (const jwk of [OCT, rsa.privateKey.export({ format: "jwk" }) as Members]) {
      expect(read([jwk], published).refused[0]!.message).toContain("anyone can sign");
    }
    expect(read([RSA], published).keys).toHaveLength(1);
  });

  test("says by what it holds which keys are in use", () => {
    const key = one({ ...RSA, state: "revoked", nbf: 5, exp: 1 }, published);
    expect(key).toMatchObject({ state: "active", notBeforeMs: null, notAfterMs: null });
  });
});

describe("a set", () => {
  test("may be a single key", () => {
    expect(readJwkSet(JSON.stringify({ ...OCT, kid: "a" }), READING).keys).toHaveLength(1);
  });

  test("may be empty, for a publisher between two keys", () => {
    expect(read([])).toEqual({ keys: [], refused: [] });
  });

  test.each([
    ["", "it is not JSON"],
    ["{", "it is not JSON"],
    ["[]", "it is not a JSON object"],
    ["{}", "it has no array of keys"],
    ['{"keys":{}}', "it has no array of keys"],
    ['{"keys":[],"keys":[]}', "an object in it has a member twice"],
    ['{"keys":[{"kty":"oct","k":"AAAA","kty":"oct"}]}', "an object in it has a member twice"],
    [`{"keys":[${"[".repeat(40)}${"]".repeat(40)}]}`, "it is nested too deeply"],
    ['{"keys":[{"nbf":1e999}]}', "a number in it is out of range"],
  ])("that is %p is none", (text, why) => {
    expect(() => readJwkSet(text, READING)).toThrow(`Cannot read the keys of keys.json: ${why}`);
  });
});

test("any text is a set of keys that can be used, or a fault that says what is wrong and quotes no key", () => {
  const canary = "c4n4ry";
  const value = fc.oneof(
    fc.constantFrom(
      canary,
      "oct",
      "RSA",
      "EC",
      "OKP",
      "P-256",
      "Ed25519",
      "HS256",
      "ES256",
      "EdDSA",
      "sig",
      "enc",
    ),
    fc.constantFrom<unknown>(P256.x, P256.y, RSA.n, RSA.e, ED.x),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const names = [
    "kty",
    "kid",
    "alg",
    "use",
    "key_ops",
    "crv",
    "x",
    "y",
    "n",
    "e",
    "d",
    "k",
    "state",
    "nbf",
    "exp",
  ];
  const changed = fc
    .tuple(
      fc.constantFrom<Members>(OCT, RSA, P256, ED),
      fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 }),
    )
    .map(([key, changes]) => ({ ...key, ...changes }));
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.array(fc.oneof(changed, value), { maxLength: 4 }).map((keys) => JSON.stringify({ keys })),
    changed.map((key) => JSON.stringify(key)),
  );
  let usable = 0;
  fc.assert(
    fc.property(text, fc.boolean(), fc.boolean(), (given, published, withPrivate) => {
      let faults: readonly unknown[];
      try {
        const { keys, refused } = readJwkSet(given, { ...READING, published, withPrivate });
        usable += keys.length;
        for (const { algorithms } of keys) expect(algorithms.length).toBeGreaterThan(0);
        faults = refused;
      } catch (thrown) {
        faults = [thrown];
      }
      for (const fault of faults) {
        if (!(fault instanceof CableError)) throw fault;
        expect(fault.code).toBe("config_invalid");
        expect(fault.message).not.toContain(String(OCT.k));
      }
    }),
    { numRuns: 1000 },
  );
  expect(usable).toBeGreaterThan(50);
});
