import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  base64urlByteLength,
  decodeBase64url,
  encodeBase64url,
  endOfBase64url,
  isCanonicalBase64url,
} from "./base64url.ts";

function decode(text: string): Uint8Array | null {
  const into = new Uint8Array(base64urlByteLength(text.length));
  const length = decodeBase64url(text, 0, text.length, into);
  return length < 0 ? null : into.slice(0, length);
}

describe("encoding", () => {
  test("gives the vectors of RFC 4648 10, without padding", () => {
    const vectors = {
      "": "",
      f: "Zg",
      fo: "Zm8",
      foo: "Zm9v",
      foob: "Zm9vYg",
      fooba: "Zm9vYmE",
      foobar: "Zm9vYmFy",
    };
    for (const [plain, encoded] of Object.entries(vectors)) {
      expect(encodeBase64url(new TextEncoder().encode(plain))).toBe(encoded);
    }
  });

  test("agrees with the runtime's encoder on any bytes, and decodes to them again", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64url"));
        expect(decode(text)).toEqual(bytes);
      }),
    );
  });
});

describe("decoding", () => {
  test("takes a text exactly when it is the encoding of some bytes", () => {
    const near = fc.string({ unit: fc.constantFrom(..."AZaz09-_+/= .\n\u0000é\u0141\ud83d"), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(near, fc.base64String(), fc.string({ unit: "binary", maxLength: 8 })), (text) => {
        const lenient = Buffer.from(text, "base64url");
        const canonical = lenient.toString("base64url") === text;
        expect(decode(text)).toEqual(canonical ? new Uint8Array(lenient) : null);
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses padding, the other alphabet, spaces and characters whose code is right in its low bits", () => {
    for (const text of ["Zg==", "Zg=", "a+b/", "Zm 9v", "Zm9v\n", "Z\u0141\u0141\u0141", "\u{10041}AAA"]) {
      expect(decode(text)).toBeNull();
    }
  });

  test("refuses every spelling of a byte but one", () => {
    const spellings = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
      .map((last) => `Z${last}`)
      .filter((text) => decode(text) !== null);
    expect(spellings).toEqual(["ZA", "ZQ", "Zg", "Zw"]);
  });

  test("leaves what lies outside the range alone", () => {
    const into = new Uint8Array(3).fill(9);
    expect(decodeBase64url(".Zm9v.", 1, 5, into)).toBe(3);
    expect(new TextDecoder().decode(into)).toBe("foo");
  });
});

test("a run of base64url ends at the first other character", () => {
  expect(endOfBase64url("ab-_9.cd", 0)).toBe(5);
  expect(endOfBase64url("ab-_9.cd", 6)).toBe(8);
  expect(endOfBase64url("", 0)).toBe(0);
  expect(endOfBase64url("aé", 0)).toBe(1);
  expect(endOfBase64url("a", 5)).toBe(5);
});

test("no bytes encode to four characters and one more", () => {
  expect(isCanonicalBase64url("AAAAA", 0, 5)).toBe(false);
  expect(isCanonicalBase64url("AAAAA", 0, 4)).toBe(true);
});
