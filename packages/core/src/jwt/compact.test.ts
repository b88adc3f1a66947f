import { describe, expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import fc from "fast-check";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, HMAC_ALGORITHMS } from "./algorithms.ts";
import { CompactVerifier } from "./compact.ts";
import { SecretMaterial, secretFromText } from "./key-material.ts";
import { createKeyRing, type KeyPool, ringOfSecret } from "./keyring.ts";
import { RULES } from "./rules.ts";
import { signCompact } from "./sign.ts";

const crypto = createNodeCrypto();
const verifier = new CompactVerifier({ crypto, maxTokenBytes: 8192 });
const SECRET = "a secret of more than 32 bytes, for HS256";

const poolOfSecret = (secret: string): KeyPool => ringOfSecret(secret).poolOf(null);

function poolOfKey(k: string, kid: string | null): KeyPool {
  const material = new SecretMaterial(Buffer.from(k, "base64url"));
  const key = { name: "rfc", kid, algorithms: HMAC_ALGORITHMS, material, state: "active" } as const;
  return createKeyRing([key]).poolOf(null);
}

describe("the examples of the RFCs", () => {
  const RFC_7515_KEY =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
  const RFC_7515_PAYLOAD =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

  test("RFC 7515 A.1, HS256, is accepted", () => {
    const token = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${RFC_7515_PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;
    expect(verifier.verify(token, poolOfKey(RFC_7515_KEY, null))).toMatchObject({
      key: { name: "rfc" },
      token: {
        header: { algorithm: ALGORITHMS.HS256, kid: null, typ: "jwt" },
        payloadSegment: RFC_7515_PAYLOAD,
      },
    });
  });

  test("RFC 7515 A.5, unsecured, is refused", () => {
    const token = `eyJhbGciOiJub25lIn0.${RFC_7515_PAYLOAD}.`;
    expect(verifier.verify(token, poolOfKey(RFC_7515_KEY, null))).toBe(RULES.alg_unknown);
  });

  test("RFC 7520 4.4, HMAC-SHA2 with a kid and a payload that is prose, is accepted", () => {
    const kid = "018c0ae5-4d9b-471b-bfd6-eef314bc7037";
    const pool = poolOfKey("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg", kid);
    const token =
      "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." +
      "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h" +
      "ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3" +
      "ZXB0IG9mZiB0by4.s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    expect(verifier.verify(token, pool)).toMatchObject({ token: { header: { kid } } });
    expect(verifier.verify(token, poolOfKey("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg", "another"))).toBe(
      RULES.kid_unknown,
    );
  });
});

test.each(HMAC_ALGORITHMS)("a %s token with any bit of its text flipped is refused", (name) => {
  const pool = poolOfSecret(SECRET);
  const token = signCompact(
    {
      header: `{"alg":"${name}"}`,
      payload: encodeUtf8('{"ext":"{\\"user_id\\":\\"15\\"}","exp":4102444800}'),
      material: secretFromText(SECRET),
      algorithm: ALGORITHMS[name],
    },
    crypto,
  );
  expect(verifier.verify(token, pool)).toHaveProperty("key");
  for (let at = 0; at < token.length; at++) {
    for (let bit = 0; bit < 16; bit++) {
      const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
      const forged = token.slice(0, at) + flipped + token.slice(at + 1);
      expect(verifier.verify(forged, pool)).toHaveProperty("reason");
    }
  }
});

test("a token cut short or made longer anywhere is refused", () => {
  const pool = poolOfSecret(SECRET);
  const material = secretFromText(SECRET);
  const token = signCompact(
    { header: '{"alg":"HS256"}', payload: encodeUtf8("{}"), material, algorithm: ALGORITHMS.HS256 },
    crypto,
  );
  for (let at = 0; at < token.length; at++) {
    expect(verifier.verify(token.slice(0, at), pool)).toHaveProperty("reason");
    expect(verifier.verify(token.slice(0, at) + token.slice(at + 1), pool)).toHaveProperty("reason");
    for (const extra of ["A", ".", "=", " ", "\n", "\0", "é"]) {
      expect(verifier.verify(token.slice(0, at) + extra + token.slice(at), pool)).toHaveProperty("reason");
    }
  }
});

test("a signature of a length that its algorithm does not have never reaches the cryptography", () => {
  const asked: number[] = [];
  const credulous = new CompactVerifier({
    crypto: {
      verify: (_algorithm, _material, _signingInput, signature) => asked.push(signature.length) > 0,
      sign: crypto.sign,
    },
    maxTokenBytes: 8192,
  });
  const header = Buffer.from('{"alg":"HS256"}').toString("base64url");
  for (const bytes of [0, 1, 16, 31, 33, 48, 64, 1000]) {
    const signature = Buffer.alloc(bytes).toString("base64url");
    expect(credulous.verify(`${header}.e30.${signature}`, poolOfSecret(SECRET))).toBe(RULES.bad_signature);
  }
  expect(asked).toEqual([]);
});

test("a signature of one algorithm under the name of another is refused", () => {
  const pool = poolOfSecret(SECRET);
  const material = secretFromText(SECRET);
  for (const said of HMAC_ALGORITHMS) {
    for (const done of HMAC_ALGORITHMS) {
      const token = signCompact(
        { header: `{"alg":"${said}"}`, payload: encodeUtf8("x"), material, algorithm: ALGORITHMS[done] },
        crypto,
      );
      if (said === done) expect(verifier.verify(token, pool)).toHaveProperty("key");
      else expect(verifier.verify(token, pool)).toBe(RULES.bad_signature);
    }
  }
});

test("the payload may be any bytes, none too, and is not looked at", () => {
  const pool = poolOfSecret(SECRET);
  const material = secretFromText(SECRET);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
      const token = signCompact(
        { header: '{"alg":"HS256"}', payload, material, algorithm: ALGORITHMS.HS256 },
        crypto,
      );
      expect(verifier.verify(token, pool)).toMatchObject({
        token: { payloadSegment: Buffer.from(payload).toString("base64url") },
      });
    }),
  );
});

