import { expect, test } from "bun:test";
import { createMessageKey } from "./message-key.ts";

const key = createMessageKey("streams", "s3cr3t");

test("a key signs in hex of HMAC-SHA256, of UTF-8 on both sides", () => {
  // RFC 4231 4.3.
  expect(createMessageKey("rfc", "Jefe").sign("what do ya want for nothing?")).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  // printf 'ü' | openssl dgst -sha256 -hmac 'é'
  expect(createMessageKey("utf8", "é").sign("ü")).toBe(
    "3a9a2feb0947878b896874478bcbb7617882cc61f2580793f89508ea6ea11e62",
  );
});

test("it takes its own signature, and no other of the same length", () => {
  const signature = key.sign("text");
  expect(key.verify("text", signature)).toBe(true);
  expect(key.verify("texts", signature)).toBe(false);
  expect(createMessageKey("other", "s3cr3T").verify("text", signature)).toBe(false);
  for (let at = 0; at < signature.length; at++) {
    const digit = signature[at] === "0" ? "1" : "0";
    expect(key.verify("text", signature.slice(0, at) + digit + signature.slice(at + 1))).toBe(false);
  }
});

test("it refuses a signature of another length or with foreign characters, whatever was compared before", () => {
  const signature = key.sign("text");
  expect(key.verify("text", signature)).toBe(true);
  for (const other of ["", signature.slice(0, 62), `${signature}00`, `${signature.slice(0, 62)}zz`]) {
    expect(key.verify("text", other)).toBe(false);
  }
});

test("it is never made of an empty secret, and shows its secret to nobody who prints it", () => {
  expect(() => createMessageKey("none", "")).toThrow("anyone could sign");
  expect(`${Bun.inspect(key, { depth: 9 })} ${JSON.stringify(key)}`).not.toContain("s3cr3t");
});
