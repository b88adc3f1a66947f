import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../limits.ts";
import { encodeBase64url } from "../wire/base64url.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS } from "./algorithms.ts";
import { HeaderCache, readHeader } from "./header.ts";
import { RULES } from "./rules.ts";

const segmentOf = (text: string) => encodeBase64url(encodeUtf8(text));
const read = (text: string) => readHeader(segmentOf(text));

describe("alg", () => {
  test("is compared exactly", () => {
    for (const name of [
      ...[
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "hs256",
        "Hs256",
        "HS256 ",
        " HS256",
        "HS256\\u0000",
        "HS256\\n",
        "HS-256",
      ],
      ...[
        "HS1",
        "HS2560",
        "H\\u0455256",
        "HMAC",
        "RS1",
        "ES256K",
        "EDDSA",
        "Ed25519\\u0000",
        "dir",
        "A128KW",
        "__proto__",
      ],
      ...["constructor", "toString"],
    ]) {
      expect(read(`{"alg":"${name}"}`)).toBe(RULES.alg_unknown);
    }
    expect(read('{"alg":"\\u0048S256"}')).toEqual({ algorithm: ALGORITHMS.HS256, kid: null, typ: null });
  });

  test("must be there, and a string", () => {
    for (const header of [
      ...["{}", '{"typ":"JWT"}', '{"alg":null}', '{"alg":256}', '{"alg":["HS256"]}', '{"alg":{"HS256":1}}'],
      ...['{"alg":true}', '{"ALG":"HS256"}', '{"__proto__":{"alg":"HS256"}}'],
    ]) {
      expect(read(header)).toBe(RULES.alg_invalid);
    }
  });
});

describe("kid", () => {
  test("is a string of at most 128 characters", () => {
    expect(read(`{"alg":"HS256","kid":"${"k".repeat(128)}"}`)).toMatchObject({ kid: "k".repeat(128) });
    expect(read(`{"alg":"HS256","kid":""}`)).toMatchObject({ kid: "" });
    expect(read(`{"alg":"HS256","kid":"../../etc/passwd' OR 1=1"}`)).toMatchObject({
      kid: "../../etc/passwd' OR 1=1",
    });
    for (const kid of [`"${"k".repeat(129)}"`, "1", "null", "true", '["a"]', '{"a":1}']) {
      expect(read(`{"alg":"HS256","kid":${kid}}`)).toBe(RULES.kid_invalid);
    }
  });
});

test("keys that come with the token are ignored", () => {
  const more = [
    '"jwk":{"kty":"oct","k":"AAAA"}',
    '"jku":"http://127.0.0.1:1/keys"',
    '"x5u":"http://127.0.0.1:1/cert"',
    '"x5c":["AAAA"]',
    '"x5t":"AAAA"',
    '"cty":"json"',
    '"anything":[{}]',
  ];
  for (const member of more) {
    expect(read(`{"alg":"HS256",${member}}`)).toEqual({ algorithm: ALGORITHMS.HS256, kid: null, typ: null });
  }
});

test("typ is a media type: case does not count, nor application/ in front", () => {
  const typOf = (typ: string) => {
    const header = read(`{"alg":"HS256","typ":${typ}}`);
    return "typ" in header ? header.typ : header;
  };
  expect(typOf('"JWT"')).toBe("jwt");
  expect(typOf('"at+jwt"')).toBe("at+jwt");
  expect(typOf('"Application/AT+JWT"')).toBe("at+jwt");
  expect(typOf('"application/a/b"')).toBe("application/a/b");
  for (const none of ["7", "null", '["JWT"]']) expect(typOf(none)).toBeNull();
});

test("a header longer than the limit is refused unread", () => {
  const filled = (bytes: number) => `{"alg":"HS256","x":"${"y".repeat(bytes - 22)}"}`;
  expect(read(filled(LIMITS.maxTokenHeaderBytes))).toHaveProperty("algorithm");
  expect(read(filled(LIMITS.maxTokenHeaderBytes + 1))).toBe(RULES.header_too_large);
});

test("a header that is no JSON object is refused", () => {
  expect(read("")).toBe(RULES.header_not_json);
  expect(read("HS256")).toBe(RULES.header_not_json);
  expect(read("null")).toBe(RULES.header_not_object);
  expect(read('["HS256"]')).toBe(RULES.header_not_object);
  expect(readHeader("eyJhbGciOiJIUzI1NiJ=")).toBe(RULES.not_canonical);
});

describe("the cache", () => {
  test("gives the same answer again, and forgets nothing it was not given", () => {
    const cache = new HeaderCache();
    const segment = segmentOf('{"alg":"HS256","kid":"a"}');
    const first = cache.read(segment);
    expect(first).toEqual(readHeader(segment));
    expect(cache.read(`x${segment}`.slice(1))).toBe(first);
    expect(cache.read(segmentOf('{"alg":"HS256","kid":"b"}'))).toMatchObject({ kid: "b" });
    expect(cache.read(segmentOf('{"alg":"none"}'))).toBe(RULES.alg_unknown);
    expect(cache.read(segmentOf('{"alg":"none"}'))).toBe(RULES.alg_unknown);
  });

  test("does not grow with headers that strangers invent", () => {
    const cache = new HeaderCache();
    const known = segmentOf('{"alg":"HS256"}');
    const first = cache.read(known);
    for (let i = 0; i < 1000; i++) {
      expect(cache.read(segmentOf(`{"alg":"HS256","kid":"${i}"}`))).toMatchObject({ kid: String(i) });
    }
    // It started over in between, so this one was read anew.
    expect(cache.read(known)).not.toBe(first);
    expect(cache.read(known)).toEqual(first);
  });

  test("does not keep long headers", () => {
    const cache = new HeaderCache();
    const segment = segmentOf(`{"alg":"HS256","x":"${"y".repeat(300)}"}`);
    expect(cache.read(segment)).not.toBe(cache.read(segment));
  });
});

test("any segment gives a header of a known algorithm or a rule, and nothing throws", () => {
  const member = fc.tuple(
    fc.constantFrom("alg", "kid", "typ", "crit", "b64", "zip", "jwk", "x"),
    fc.json({ maxDepth: 3 }),
  );
  const text = fc.oneof(
    fc.json(),
    fc
      .array(member, { maxLength: 4 })
      .map((all) => `{${all.map(([name, value]) => `"${name}":${value}`).join()}}`),
    fc.constantFrom(...Object.keys(ALGORITHMS)).map((name) => `{"alg":"${name}"}`),
  );
  const segment = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 80 }).map(encodeBase64url),
    text.map(segmentOf),
  );
  const rules = new Set<unknown>(Object.values(RULES));
  let headers = 0;
  fc.assert(
    fc.property(segment, (given) => {
      const header = readHeader(given);
      if ("reason" in header) {
        expect(rules).toContain(header);
        return;
      }
      headers += 1;
      expect(Object.hasOwn(ALGORITHMS, header.algorithm.name)).toBe(true);
      expect(header.kid?.length ?? 0).toBeLessThanOrEqual(LIMITS.maxKidLength);
    }),
    { numRuns: 3000 },
  );
  expect(headers).toBeGreaterThan(100);
});
