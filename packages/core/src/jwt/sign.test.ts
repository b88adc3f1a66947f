import { describe, expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { createVerifier as createFastVerifier } from "fast-jwt";
import { jwtVerify } from "jose";
import { CableError } from "../errors.ts";
import { HMAC_ALGORITHMS } from "./algorithms.ts";
import { secretFromText } from "./key-material.ts";
import { signToken } from "./sign.ts";

const crypto = createNodeCrypto();
const SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const CLAIMS = { ext: '{"user_id":"15"}', exp: 4_102_444_800 };

const headerOf = (token: string) => Buffer.from(token.split(".")[0]!, "base64url").toString();
const payloadOf = (token: string) => Buffer.from(token.split(".")[1]!, "base64url").toString();

test("makes the very token that AnyCable's Ruby SDK makes of the same claims", () => {
  expect(signToken({ claims: CLAIMS, secret: "qwerty" }, crypto)).toBe(
    "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyX2lkXCI6XCIxNVwifSIsImV4cCI6NDEwMjQ0NDgwMH0." +
      "oKLheFg2qqZ2c-td1atBirR9FiodfSNHB9IvHQNcsaA",
  );
});

describe.each(HMAC_ALGORITHMS)("%s", (algorithm) => {
  test("tokens are taken by jose and by fast-jwt", async () => {
    const claims = { ...CLAIMS, ext: '{"name":"Zoë 😀"}' };
    const token = signToken({ claims, secret: SECRET, algorithm, kid: "2026-11" }, crypto);
    const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(SECRET));
    expect(payload).toEqual(claims);
    expect(protectedHeader).toEqual({ alg: algorithm, kid: "2026-11" });
    expect(createFastVerifier({ key: SECRET, algorithms: [algorithm] })(token)).toEqual(claims);
  });
});

test("signs a payload that is text as it stands", () => {
  const claims = '{ "ext" : "x", "n": 12345678901234567890 }';
  const token = signToken({ claims, secret: SECRET }, crypto);
  expect(payloadOf(token)).toBe(claims);
  expect(headerOf(token)).toBe('{"alg":"HS256"}');
});

test("a key made before gives the same token as its text", () => {
  expect(signToken({ claims: CLAIMS, secret: secretFromText(SECRET) }, crypto)).toBe(
    signToken({ claims: CLAIMS, secret: SECRET }, crypto),
  );
});

test("refuses times that are no numbers, and an empty secret, without saying either", () => {
  for (const exp of [Number.NaN, Number.POSITIVE_INFINITY, "4102444800", null, new Date(0)]) {
    expect(() => signToken({ claims: { ext: "x", exp }, secret: SECRET }, crypto)).toThrow(
      "its `exp` is not",
    );
  }
  expect(() => signToken({ claims: { nbf: "soon" }, secret: SECRET }, crypto)).toThrow("`nbf`");
  expect(() => signToken({ claims: CLAIMS, secret: "" }, crypto)).toThrow(CableError);
  expect(() => signToken({ claims: { ...CLAIMS, exp: undefined }, secret: SECRET }, crypto)).not.toThrow();
});
