import { expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { secretFromText } from "../key-material.ts";
import { createKeyRing } from "../keyring.ts";
import { signToken } from "../sign.ts";
import { createVerifier, DEFAULT_POLICY } from "../verifier.ts";
import type { RevokedBy } from "./revocation.ts";
import { Revocations } from "./revocations.ts";

const NOW_MS = 1_900_000_000_000;
const crypto = createNodeCrypto();
const secret = secretFromText("qwerty");
const ring = (kid: string | null) =>
  createKeyRing([{ name: "main", kid, algorithms: ["HS256"], material: secret, state: "active" }]);
const tokenOf = (claims: object, kid = "k1") =>
  signToken({ claims: { ext: "ann", ...claims }, secret, kid }, crypto);

/** Judges tokens where these are revoked; the key itself has no `kid` unless given. */
function verifierAfter(revoked: readonly (readonly [RevokedBy, string])[], keyKid: string | null = null) {
  const revocations = new Revocations(100);
  const untilMs = NOW_MS + 1000;
  revocations.add(
    revoked.map(([by, value]) => ({ by, value, issuedBeforeS: 0, untilMs })),
    NOW_MS,
  );
  const clock = { nowMs: () => NOW_MS };
  return createVerifier({ ring: () => ring(keyKid), crypto, clock, policy: DEFAULT_POLICY, revocations });
}

test("a revoked token is refused for that, by whatever it was revoked, with the name of its key", () => {
  const token = tokenOf({ jti: "a", sid: "s" });
  for (const revoked of [
    ["jti", "a"],
    ["sid", "s"],
    ["identifiers", "ann"],
    ["kid", "k1"],
  ] as const) {
    expect(verifierAfter([revoked]).verify(token)).toMatchObject({
      ...{ accepted: false, reason: "revoked", keyName: "main" },
      detail: expect.stringContaining("revoked"),
    });
  }
  const others = verifierAfter([
    ["jti", "b"],
    ["identifiers", "a"],
    ["kid", "main"],
    ["sid", "a"],
  ]);
  expect(others.verify(token)).toMatchObject({ accepted: true, marks: { jti: "a", sid: "s", kid: "k1" } });
});

test("one token is revoked by its tag, and another of the same claims is not", () => {
  const [one, other] = [tokenOf({ n: 1 }), tokenOf({ n: 2 })];
  const verdict = verifierAfter([]).verify(one);
  const tag = verdict.accepted ? String(verdict.marks.tag) : "";
  expect(verifierAfter([["token", tag]]).verify(one)).toMatchObject({ reason: "revoked" });
  expect(verifierAfter([["token", tag]]).verify(other)).toMatchObject({ accepted: true });
});

test("a key that has a name goes by it, also for tokens that do not say it", () => {
  const unnamed = signToken({ claims: { ext: "ann" }, secret }, crypto);
  expect(verifierAfter([["kid", "k1"]], "k1").verify(unnamed)).toMatchObject({ reason: "revoked" });
  expect(verifierAfter([["kid", "k1"]], null).verify(unnamed)).toMatchObject({ accepted: true });
});

test("a revoked token that is forged or expired as well is refused for that", () => {
  const { verify } = verifierAfter([["jti", "a"]]);
  expect(verify(`${tokenOf({ jti: "a" }).slice(0, -4)}AAAA`)).toMatchObject({ reason: "bad_signature" });
  expect(verify(tokenOf({ jti: "a", exp: NOW_MS / 1000 }))).toMatchObject({ reason: "expired" });
});
