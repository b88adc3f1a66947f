import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeAnyBase64, encodeBase64 } from "./base64.ts";

const bytes = fc.uint8Array({ maxLength: 100 });

describe("encodeBase64()", () => {
  test("writes what the runtime writes", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(encodeBase64(given)).toBe(Buffer.from(given).toString("base64"));
      }),
    );
  });
});

describe("decodeAnyBase64()", () => {
  test("reads both alphabets, with padding, without it, and in lines", () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (given, at) => {
        const standard = Buffer.from(given).toString("base64");
        const urlSafe = Buffer.from(given).toString("base64url");
        const cut = at % (standard.length + 1);
        for (const text of [
          standard,
          urlSafe,
          standard.replaceAll("=", ""),
          urlSafe.padEnd(standard.length, "="),
          `${standard.slice(0, cut)}\r\n${standard.slice(cut)}\n`,
        ]) {
          expect(decodeAnyBase64(text)).toEqual(new Uint8Array(given));
        }
      }),
    );
  });

  test("never throws, and gives back what it was made of or nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const decoded = decodeAnyBase64(text);
        if (decoded === null) return;
        const again = encodeBase64(decoded).replaceAll("=", "");
        const plain = text
          .replace(/[\r\n=]/g, "")
          .replaceAll("-", "+")
          .replaceAll("_", "/");
        expect(again).toBe(plain);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["a character outside the alphabets", "YW.j"],
    ["a space", "YW Jj"],
    ["padding in the middle", "YQ==YQ=="],
    ["padding alone", "="],
    ["too much padding", "YWI==="],
    ["padding that does not fit", "YWJj="],
    ["one character too many", "YWJjY"],
    ["unused bits that are set", "YR=="],
    ["a character of another script", "YWJé"],
  ])("refuses %s", (_, text) => {
    expect(decodeAnyBase64(text)).toBeNull();
  });
});
