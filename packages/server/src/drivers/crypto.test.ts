import { describe, expect, test } from "bun:test";
import { ALGORITHMS, HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import { SecretMaterial, secretFromText } from "@hawser/core/jwt/key-material";
import { createNodeCrypto, hmacHex } from "./crypto.ts";

const crypto = createNodeCrypto();

/** RFC 4231 4.2, 4.3 and 4.7: keys shorter and longer than a block. */
const RFC_4231 = [
  {
    key: "0b".repeat(20),
    data: "Hi There",
    sha256: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    sha512:
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
  },
  {
    key: Buffer.from("Jefe").toString("hex"),
    data: "what do ya want for nothing?",
    sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    sha512:
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  },
  {
    key: "aa".repeat(131),
    data: "Test Using Larger Than Block-Size Key - Hash Key First",
    sha256: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    sha512:
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
  },
];

test.each(RFC_4231)("signs as RFC 4231 says", ({ key, data, sha256, sha512 }) => {
  const material = new SecretMaterial(Buffer.from(key, "hex"));
  expect(crypto.sign(ALGORITHMS.HS256, material, data)).toBe(
    Buffer.from(sha256, "hex").toString("base64url"),
  );
  expect(crypto.sign(ALGORITHMS.HS512, material, data)).toBe(
    Buffer.from(sha512, "hex").toString("base64url"),
  );
});

describe.each(HMAC_ALGORITHMS)("%s", (name) => {
  const algorithm = ALGORITHMS[name];
  const material = secretFromText("s3cr3t");

  test("takes its own signature, and no other of the same length", () => {
    const signature = crypto.sign(algorithm, material, "header.payload");
    expect(signature).toHaveLength(algorithm.signatureCharacters);
    expect(Buffer.from(signature, "base64url")).toHaveLength(algorithm.signatureBytes);
    expect(crypto.verify(algorithm, material, "header.payload", signature)).toBe(true);
    expect(crypto.verify(algorithm, material, "header.payloae", signature)).toBe(false);
    expect(crypto.verify(algorithm, secretFromText("s3cr3T"), "header.payload", signature)).toBe(false);
    for (let at = 0; at < signature.length - 1; at++) {
      const other = signature[at] === "A" ? "B" : "A";
      const forged = signature.slice(0, at) + other + signature.slice(at + 1);
      expect(crypto.verify(algorithm, material, "header.payload", forged)).toBe(false);
    }
  });

  test("refuses a signature of another length or with foreign characters, whatever was compared before", () => {
    const signature = crypto.sign(algorithm, material, "a.b");
    expect(crypto.verify(algorithm, material, "a.b", signature)).toBe(true);
    for (const other of [
      "",
      "AAAA",
      signature.slice(0, -4),
      signature.slice(0, -1),
      `${signature}AAAA`,
      `${signature.slice(0, -1)}=`,
      `${signature.slice(0, -3)}...`,
    ]) {
      expect(crypto.verify(algorithm, material, "a.b", other)).toBe(false);
    }
  });
});

test("a derived key is lower-case hex of HMAC-SHA256, of UTF-8 on both sides", () => {
  expect(hmacHex("Jefe", "what do ya want for nothing?")).toBe(RFC_4231[1]!.sha256);
  expect(hmacHex("é", "ü")).toBe(hmacHex(Buffer.from("é").toString(), Buffer.from("ü").toString()));
  expect(hmacHex("é", "x")).not.toBe(hmacHex("\u00e9".normalize("NFD"), "x"));
});
