import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { createTokens, type TokensOptions } from "./index.ts";

const SECRET = "qwerty";
const NOW_MS = 1_800_000_000_000;
const at = (nowMs: number, options: Partial<TokensOptions> = {}) =>
  createTokens({ secret: SECRET, clock: { nowMs: () => nowMs }, ...options });

/** Issued by anycable-rb, and by the reference's own tests. */
const UNTIL_2100 =
  "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyX2lkXCI6XCIxNVwifSIsImV4cCI6NDEwMjQ0NDgwMH0" +
  ".oKLheFg2qqZ2c-td1atBirR9FiodfSNHB9IvHQNcsaA";
const FOR_EVER =
  "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyXCI6XCJ2b3ZhXCIsXCJmZWF0dXJlc1wiOltcInJhaWxzXCIsXCJzdHJlYW1zXCJdfSJ9" +
  ".5hJpXpC9deAFyfrCbOXpwJ55wm1RwyXRe2trtyVpqK4";

describe("issuing", () => {
  test("writes the header and claims that AnyCable's own SDKs write, and when it was issued", () => {
    const token = at(NOW_MS).issue({ user_id: "15" });
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256" });
    expect(decodeJwt<Record<string, unknown>>(token)).toEqual({
      ext: '{"user_id":"15"}',
      exp: 1_800_003_600,
      iat: 1_800_000_000,
    });
  });

  test("keeps a text as it is, spaces and all", () => {
    expect(decodeJwt<Record<string, unknown>>(at(NOW_MS).issue('{"user_id": 42}')).ext).toBe(
      '{"user_id": 42}',
    );
    expect(decodeJwt<Record<string, unknown>>(at(NOW_MS).issue("plain")).ext).toBe("plain");
  });

  test("takes lifetime, algorithm and key name from the options, and the lifetime from the call first", async () => {
    const tokens = at(NOW_MS, { ttlSeconds: 600, algorithm: "HS512", kid: "k1" });
    const token = tokens.issue("a");
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS512", kid: "k1" });
    expect(decodeJwt(token).exp).toBe(1_800_000_600);
    expect(decodeJwt(tokens.issue("a", { expiresInSeconds: 5.9 })).exp).toBe(1_800_000_005);
    expect(decodeJwt(tokens.issue("a", { expiresInSeconds: null })).exp).toBeUndefined();
    expect(decodeJwt(at(NOW_MS, { ttlSeconds: null }).issue("a")).exp).toBeUndefined();
    await jwtVerify(token, new TextEncoder().encode(SECRET), { currentDate: new Date(NOW_MS) });
  });

  test("adds claims of one's own, but not those it writes itself", () => {
    const tokens = at(NOW_MS);
    expect(decodeJwt(tokens.issue("a", { claims: { sub: "ann", nbf: 1 } }))).toMatchObject({
      sub: "ann",
      nbf: 1,
    });
    for (const name of ["ext", "exp", "iat"]) {
      expect(() => tokens.issue("a", { claims: { [name]: 1 } })).toThrow(`\`claims\` has \`${name}\``);
    }
  });

  test("refuses an empty secret and lifetimes that are no numbers", () => {
    expect(() => createTokens({ secret: "" })).toThrow("empty secret");
    expect(() => createTokens({ secret: "s", ttlSeconds: Number.NaN })).toThrow("ttlSeconds is NaN");
    expect(() => at(NOW_MS).issue("a", { expiresInSeconds: Number.POSITIVE_INFINITY })).toThrow(
      "expiresInSeconds",
    );
  });
});

describe("verifying", () => {
  test("accepts the tokens of other SDKs", () => {
    expect(at(NOW_MS).verify(UNTIL_2100)).toEqual({
      accepted: true,
      identifiers: { user_id: "15" },
      identifiersText: '{"user_id":"15"}',
      expiresAtMs: 4_102_444_800_000,
    });
    expect(at(NOW_MS).verify(FOR_EVER)).toMatchObject({ accepted: true, expiresAtMs: null });
  });

  test("accepts every algorithm of the family, as the server does", () => {
    for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
      expect(at(NOW_MS).verify(at(NOW_MS, { algorithm }).issue("plain"))).toMatchObject({
        accepted: true,
        identifiers: "plain",
      });
    }
  });

  test("says why it refuses", () => {
    const tokens = at(NOW_MS);
    const cases: Array<[string, string]> = [
      [tokens.issue("a", { expiresInSeconds: -5 }), "expired"],
      [at(NOW_MS, { secret: "other" }).issue("a"), "bad_signature"],
      [at(NOW_MS, { secret: "other" }).issue("a", { expiresInSeconds: -5 }), "bad_signature"],
      [tokens.issue("a", { claims: { nbf: 1_800_000_030 } }), "not_yet_valid"],
      [`${UNTIL_2100}.x`, "malformed"],
      ["garbage", "malformed"],
      ["", "malformed"],
      ["a".repeat(9000), "too_large"],
      ["eyJhbGciOiJub25lIn0.e30.", "alg_not_allowed"],
    ];
    for (const [token, reason] of cases) {
      expect(tokens.verify(token)).toMatchObject({ accepted: false, reason });
    }
    expect(tokens.verify(tokens.issue("a", { expiresInSeconds: -5 }))).toMatchObject({ expiredForMs: 5000 });
  });

  test("a token ends with the second it names", () => {
    const token = at(NOW_MS).issue("a", { expiresInSeconds: 60 });
    expect(at(NOW_MS + 59_999).verify(token).accepted).toBe(true);
    expect(at(NOW_MS + 60_000).verify(token)).toMatchObject({ reason: "expired", expiredForMs: 0 });
  });

  test("with a key name, tokens that name another key are refused", () => {
    const tokens = at(NOW_MS, { kid: "k1" });
    expect(tokens.verify(at(NOW_MS, { kid: "k2" }).issue("a"))).toMatchObject({ reason: "unknown_key" });
    expect(tokens.verify(at(NOW_MS).issue("a")).accepted).toBe(true);
  });

  test("whatever is issued comes back, for any identifiers and any secret", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 1, unit: "grapheme" }), (identifiers, secret) => {
        const value = typeof identifiers === "string" ? identifiers : { identifiers };
        const tokens = at(NOW_MS, { secret });
        const verdict = tokens.verify(tokens.issue(value));
        expect(verdict.accepted && verdict.identifiersText).toBe(
          typeof value === "string" ? value : JSON.stringify(value),
        );
      }),
    );
  });
});
