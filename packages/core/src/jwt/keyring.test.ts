import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { CableError } from "../errors.ts";
import { HMAC_ALGORITHMS } from "./algorithms.ts";
import { SecretMaterial, secretFromText } from "./key-material.ts";
import { createKeyRing, ringOfSecret, type VerificationKey } from "./keyring.ts";

const key = (name: string, more: Partial<VerificationKey> = {}): VerificationKey => ({
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
  expect(ring.keys[0]!.material.reveal()).toEqual(new TextEncoder().encode("qwerty"));
});

test("an empty secret is no key", () => {
  expect(() => ringOfSecret("")).toThrow(CableError);
  expect(() => new SecretMaterial(new Uint8Array())).toThrow("empty secret");
});

test("two keys of one name, or a key for no algorithm, make no ring", () => {
  expect(() => createKeyRing([key("a"), key("a")])).toThrow('two keys have the name "a"');
  expect(() => createKeyRing([key("a", { algorithms: [] })])).toThrow('"a" is bound to no algorithm');
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
