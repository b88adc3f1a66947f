import { describe, expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import fc from "fast-check";
import { createVerifier as createFastVerifier } from "fast-jwt";
import { compactVerify } from "jose";
import { ManualClock } from "../testing/manual-clock.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, HMAC_ALGORITHMS } from "./algorithms.ts";
import { secretFromText } from "./key-material.ts";
import { ringOfSecret } from "./keyring.ts";
import { RULES, type RuleName } from "./rules.ts";
import { signCompact } from "./sign.ts";
import { createVerifier, DEFAULT_POLICY } from "./verifier.ts";

/*
 * Two other implementations judge the same tokens: jose the format, algorithm and signature (its JWS layer), fast-jwt
 * the payload's form as well. What either refuses there, we refuse. What we alone refuse is on the list below.
 */

// jose and fast-jwt want keys as long as the digest.
const SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const KEY = Buffer.from(SECRET);
const crypto = createNodeCrypto();
const clock = new ManualClock();
const ring = ringOfSecret(SECRET);
const { verify } = createVerifier({ ring: () => ring, crypto, clock, policy: DEFAULT_POLICY });

/** The rules by which we refuse tokens that both accept. */
const STRICTER_THAN_BOTH: readonly RuleName[] = [
  "token_too_large",
  "header_too_large",
  "not_canonical", // stray bits
  "header_duplicate_member",
  "header_not_finite",
  "header_too_deep",
  "b64", // without `crit` they ignore it
  "zip",
  "kid_invalid",
  "payload_not_utf8",
  "payload_too_deep",
  "payload_duplicate_member",
  "payload_not_finite",
  // The application's rules, of which they know nothing, and times, which they are not asked about here.
  "exp_not_number",
  "nbf_not_number",
  "expired",
  "not_yet_valid",
  "ext_missing",
  "ext_not_string",
  "ext_not_text",
];

const STRICTER_THAN_JOSE: readonly RuleName[] = [
  ...STRICTER_THAN_BOTH,
  "padding",
  "foreign_character", // white space, which its decoder drops
  // Its JWS layer says nothing of payloads.
  "payload_not_json",
  "payload_not_object",
];

const STRICTER_THAN_FAST_JWT: readonly RuleName[] = [
  ...STRICTER_THAN_BOTH,
  "crit", // that is null, 0 or empty text
];

/** fast-jwt's refusals that are about claims, which is another question. */
const FAST_JWT_CLAIMS = [
  "FAST_JWT_INVALID_CLAIM_TYPE",
  "FAST_JWT_INVALID_CLAIM_VALUE",
  "FAST_JWT_EXPIRED",
  "FAST_JWT_INACTIVE",
];

const fastVerify = createFastVerifier({
  key: SECRET,
  algorithms: [...HMAC_ALGORITHMS],
  ignoreExpiration: true,
  ignoreNotBefore: true,
  cache: false,
});

async function joseAccepts(token: string): Promise<boolean> {
  try {
    await compactVerify(token, KEY, { algorithms: [...HMAC_ALGORITHMS] });
    return true;
  } catch {
    return false;
  }
}

function fastJwtAccepts(token: string): boolean {
  try {
    fastVerify(token);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return FAST_JWT_CLAIMS.includes(code);
  }
}

function refusalOf(token: string): RuleName | null {
  const verdict = verify(token);
  if (verdict.accepted) return null;
  const found = Object.entries(RULES).find(([, rule]) => rule.detail === verdict.detail);
  if (found === undefined) throw new Error(`no rule says "${verdict.detail}"`);
  // The keys of RULES are the names.
  return found[0] as RuleName;
}

async function compareOn(token: string): Promise<RuleName | null> {
  const refusal = refusalOf(token);
  const jose = await joseAccepts(token);
  const fastJwt = fastJwtAccepts(token);
  if (refusal === null) {
    expect({ token, jose, fastJwt }).toEqual({ token, jose: true, fastJwt: true });
    return null;
  }
  if (jose) expect(STRICTER_THAN_JOSE).toContain(refusal);
  if (fastJwt) expect(STRICTER_THAN_FAST_JWT).toContain(refusal);
  return refusal;
}

// Tokens as text, so that the generators decide every byte.

const scalar = fc.oneof(
  fc.constantFrom(
    "0",
    "1",
    "-1",
    "1.5",
    "1e3",
    "1e999",
    "-1e999",
    "null",
    "true",
    "{}",
    "[]",
    '"a"',
    '""',
    "NaN",
    "",
  ),
  fc.constantFrom(
    '"HS256"',
    '"HS384"',
    '"HS512"',
    '"none"',
    '"hs256"',
    '"RS256"',
    '"JWT"',
    '["exp"]',
    '"\\ud800"',
  ),
  fc.integer().map(String),
  fc.double().map(String),
  fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.integer({ min: 1, max: 40 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
);

const name = fc.constantFrom(
  ...[
    "alg",
    "kid",
    "typ",
    "cty",
    "crit",
    "b64",
    "zip",
    "jku",
    "jwk",
    "x5c",
    "exp",
    "nbf",
    "iat",
    "ext",
    "a",
    "",
    "\\u0065xp",
  ],
  ...["\\u0061lg", "__proto__", "constructor"],
);

const space = fc.constantFrom("", "", "", " ", "\n", "\t", "\ufeff", "\u00a0");

const member = fc.tuple(name, space, scalar).map(([key, gap, value]) => `"${key}"${gap}:${value}`);

function objectText(first: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(member, { maxLength: 3 }), space, fc.constantFrom("", "", "", "", ",", "}", "x"))
    .map(([members, gap, tail]) => `${gap}{${[first, ...members].join(",")}${gap}}${tail}`);
}

const header = fc
  .constantFrom(...HMAC_ALGORITHMS, "none", "hs256")
  .chain((alg) => objectText(`"alg":"${alg}"`));

const payload = fc.oneof(
  objectText('"ext":"{\\"user_id\\":\\"15\\"}"').map(encodeUtf8),
  fc.constantFrom("null", "[1]", '"x"', "1", "", "{}", '{"ext":{}}').map(encodeUtf8),
  fc.uint8Array({ maxLength: 20 }),
);

const signedToken = fc
  .tuple(header, payload, fc.constantFrom(...HMAC_ALGORITHMS), fc.constantFrom(true, true, true, false))
  .map(([header, payload, other, honest]) => {
    const said = HMAC_ALGORITHMS.find((name) => header.includes(`"alg":"${name}"`));
    return signCompact(
      {
        header,
        payload,
        material: secretFromText(SECRET),
        algorithm: ALGORITHMS[honest ? (said ?? other) : other],
      },
      crypto,
    );
  });

const goodToken = fc
  .tuple(
    fc.constantFrom(...HMAC_ALGORITHMS),
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.option(fc.nat()),
  )
  .map(([algorithm, ext, id]) => {
    const claims = JSON.stringify({ ext, exp: 4_102_444_800, id });
    return signCompact(
      {
        header: `{"alg":"${algorithm}"}`,
        payload: encodeUtf8(claims),
        material: secretFromText(SECRET),
        algorithm: ALGORITHMS[algorithm],
      },
      crypto,
    );
  });

function sign(header: string, payload: string | Uint8Array = '{"ext":""}'): string {
  const bytes = typeof payload === "string" ? encodeUtf8(payload) : payload;
  return signCompact(
    { header, payload: bytes, material: secretFromText(SECRET), algorithm: ALGORITHMS.HS256 },
    crypto,
  );
}

const HS256 = '{"alg":"HS256"}';
const DEEP = "[".repeat(40) + "]".repeat(40);

const EXAMPLES: Partial<Record<RuleName, string>> = {
  token_too_large: sign(HS256, `{"ext":"${"x".repeat(9000)}"}`),
  header_too_large: sign(`{"alg":"HS256","x":"${"y".repeat(2100)}"}`),
  header_duplicate_member: sign('{"alg":"none","alg":"HS256"}'),
  header_not_finite: sign('{"alg":"HS256","x":1e999}'),
  header_too_deep: sign(`{"alg":"HS256","x":${DEEP}}`),
  b64: sign('{"alg":"HS256","b64":true}'),
  zip: sign('{"alg":"HS256","zip":"DEF"}'),
  crit: sign('{"alg":"HS256","crit":null}'),
  kid_invalid: sign(`{"alg":"HS256","kid":"${"k".repeat(129)}"}`),
  not_canonical: withStrayBits(sign(HS256)),
  padding: `${sign(HS256)}=`,
  foreign_character: `${sign(HS256)}\n`,
  payload_not_json: sign(HS256, "prose"),
  payload_not_object: sign(HS256, "[]"),
  payload_not_utf8: sign(HS256, Uint8Array.from([...encodeUtf8('{"ext":"'), 0xff, ...encodeUtf8('"}')])),
  payload_too_deep: sign(HS256, `{"ext":"","x":${DEEP}}`),
  payload_duplicate_member: sign(HS256, '{"ext":"a","ext":"b"}'),
  payload_not_finite: sign(HS256, '{"ext":"","exp":1e999}'),
  exp_not_number: sign(HS256, '{"ext":"","exp":"1"}'),
  nbf_not_number: sign(HS256, '{"ext":"","nbf":"1"}'),
  expired: sign(HS256, '{"ext":"","exp":1}'),
  not_yet_valid: sign(HS256, '{"ext":"","nbf":4102444800}'),
  ext_missing: sign(HS256, "{}"),
  ext_not_string: sign(HS256, '{"ext":{"user_id":15}}'),
  ext_not_text: sign(HS256, String.raw`{"ext":"\ud800"}`),
};

/** The same bytes in another spelling: the last character of 43 has two unused bits. */
function withStrayBits(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) | 1];
}

