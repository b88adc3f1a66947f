import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { weaknessOf, weaknessOfText } from "./secret-strength.ts";

test("random secrets are strong, in any form", () => {
  for (let i = 0; i < 500; i++) {
    const bytes = randomBytes(32);
    expect(weaknessOf(bytes)).toBeNull();
    for (const encoding of ["hex", "base64", "base64url"] as const) {
      expect(weaknessOfText(bytes.toString(encoding))).toBeNull();
    }
  }
});

test("31 bytes are too few, 32 are enough, and characters count as their UTF-8", () => {
  const text = "abcdefgh".repeat(4);
  expect(weaknessOfText(text)).toBeNull();
  expect(weaknessOfText(text.slice(1))).toBe("has 31 bytes, and fewer than 32 can be guessed");
  expect(weaknessOfText("äöüßéèêàâ".slice(0, 8) + "ñçøåëïôùABCDEFGH".slice(0, 8))).toBeNull();
});

test("what everybody knows is weak however long it is, in small letters or capitals", () => {
  for (const text of [
    "secret",
    "QWERTY",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "Change-Me-To-32-Random-Bytes-Or-More",
  ]) {
    expect(weaknessOfText(text)).toBe("is one that everybody knows");
  }
});

test("a few characters over and over are weak", () => {
  expect(weaknessOfText("a".repeat(64))).toBe("is one character, again and again");
  expect(weaknessOfText("abc".repeat(20))).toBe("repeats the same 3 characters");
});

test("a long secret is looked at without trouble", () => {
  expect(weaknessOf(randomBytes(100_000))).toBeNull();
});
