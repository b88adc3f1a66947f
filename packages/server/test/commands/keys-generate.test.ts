import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { importJWK, jwtVerify, SignJWT } from "jose";
import { runHawser } from "../support/hawser-command.ts";

describe("hawser keys generate", () => {
  test("prints 32 random bytes as hex, other ones each time", async () => {
    const [one, two] = await Promise.all([runHawser(["keys", "generate"]), runHawser(["keys", "generate"])]);
    expect(one.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(two.stdout).not.toBe(one.stdout);
  });

  test("prints a JSON Web Key as long as its hash", async () => {
    const bytesOf = async (...args: string[]) => {
      const { stdout } = await runHawser(["keys", "generate", "--jwk", ...args]);
      const { k, ...rest } = JSON.parse(stdout);
      return { bytes: Buffer.from(k, "base64url").length, ...rest };
    };
    expect(await bytesOf("--kid=web")).toEqual({
      bytes: 32,
      kty: "oct",
      kid: "web",
      alg: "HS256",
      use: "sig",
    });
    expect(await bytesOf("--alg=HS512")).toMatchObject({ bytes: 64, alg: "HS512" });
    expect((await bytesOf()).kid).toMatch(/^\d{4}-\d\d-\d\d-[0-9a-f]{4}$/);
  });
});

test("hawser keys generate makes pairs for every family, which sign and verify", async () => {
  for (const alg of ["RS256", "PS512", "ES384", "EdDSA"]) {
    const { stdout } = await runHawser(["keys", "generate", "--jwk", `--alg=${alg}`]);
    const jwk = JSON.parse(stdout);
    const token = await new SignJWT({ ext: "x" }).setProtectedHeader({ alg }).sign(await importJWK(jwk, alg));
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...open } = jwk;
    expect((await jwtVerify(token, await importJWK(open, alg))).payload.ext).toBe("x");
  }
});

describe("hawser keys fingerprint", () => {
  const fingerprint = (secret: string, purpose: string) =>
    createHmac("sha256", secret).update(`hawser-fingerprint:${purpose}`).digest("hex").slice(0, 8);

  test("prints what the server prints of the same secret", async () => {
    const printed = await runHawser(["keys", "fingerprint"], { input: "correct horse\n" });
    expect(printed).toEqual({
      code: 0,
      stdout: `${fingerprint("correct horse", "secret")}\n`,
      stderr: `as --secret; a server that has it as --jwt_secret says ${fingerprint("correct horse", "jwt_secret")}\n`,
    });
    const server = await runHawser(["--print-config"], { env: { ANYCABLE_SECRET: "correct horse" } });
    expect(server.stdout).toContain(`# secret is set, fingerprint ${printed.stdout.trim()},`);
  });

  test("takes what the secret is for", async () => {
    const printed = await runHawser(["keys", "fingerprint", "--purpose=jwt_secret"], { input: "x" });
    expect(printed).toEqual({ code: 0, stdout: `${fingerprint("x", "jwt_secret")}\n`, stderr: "" });
  });

  test("without a secret says so", async () => {
    const { code, stderr } = await runHawser(["keys", "fingerprint"], { input: " \n" });
    expect(code).toBe(2);
    expect(stderr).toBe("hawser: keys fingerprint: there is no secret on standard input\n");
  });
});
