import { describe, expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, HMAC_ALGORITHMS } from "./algorithms.ts";
import { CHECK_OF_RULE, CHECKS, type CheckName, type ExplainOptions, explainToken } from "./explain.ts";
import { instantText, spanText } from "./explain-facts.ts";
import { DEFAULT_ISSUER, type IssuerPolicy } from "./issuer-policy.ts";
import { secretFromText } from "./key-material.ts";
import { createKeyRing, type KeySpec, ringOfSecret } from "./keyring.ts";
import { RULES } from "./rules.ts";
import { signCompact } from "./sign.ts";
import { DEFAULT_POLICY } from "./verifier.ts";

const crypto = createNodeCrypto();
const NOW_MS = Date.UTC(2026, 10, 25, 12);
const NOW_S = NOW_MS / 1000;
const SECRET = "the-secret-that-nobody-may-see";

function options(over: Partial<ExplainOptions> = {}): ExplainOptions {
  return { ring: ringOfSecret(SECRET), policy: DEFAULT_POLICY, crypto, nowMs: NOW_MS, ...over };
}

function withIssuers(...issuers: Partial<IssuerPolicy>[]) {
  return { maxTokenBytes: 8192, issuers: issuers.map((issuer) => ({ ...DEFAULT_ISSUER, ...issuer })) };
}

function tokenOf(
  payload: object | string,
  header: object | string = { alg: "HS256" },
  secret = SECRET,
): string {
  const text = (part: object | string) => (typeof part === "string" ? part : JSON.stringify(part));
  return signCompact(
    {
      header: text(header),
      payload: encodeUtf8(text(payload)),
      material: secretFromText(secret),
      algorithm: ALGORITHMS.HS256,
    },
    crypto,
  );
}

const key = (spec: Partial<KeySpec>): KeySpec => ({
  name: "k",
  kid: null,
  algorithms: HMAC_ALGORITHMS,
  material: secretFromText(SECRET),
  state: "active",
  ...spec,
});

const textOf = (checks: readonly { name: CheckName; text: string }[], name: CheckName) =>
  checks.find((check) => check.name === name)?.text;

describe("an explanation", () => {
  test("of a good token passes every check, with what was found in words", () => {
    const token = tokenOf({ ext: '{"user":7}', iat: NOW_S - 60, exp: NOW_S + 540 });
    const { verdict, checks } = explainToken(token, options());
    expect(verdict).toMatchObject({ accepted: true, keyName: "secret" });
    expect(checks.map(({ outcome }) => outcome)).toEqual(CHECKS.map(() => "passed"));
    expect(Object.fromEntries(checks.map(({ name, text }) => [name, text]))).toEqual({
      size: `${token.length} characters, 8192 are allowed`,
      format: "three segments of base64url",
      header: "alg HS256, no kid",
      algorithm: "HS256; there are keys for HS256, HS384, HS512",
      key: "it may be secret",
      signature: "made with secret",
      "key state": "secret is active",
      payload: "claims ext, iat, exp",
      type: "no typ; any is taken",
      issuer: "no iss; any is taken",
      audience: "no aud; any is taken",
      expiry: "expires in 9m0s (2026-11-25T12:09:00Z)",
      "not before": "no nbf",
      lifetime: "issued 1m0s ago (2026-11-25T11:59:00Z), for 10m0s; any is taken",
      identity: '{"user":7}',
    });
  });

  test("of a forged token says which keys did not make it, and what the token says of itself", () => {
    const ring = createKeyRing([key({ name: "new" }), key({ name: "old", state: "verify-only" })]);
    const { verdict, checks } = explainToken(
      tokenOf({ ext: "x", exp: NOW_S - 5 }, undefined, "another"),
      options({ ring, keyText: ({ name }) => `${name} (ab12cd34)` }),
    );
    expect(verdict).toMatchObject({ accepted: false, reason: "bad_signature" });
    expect(checks.find(({ outcome }) => outcome === "failed")).toEqual({
      name: "signature",
      outcome: "failed",
      text: `${RULES.bad_signature.detail}: not of new (ab12cd34), not of old (ab12cd34)`,
    });
    expect(checks.find(({ name }) => name === "expiry")).toEqual({
      name: "expiry",
      outcome: "not reached",
      text: "expired 5s ago (2026-11-25T11:59:55Z)",
    });
  });

  test("of what is no token says nothing of its inside", () => {
    const { checks } = explainToken("hello", options());
    expect(checks[1]).toEqual({ name: "format", outcome: "failed", text: RULES.not_three_segments.detail });
    expect(checks.slice(2).every(({ outcome, text }) => outcome === "not reached" && text === "")).toBe(true);
  });

  test("never holds a secret", () => {
    const ring = createKeyRing([
      key({ name: "a", kid: "a" }),
      key({ name: "b", kid: "b", state: "revoked" }),
    ]);
    for (const token of [
      tokenOf({ ext: "x" }, { alg: "HS256", kid: "a" }),
      tokenOf({ ext: "x" }, { alg: "HS256", kid: "b" }),
      tokenOf({ ext: "x" }, { alg: "HS256", kid: "c" }),
      tokenOf({ ext: "x" }, { alg: "HS256" }, "wrong"),
    ]) {
      expect(JSON.stringify(explainToken(token, options({ ring })))).not.toContain(SECRET);
    }
  });

  test("names the keys that a wrong kid could have named", () => {
    const ring = createKeyRing([key({ name: "a", kid: "2026-a" }), key({ name: "b", kid: "2026-b" })]);
    const { checks } = explainToken(tokenOf({ ext: "x" }, { alg: "HS256", kid: "zz" }), options({ ring }));
    expect(textOf(checks, "key")).toBe(`${RULES.kid_unknown.detail}: the keys here are "2026-a", "2026-b"`);
  });

  test("tells the key's first and last use", () => {
    const ring = createKeyRing([
      key({ name: "old", notBeforeMs: NOW_MS - 3_600_000, notAfterMs: NOW_MS - 60_000 }),
    ]);
    const { checks } = explainToken(tokenOf({ ext: "x" }), options({ ring }));
    expect(textOf(checks, "key state")).toBe(
      `${RULES.key_retired.detail}: old is retired, first use 1h0m0s ago (2026-11-25T11:00:00Z), ` +
        "last use 1m0s ago (2026-11-25T11:59:00Z)",
    );
  });

  test("with several issuers tells whose keys were tried", () => {
    const ring = createKeyRing([
      key({ name: "ours" }),
      key({ name: "theirs", issuer: "https://id", material: secretFromText("x".repeat(32)) }),
    ]);
    const policy = withIssuers({}, { issuer: "https://id", audience: ["cable"] });
    const { checks, verdict } = explainToken(
      tokenOf({ iss: "https://id", ext: "x" }, undefined, "x".repeat(32)),
      options({ ring, policy }),
    );
    expect(verdict).toMatchObject({ reason: "audience" });
    expect(textOf(checks, "key")).toBe("it may be theirs");
    expect(textOf(checks, "audience")).toBe(`${RULES.audience_other.detail}: no aud; "cable" is asked for`);
  });
});

