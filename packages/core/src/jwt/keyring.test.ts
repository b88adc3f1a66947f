import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { CableError } from "../errors.ts";
import { ALGORITHMS, HMAC_ALGORITHMS } from "./algorithms.ts";
import { SecretMaterial, secretFromText } from "./key-material.ts";
import { createKeyRing, type KeySpec, keysFor, ringOfSecret } from "./keyring.ts";
import { RULES } from "./rules.ts";

const key = (name: string, more: Partial<KeySpec> = {}): KeySpec => ({
  name,
  kid: null,
  algorithms: HMAC_ALGORITHMS,
  material: secretFromText(name),
  state: "active",
  ...more,
});

test("a plain secret is one key, without a kid, for the HMAC family", () => {
  const ring = ringOfSecret("qwerty");
  expect(ring.keys).toHaveLength(1);
  expect(ring.keys[0]).toMatchObject({ name: "secret", kid: null, state: "active" });
  expect(ring.keys[0]!.algorithms).toEqual(["HS256", "HS384", "HS512"]);
  expect((ring.keys[0]!.material as SecretMaterial).reveal()).toEqual(new TextEncoder().encode("qwerty"));
});

test("an empty secret is no key", () => {
  expect(() => ringOfSecret("")).toThrow(CableError);
  expect(() => new SecretMaterial(new Uint8Array())).toThrow("empty secret");
});

test("two keys of one name, or a key for no algorithm, make no ring", () => {
  expect(() => createKeyRing([key("a"), key("a")])).toThrow('two keys have the name "a"');
  expect(() => createKeyRing([key("a", { algorithms: [] })])).toThrow('"a" is bound to no algorithm');
});

test("a key for an algorithm of another family makes no ring", () => {
  const material = {
    kind: "public",
    form: { format: "spki", pem: "-----BEGIN PUBLIC KEY-----" },
  } as const;
  for (const name of HMAC_ALGORITHMS) {
    expect(() => createKeyRing([key("a", { material, algorithms: ["RS256", name] })])).toThrow(
      `"a" is a public key, which ${name} is not for`,
    );
  }
  for (const name of ["RS256", "PS512", "ES384", "EdDSA"] as const) {
    expect(() => createKeyRing([key("a", { algorithms: ["HS256", name] })])).toThrow(
      `"a" is a secret, which ${name} is not for`,
    );
  }
});

test("keys of several issuers lie in pools of their own", () => {
  const ring = createKeyRing([key("a"), key("b", { issuer: "i" }), key("c", { issuer: "i", kid: "c" })]);
  const namesIn = (issuer: string | null) => {
    const keys = keysFor(ring.poolOf(issuer), ALGORITHMS.HS256, null);
    return "reason" in keys ? keys : keys.map(({ name }) => name);
  };
  expect(namesIn(null)).toEqual(["a"]);
  expect(namesIn("i")).toEqual(["b", "c"]);
  expect(namesIn("j")).toBe(RULES.alg_without_key);
  expect(ring.keys.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("a kid that one source revokes is revoked, for its issuer alone", () => {
  const ring = createKeyRing([
    key("published", { issuer: "i", kid: "a" }),
    key("other's", { issuer: "j", kid: "a" }),
    key("unnamed", { issuer: "i" }),
    key("file", { issuer: "i", kid: "a", state: "revoked" }),
  ]);
  expect(ring.keys.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "published revoked",
    "other's active",
    "unnamed active",
    "file revoked",
  ]);
});

test("a ring does not change with the list it was made of, nor can it be changed", () => {
  const keys = [key("a")];
  const ring = createKeyRing(keys);
  keys.push(key("b"));
  expect(ring.keys).toHaveLength(1);
  expect(Object.isFrozen(ring.keys)).toBe(true);
});

test("no printer of objects shows a secret", () => {
  const ring = ringOfSecret("canary-secret");
  const bytes = [...new TextEncoder().encode("canary-secret")].join(",");
  const printed = [
    JSON.stringify(ring),
    inspect(ring, { depth: 20, showHidden: true }),
    Bun.inspect(ring, { depth: 20 }),
    String(ring.keys[0]!.material),
    JSON.stringify(Object.entries(ring.keys[0]!.material)),
  ];
  for (const text of printed) {
    expect(text).not.toContain("canary");
    expect(text.replaceAll(/\s/g, "")).not.toContain(bytes.slice(0, 20));
  }
});

test("the bytes of a secret cannot be changed from outside", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const material = new SecretMaterial(bytes);
  bytes[0] = 9;
  material.reveal()[1] = 9;
  expect(material.reveal()).toEqual(Uint8Array.of(1, 2, 3));
});
