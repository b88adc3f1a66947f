import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

function decode(...bytes: number[]): string | null {
  return decodeUtf8(Uint8Array.from(bytes), 0, bytes.length);
}

/** Another decoder, which replaces what is ill-formed: then the bytes do not come back. */
function byReplacing(bytes: Uint8Array): string | null {
  const startsWithMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = Buffer.from(bytes).toString("utf8");
  return startsWithMark || !Buffer.from(text, "utf8").equals(bytes) ? null : text;
}

describe("decoding", () => {
  test("agrees with a decoder that replaces, on any bytes", () => {
    const edges = fc.constantFrom(
      ...[
        0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x9f, 0xa0,
        0x8f,
      ],
      ...[0x90, 0x41, 0xbb],
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.array(edges, { maxLength: 6 }).map((list) => Uint8Array.from(list)),
      fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        expect(decodeUtf8(input, 0, input.length)).toBe(byReplacing(input));
      }),
      { numRuns: 5000 },
    );
  });

  test("refuses overlong forms", () => {
    expect(decode(0xc0, 0x80)).toBeNull();
    expect(decode(0xc1, 0xbf)).toBeNull();
    expect(decode(0xe0, 0x9f, 0xbf)).toBeNull();
    expect(decode(0xf0, 0x8f, 0xbf, 0xbf)).toBeNull();
  });

  test("refuses surrogates and what lies above U+10FFFF", () => {
    expect(decode(0xed, 0xa0, 0x80)).toBeNull();
    expect(decode(0xed, 0xbf, 0xbf)).toBeNull();
    expect(decode(0xf4, 0x90, 0x80, 0x80)).toBeNull();
    expect(decode(0xf4, 0x8f, 0xbf, 0xbf)).toBe("\u{10ffff}");
    expect(decode(0xed, 0x9f, 0xbf)).toBe("\ud7ff");
  });

  test("refuses a sequence that is cut off by the end", () => {
    expect(decode(0x41, 0xc3)).toBeNull();
    expect(decode(0xe2, 0x82)).toBeNull();
    expect(decodeUtf8(Uint8Array.of(0xc3, 0xa9), 0, 1)).toBeNull();
  });

  test("refuses a byte order mark at the start, and takes U+FEFF elsewhere", () => {
    expect(decode(0xef, 0xbb, 0xbf, 0x7b, 0x7d)).toBeNull();
    expect(decode(0x7b, 0xef, 0xbb, 0xbf)).toBe("{\ufeff");
  });

  test("decodes long texts", () => {
    for (const text of ["a".repeat(10_000), "é".repeat(10_000), `${"a".repeat(4095)}😀${"b".repeat(4097)}`]) {
      const bytes = new TextEncoder().encode(text);
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(text);
    }
  });

  test("decodes only the range it is given", () => {
    expect(decodeUtf8(Uint8Array.of(0xff, 0x41, 0x42, 0xff), 1, 3)).toBe("AB");
  });
});

test("encoding agrees with the runtime's encoder on any string", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })), (text) => {
      expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    }),
    { numRuns: 1000 },
  );
});

test("encoding puts U+FFFD where half of a surrogate pair stands", () => {
  for (const text of ["\ud800", "a\udc00b", "\udc00\ud800", "\ud800\ud800\udc00"]) {
    expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
  }
});