describe("the order of the checks is the verifier's", () => {
  const strict = withIssuers({
    issuer: "https://id",
    audience: ["cable"],
    type: "jwt",
    requireExp: true,
    maxLifetimeS: 3600,
  });
  const retired = createKeyRing([key({ issuer: "https://id", kid: "k", state: "retired" })]);
  const active = createKeyRing([key({ issuer: "https://id", kid: "k" })]);
  const good = {
    iss: "https://id",
    aud: "cable",
    iat: NOW_S - 60,
    exp: NOW_S + 60,
    ext: "x",
  };
  const head = { alg: "HS256", kid: "k", typ: "JWT" };
  // Each token fails at its check and, where that can be, at every later one too.
  const all = { iss: "other", aud: "other", exp: "x", nbf: "x", iat: "x", ext: 7 };
  const cases: [CheckName, string, typeof active][] = [
    ["size", "x".repeat(9000), retired],
    ["format", "x.y", retired],
    ["header", tokenOf(all, '{"alg":"none"}', "wrong"), retired],
    ["algorithm", tokenOf(all, { alg: "ES256", kid: "zz" }, "wrong"), retired],
    ["key", tokenOf(all, { alg: "HS256", kid: "zz" }, "wrong"), retired],
    ["signature", tokenOf("[]", { ...head, typ: "x" }, "wrong"), retired],
    ["key state", tokenOf("[]", { ...head, typ: "x" }), retired],
    ["payload", tokenOf("[]", { ...head, typ: "x" }), active],
    ["type", tokenOf(all, { ...head, typ: "x" }), active],
    ["issuer", tokenOf(all, head), active],
    ["audience", tokenOf({ ...all, iss: good.iss }, head), active],
    ["expiry", tokenOf({ ...all, iss: good.iss, aud: good.aud }, head), active],
    ["not before", tokenOf({ ...good, nbf: NOW_S + 60, iat: "x", ext: 7 }, head), active],
    ["lifetime", tokenOf({ ...good, iat: NOW_S - 7200, ext: 7 }, head), active],
    ["identity", tokenOf({ ...good, ext: 7 }, head), active],
  ];

  test("with one issuer", () => {
    expect(cases.map(([name]) => name)).toEqual([...CHECKS]);
    for (const [name, token, ring] of cases) {
      const { checks } = explainToken(token, options({ ring, policy: strict }));
      expect(checks.find(({ outcome }) => outcome === "failed")?.name).toBe(name);
    }
  });

  test("with several issuers, where the payload and the issuer come before the key", () => {
    const policy = withIssuers({ issuer: "https://id" }, { issuer: "https://id2" });
    const failing = (token: string) =>
      explainToken(token, options({ ring: active, policy })).checks.map(
        ({ name, outcome }) => `${name} ${outcome}`,
      );
    const order = failing(tokenOf("[]", { alg: "ES256", kid: "zz" }, "wrong"));
    expect(order.slice(2, 6)).toEqual([
      "header passed",
      "payload failed",
      "issuer not reached",
      "algorithm not reached",
    ]);
    expect(failing(tokenOf({ iss: "no" }, { alg: "ES256" }, "wrong"))).toContain("issuer failed");
    expect(failing(tokenOf({ iss: "https://id" }, { alg: "ES256" }, "wrong"))).toContain("algorithm failed");
  });

  test("knows every rule by a text of its own", () => {
    const details = Object.values(RULES).map(({ detail }) => detail);
    expect(new Set<string>(details).size).toBe(details.length);
    expect(Object.keys(CHECK_OF_RULE).sort()).toEqual(Object.keys(RULES).sort());
  });
});

describe("times in words", () => {
  test("are in days where hours tell nothing", () => {
    expect(spanText(90_000)).toBe("1m30s");
    expect(spanText(30 * 86_400_000)).toBe("30d");
    expect(spanText(3 * 86_400_000 + 5 * 3_600_000)).toBe("3d5h");
  });

  test("are past or to come, with the instant", () => {
    expect(instantText(NOW_MS + 5000, NOW_MS)).toBe("in 5s (2026-11-25T12:00:05Z)");
    expect(instantText(NOW_MS - 5000, NOW_MS)).toBe("5s ago (2026-11-25T11:59:55Z)");
    expect(instantText(1e300, NOW_MS)).not.toContain("Invalid");
  });
});
