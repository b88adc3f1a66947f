import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { isEd25519Point } from "./ed25519-point.ts";

const hex = (text: string) => Buffer.from(text, "hex");

test("public keys are points", () => {
  // RFC 8032 7.1.
  expect(isEd25519Point(hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))).toBe(true);
  expect(isEd25519Point(hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"))).toBe(true);
  for (let i = 0; i < 50; i++) {
    const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
    expect(isEd25519Point(Buffer.from(x!, "base64url"))).toBe(true);
  }
});

test("half of all bytes are none", () => {
  let points = 0;
  for (let i = 0; i < 256; i++) {
    const bytes = Buffer.alloc(32, 7);
    bytes[0] = i;
    if (isEd25519Point(bytes)) points++;
  }
  expect(points).toBeGreaterThan(80);
  expect(points).toBeLessThan(176);
});

test("points of small order, and second spellings, are none that a key can be", () => {
  const small = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    // y of p, p + 1 and p + 3, for 0, 1 and 3.
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const text of small) expect({ text, is: isEd25519Point(hex(text)) }).toEqual({ text, is: false });
  expect(isEd25519Point(hex(`03${"00".repeat(31)}`))).toBe(true);
});
