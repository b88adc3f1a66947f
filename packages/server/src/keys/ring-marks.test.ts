import { expect, test } from "bun:test";
import { HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import { secretFromText } from "@hawser/core/jwt/key-material";
import { createKeyRing, type KeySpec } from "@hawser/core/jwt/keyring";
import { hmacHex, nodeCrypto } from "../drivers/crypto.ts";
import { keyList } from "./key-list.ts";
import { ringMarks } from "./ring-marks.ts";

const NOW_MS = 1_795_427_919_564;
const PARTS = {
  purpose: "secret",
  crypto: nodeCrypto,
  digest: (text: string) => hmacHex("test", text).slice(0, 8),
};
const TEXT = "a secret of thirty-two characters";

function secret(name: string, more: Partial<KeySpec> = {}): KeySpec {
  return {
    ...{ name, kid: null, algorithms: HMAC_ALGORITHMS, state: "active" },
    material: secretFromText(`${TEXT} ${name}`),
    ...more,
  };
}

const marksOf = (...keys: KeySpec[]) => ringMarks(createKeyRing(keys).keys, NOW_MS, PARTS);

test("a secret is marked by the fingerprint that keys list shows, and by nothing of the secret", () => {
  const ring = createKeyRing([secret("a")]);
  const [{ fingerprint } = { fingerprint: null }] = keyList(ring, "secret", nodeCrypto, NOW_MS);
  const marks = ringMarks(ring.keys, NOW_MS, PARTS);
  expect(marks).toEqual({ keys: [String(fingerprint)], passing: [] });
  expect(JSON.stringify(marks)).not.toContain(TEXT);
});

test("what it is called, and in which order it is, makes no difference for secrets", () => {
  const [one, other] = [secret("a"), secret("b")];
  expect(marksOf(one, other)).toEqual(marksOf({ ...other, name: "x" }, { ...one, state: "verify-only" }));
});

test("a former key that ends, and one that is yet to begin, are passing; what is refused is not there", () => {
  const marks = marksOf(
    secret("replaced", { state: "verify-only", notAfterMs: NOW_MS + 1 }),
    secret("next", { notBeforeMs: NOW_MS + 1 }),
    secret("retired", { state: "retired" }),
    secret("revoked", { state: "revoked" }),
    secret("over", { notAfterMs: NOW_MS }),
  );
  expect([marks.keys.length, marks.passing.length]).toEqual([0, 2]);
});

test("public keys of one name and different numbers are told apart", () => {
  const key = (x: string): KeySpec => ({
    ...{ name: "spring", kid: "spring", algorithms: ["EdDSA"], state: "active" },
    material: { kind: "public", form: { format: "jwk", jwk: { kty: "OKP", crv: "Ed25519", x } } },
  });
  const [one, other] = [marksOf(key("AAAA")), marksOf(key("BBBB"))];
  expect(one.keys[0]).toMatch(/^spring:[0-9a-f]{8}$/);
  expect(one).not.toEqual(other);
});