describe("what is no compact serialization", () => {
  const pool = poolOfSecret(SECRET);
  const cases: [string, string, object][] = [
    ["nothing", "", RULES.not_three_segments],
    ["one dot", "AAAA.AAAA", RULES.not_three_segments],
    ["three dots", "AAAA.AAAA.AAAA.AAAA", RULES.not_three_segments],
    ["five segments", "AAAA.AAAA.AAAA.AAAA.AAAA", RULES.encrypted],
    ["five segments, some empty", "AAAA..AAAA.AAAA.", RULES.encrypted],
    ["dots and nothing else", "....", RULES.encrypted],
    ["two dots", "..", RULES.header_not_json],
    ["many dots", ".".repeat(8000), RULES.not_three_segments],
    ["JSON serialization", '{"payload":"","signatures":[]}', RULES.foreign_character],
    ["padding", "AAAA.AA==.AAAA", RULES.padding],
    ["the other alphabet", "AAAA.AA+/.AAAA", RULES.foreign_character],
    ["a new line at the end", "AAAA.AAAA.AAAA\n", RULES.foreign_character],
    ["NUL", "AAAA.AAAA.AAAA\0", RULES.foreign_character],
    ["a look-alike outside ASCII", "АAAA.AAAA.AAAA", RULES.foreign_character],
    ["a full stop that is not ASCII", "AAAA．AAAA．AAAA", RULES.foreign_character],
    ["a segment of an impossible length", "AAAA.AAAAA.AAAA", RULES.not_canonical],
  ];
  test.each(cases)("%s", (_name, token, rule) => {
    expect(verifier.verify(token, pool)).toBe(rule as never);
  });
});
