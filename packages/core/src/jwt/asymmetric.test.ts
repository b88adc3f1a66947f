import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { createVerifier as createFastVerifier, createSigner } from "fast-jwt";
import { compactVerify, SignJWT } from "jose";
import { ManualClock } from "../testing/manual-clock.ts";
import { ALGORITHMS, type AlgorithmName, HMAC_ALGORITHMS } from "./algorithms.ts";
import { PrivateMaterial, type PublicJwk, type PublicMaterial, SecretMaterial } from "./key-material.ts";
import { createKeyRing } from "./keyring.ts";
import { signToken } from "./sign.ts";
import { createVerifier, DEFAULT_POLICY } from "./verifier.ts";

/* Every algorithm with a public key, held against jose and fast-jwt in both directions. */

const crypto = createNodeCrypto();
const clock = new ManualClock();

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const rsa: Pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PAIRS = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: generateKeyPairSync("ed25519"),
} as const;
type Name = keyof typeof PAIRS;
const NAMES = Object.keys(PAIRS) as Name[];

function materialOf({ publicKey }: Pair, format: "jwk" | "spki" = "jwk"): PublicMaterial {
  if (format === "spki") {
    const pem = publicKey.export({ format: "pem", type: "spki" }) as string;
    return { kind: "public", form: { format, pem } };
  }
  return { kind: "public", form: { format, jwk: publicKey.export({ format: "jwk" }) as PublicJwk } };
}

function verifierOf(material: PublicMaterial, ...algorithms: AlgorithmName[]) {
  const ring = createKeyRing([{ name: "k", kid: null, algorithms, material, state: "active" }]);
  return createVerifier({ ring: () => ring, crypto, clock, policy: DEFAULT_POLICY }).verify;
}

function ourToken(name: Name, claims: Record<string, unknown> = { ext: "x" }): string {
  const jwk = PAIRS[name].privateKey.export({ format: "jwk" }) as Record<string, string>;
  return signToken({ claims, secret: new PrivateMaterial(jwk), algorithm: name }, crypto);
}

describe.each(NAMES)("%s", (name) => {
  const pair = PAIRS[name];

  test.each(["jwk", "spki"] as const)("verifies its own signature with a key given as %s", (format) => {
    const verify = verifierOf(materialOf(pair, format), name);
    expect(verify(ourToken(name))).toMatchObject({ accepted: true, keyName: "k" });
  });

  test("verifies what jose and fast-jwt sign", async () => {
    const verify = verifierOf(materialOf(pair), name);
    const jose = await new SignJWT({ ext: "x" }).setProtectedHeader({ alg: name }).sign(pair.privateKey);
    expect(verify(jose)).toMatchObject({ accepted: true });
    const pem = pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    const fast = createSigner({ key: pem, algorithm: name })({ ext: "x" });
    expect(verify(fast)).toMatchObject({ accepted: true });
  });

  test("signs what jose and fast-jwt verify", async () => {
    const token = ourToken(name);
    await compactVerify(token, pair.publicKey, { algorithms: [name] });
    const pem = pair.publicKey.export({ format: "pem", type: "spki" }) as string;
    expect(createFastVerifier({ key: pem, algorithms: [name], cache: false })(token)).toMatchObject({
      ext: "x",
    });
  });

  test("refuses a token with any character changed", () => {
    const verify = verifierOf(materialOf(pair), name);
    const token = ourToken(name);
    for (let at = 0; at < token.length; at += 3) {
      const forged = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect(verify(forged).accepted).toBe(false);
    }
  });

  test("refuses a signature of any other length, or of zeros", () => {
    const verify = verifierOf(materialOf(pair), name);
    const token = ourToken(name);
    const head = token.slice(0, token.lastIndexOf(".") + 1);
    const signature = Buffer.from(token.slice(head.length), "base64url");
    const others = [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(signature.length),
      Buffer.alloc(signature.length, 0xff),
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.concat([signature, signature]),
    ];
    for (const other of others) {
      expect(verify(head + other.toString("base64url"))).toMatchObject({ reason: "bad_signature" });
    }
  });

  test("is not taken under the name of any other algorithm", () => {
    const [, payload, signature] = ourToken(name).split(".");
    const all = verifierOf(materialOf(pair), ...NAMES);
    for (const other of Object.keys(ALGORITHMS) as AlgorithmName[]) {
      if (other === name) continue;
      const header = Buffer.from(`{"alg":"${other}"}`).toString("base64url");
      expect(all(`${header}.${payload}.${signature}`).accepted).toBe(false);
    }
  });

  test("is no way to sign with the public key as a secret", () => {
    const verify = verifierOf(materialOf(pair), name);
    const { publicKey } = pair;
    const texts = [
      publicKey.export({ format: "pem", type: "spki" }) as string,
      (publicKey.export({ format: "pem", type: "spki" }) as string).trim(),
      JSON.stringify(publicKey.export({ format: "jwk" })),
    ];
    const secrets = [
      ...texts.map((text) => Buffer.from(text)),
      publicKey.export({ format: "der", type: "spki" }) as Buffer,
    ];
    for (const bytes of secrets) {
      for (const algorithm of HMAC_ALGORITHMS) {
        const token = signToken(
          { claims: { ext: "x" }, secret: new SecretMaterial(bytes), algorithm },
          crypto,
        );
        expect(verify(token)).toMatchObject({ reason: "alg_not_allowed" });
      }
    }
  });
});

test("a curve other than the algorithm's own verifies nothing", () => {
  for (const [name, pair] of [
    ["ES256", PAIRS.ES384],
    ["ES384", PAIRS.ES256],
    ["EdDSA", PAIRS.ES256],
    ["ES256", PAIRS.EdDSA],
    ["RS256", PAIRS.ES256],
    ["PS256", PAIRS.EdDSA],
  ] as const) {
    expect(verifierOf(materialOf(pair), name)(ourToken(name)).accepted).toBe(false);
  }
});

test("a key that cannot be used is no reason to throw", () => {
  const broken: PublicMaterial[] = [
    { kind: "public", form: { format: "spki", pem: "not a key" } },
    { kind: "public", form: { format: "jwk", jwk: { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" } } },
    { kind: "public", form: { format: "jwk", jwk: { kty: "OKP", crv: "Ed25519", x: "AAAA" } } },
  ];
  for (const material of broken) {
    for (const name of NAMES) {
      expect(verifierOf(material, name)(ourToken(name))).toMatchObject({ reason: "bad_signature" });
    }
  }
});

test("no key signs for a family that is not its own", () => {
  const jwk = PAIRS.ES256.privateKey.export({ format: "jwk" }) as Record<string, string>;
  for (const algorithm of ["HS256", "RS256", "ES384", "EdDSA"] as const) {
    expect(() => signToken({ claims: {}, secret: new PrivateMaterial(jwk), algorithm }, crypto)).toThrow(
      algorithm,
    );
  }
  expect(() => signToken({ claims: {}, secret: "text", algorithm: "ES256" }, crypto)).toThrow("ES256");
});
