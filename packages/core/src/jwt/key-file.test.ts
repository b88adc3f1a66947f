import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import fc from "fast-check";
import { CableError } from "../errors.ts";
import { readKeyFile, readSecretFile } from "./key-file.ts";

const crypto = createNodeCrypto();
const READING = {
  ...{ crypto, withPrivate: false, preferred: [], source: "/etc/keys", issuer: null, namePrefix: "" },
} as const;

describe("a file of keys", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const pem = (key: typeof rsa.publicKey) => key.export({ format: "pem", type: "spki" }) as string;

  test("may hold public keys in PEM, one after the other, with words between them", () => {
    const keys = readKeyFile(`first\n${pem(rsa.publicKey)}second\n${pem(ec.publicKey)}\n`, READING);
    expect(keys.map(({ name, algorithms }) => [name, algorithms])).toEqual([
      ["key-1", ["RS256"]],
      ["key-2", ["ES384"]],
    ]);
  });

  test("binds a key in PEM to the preferred algorithm", () => {
    const [key] = readKeyFile(pem(rsa.publicKey), { ...READING, preferred: ["PS256"] });
    expect(key!.algorithms).toEqual(["PS256"]);
  });

  test.each([
    ["the neutral element", `01${"00".repeat(31)}`],
    ["zero", "00".repeat(32)],
    ["of order eight", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
    ["a second spelling", `ee${"ff".repeat(30)}7f`],
  ])("takes no Ed25519 point in PEM under which anyone can sign: %s", (_what, point) => {
    // RFC 8410 4: the algorithm, then the point as it is.
    const spki = Buffer.from(`302a300506032b6570032100${point}`, "hex").toString("base64");
    expect(() =>
      readKeyFile(`-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`, READING),
    ).toThrow("its point is not on its curve, or of small order");
  });

  test("may hold a JWK Set", () => {
    const set = JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "a" }] });
    expect(readKeyFile(set, READING).map(({ name }) => name)).toEqual(["a"]);
  });

  test("is taken whole or not at all", () => {
    const set = JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }, { kty: "EC" }] });
    expect(() => readKeyFile(set, READING)).toThrow("Cannot use key number 2 of /etc/keys: its crv");
  });

  test("without a key is refused", () => {
    expect(() => readKeyFile('{"keys":[]}', READING)).toThrow("it holds none");
  });

  test.each([
    [rsa.privateKey.export({ format: "pem", type: "pkcs8" }) as string, "it is a private key"],
    [rsa.privateKey.export({ format: "pem", type: "pkcs1" }) as string, "it is a private key"],
    [rsa.publicKey.export({ format: "pem", type: "pkcs1" }) as string, "it is in PKCS #1 form"],
    ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it is a certificate"],
    ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "it is damaged"],
    [
      pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey),
      "its modulus has 1024 bits, not 2048",
    ],
  ])("with other PEM says what to do", (text, why) => {
    try {
      readKeyFile(text, READING);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(CableError);
      expect(String(thrown)).toContain(`Cannot use key number 1 of /etc/keys: ${why}`);
      expect(String(thrown)).not.toContain(text.split("\n")[1]!);
    }
  });
});

describe("a secret from a file", () => {
  test("is its text without the white space around it", () => {
    for (const text of ["s3cr3t", "s3cr3t\n", "  s3cr3t \r\n\n", "\uFEFFs3cr3t\n"]) {
      expect(readSecretFile(text, "/run/secret")).toBe("s3cr3t");
    }
    expect(readSecretFile("two words\n", "/run/secret")).toBe("two words");
  });

  test.each([
    ["", "it is empty"],
    [" \n", "it is empty"],
    ["none\n", "it says none"],
    ["a\uFFFDb", "it is not UTF-8 text"],
    ["-----BEGIN PRIVATE KEY-----\nAAAA", "it holds keys and no plain secret"],
    ['{"keys":[]}', "it holds keys and no plain secret"],
    ['{ "kty":"oct"}', "it holds keys and no plain secret"],
  ])("is refused when the file is %p", (text, why) => {
    expect(() => readSecretFile(text, "/run/secret")).toThrow(`Cannot use /run/secret as a secret: ${why}`);
  });
});

test("any file is keys or a secret, or a fault that names it and holds nothing of it", () => {
  const canary = "c4n4ry";
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ format: "pem", type: "spki" }) as string;
  const piece = fc.constantFrom(
    "-----BEGIN ",
    "PUBLIC KEY",
    "PRIVATE KEY",
    "CERTIFICATE",
    "-----",
    "\n",
    pem,
    canary,
    "{",
    "}",
    '"',
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.array(piece, { maxLength: 8 }).map((all) => all.join("")),
    fc
      .tuple(fc.nat({ max: pem.length }), fc.string())
      .map(([at, more]) => pem.slice(0, at) + more + pem.slice(at)),
  );
  const attempt = (read: () => unknown) => {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof CableError)) throw thrown;
      expect(thrown.message).toContain("/etc/keys");
      expect(thrown.message).not.toContain(canary);
    }
  };
  fc.assert(
    fc.property(text, (given) => {
      attempt(() => expect(readKeyFile(given, READING).length).toBeGreaterThan(0));
      attempt(() => expect(readSecretFile(given, "/etc/keys")).not.toBe(""));
    }),
    { numRuns: 1000 },
  );
});