const mutation = fc.tuple(
  fc.constantFrom("insert", "replace", "remove", "repeat", "append") as fc.Arbitrary<string>,
  fc.nat(),
  fc.constantFrom("A", "Q", "_", "-", ".", "=", "==", " ", "\n", "+", "/", "\0", "é", "\ud800", "%", "~"),
);

function mutate(token: string, [kind, where, text]: [string, number, string]): string {
  const at = where % (token.length + 1);
  if (kind === "insert") return token.slice(0, at) + text + token.slice(at);
  if (kind === "replace") return token.slice(0, at) + text + token.slice(at + 1);
  if (kind === "remove") return token.slice(0, at) + token.slice(at + 1);
  if (kind === "repeat") return token.slice(0, at) + token.slice(Math.max(0, at - 5));
  return token + text;
}

describe("beside jose and fast-jwt", () => {
  test("good tokens are accepted by all three", async () => {
    await fc.assert(
      fc.asyncProperty(goodToken, async (token) => {
        expect(await compareOn(token)).toBeNull();
      }),
      { numRuns: 200 },
    );
  });

  test("signed tokens with any header and payload are accepted only where they accept too", async () => {
    const seen = new Set<RuleName | null>();
    await fc.assert(
      fc.asyncProperty(signedToken, async (token) => {
        seen.add(await compareOn(token));
      }),
      { numRuns: 3000 },
    );
    // The generator reaches what it is there for; rarer rules have tests of their own.
    for (const name of ["crit", "bad_signature", null] as const) expect(seen).toContain(name);
  });

  test("good tokens that something happened to are accepted only where they accept too", async () => {
    await fc.assert(
      fc.asyncProperty(
        goodToken,
        fc.array(mutation, { minLength: 1, maxLength: 2 }),
        async (token, mutations) => {
          await compareOn(mutations.reduce(mutate, token));
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("every rule on the lists is there for a token that they accept", async () => {
    for (const name of new Set([...STRICTER_THAN_JOSE, ...STRICTER_THAN_FAST_JWT])) {
      const token = EXAMPLES[name];
      if (token === undefined) throw new Error(`no example for ${name}`);
      expect<RuleName | null>(await compareOn(token)).toBe(name);
      expect({ name, jose: await joseAccepts(token), fastJwt: fastJwtAccepts(token) }).toEqual({
        name,
        jose: STRICTER_THAN_JOSE.includes(name),
        fastJwt: STRICTER_THAN_FAST_JWT.includes(name),
      });
    }
  });
});

test("any string gets a verdict, and nothing throws", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(...'eyJ.=-_ A\0\ud800é{}"') as fc.Arbitrary<string>, maxLength: 60 }),
    fc.base64String().map((text) => text.replaceAll("=", "")),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
    fc.json().map((text) => Buffer.from(text).toString("base64url")),
    fc.constant(Buffer.from('{"alg":"HS256"}').toString("base64url")),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.constantFrom(".", "", "..", " "), (pieces, glue) => {
      const verdict = verify(pieces.join(glue));
      expect(verdict.accepted).toBe(false);
      expect(verdict.keyName).toBeNull();
    }),
    { numRuns: 2000 },
  );
});

test("any signed bytes get a verdict, and nothing throws", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.json().map(encodeUtf8),
    fc.string({ unit: "binary" }).map(encodeUtf8),
  );
  fc.assert(
    fc.property(fc.oneof(header, fc.string({ unit: "binary" })), bytes, (header, payload) => {
      expect(typeof verify(sign(header, payload)).accepted).toBe("boolean");
    }),
    { numRuns: 2000 },
  );
});

test("no refusal says anything of the token", () => {
  const canary = "c4n4ry";
  for (const payload of [
    `{"ext":"${canary}","exp":1}`,
    `{"${canary}":1}`,
    `{"ext":{"x":"${canary}"}}`,
    canary,
  ]) {
    const parts = {
      payload: encodeUtf8(payload),
      material: secretFromText(SECRET),
      algorithm: ALGORITHMS.HS256,
    };
    const token = signCompact({ header: `{"alg":"HS256","kid":"${canary}"}`, ...parts }, crypto);
    const text = JSON.stringify(verify(token));
    expect(text).not.toContain(canary);
    expect(text).not.toContain(token.slice(-20));
  }
});
