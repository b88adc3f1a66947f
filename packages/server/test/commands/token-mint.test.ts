import { afterAll, describe, expect, test } from "bun:test";
import { jwtVerify } from "jose";
import { runHawser } from "../support/hawser-command.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const SECRET = "the-secret-of-this-test-0123456789";

async function mint(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHawser(["token", "mint", ...args], {
    env: { ANYCABLE_SECRET: SECRET },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^[\w.-]+\n$/);
  return stdout.trimEnd();
}

async function claimsOf(token: string, secret = SECRET) {
  return await jwtVerify(token, new TextEncoder().encode(secret), { currentDate: new Date(0) });
}

describe("hawser token mint", () => {
  test("signs the identifiers as they stand, for an hour", async () => {
    const { payload, protectedHeader } = await claimsOf(await mint('{"user_id": 7}'));
    expect(payload.ext).toBe('{"user_id": 7}');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
    expect(Math.abs((payload.iat ?? 0) - Date.now() / 1000)).toBeLessThan(120);
    expect(protectedHeader).toEqual({ alg: "HS256" });
  });

  test("takes a lifetime, none of it included, and one that is over", async () => {
    const short = (await claimsOf(await mint("a", "--ttl=60"))).payload;
    expect((short.exp ?? 0) - (short.iat ?? 0)).toBe(60);
    expect((await claimsOf(await mint("a", "--ttl=0"))).payload.exp).toBeUndefined();
    const over = (await claimsOf(await mint("a", "--ttl", "-60"))).payload;
    expect((over.exp ?? 0) - (over.iat ?? 0)).toBe(-60);
  });

  test("takes claims, which win", async () => {
    const { payload } = await claimsOf(await mint('--claims={"ext":"mine","aud":"x","exp":4102444800}'));
    expect(payload).toMatchObject({ ext: "mine", aud: "x", exp: 4102444800 });
  });

  test("takes the algorithm and the name of the key", async () => {
    const { protectedHeader } = await claimsOf(await mint("a", "--alg=HS512", "--kid=k1"));
    expect(protectedHeader).toEqual({ alg: "HS512", kid: "k1" });
  });

  test("signs with the secret that the server would verify with: file, environment, flag", async () => {
    scratch.write("anycable.toml", '[jwt]\nsecret = "of-the-file"\n');
    const place = { cwd: scratch.path, env: {} };
    const byFile = await runHawser(["token", "mint", "a"], place);
    await claimsOf(byFile.stdout.trim(), "of-the-file");
    const byEnv = await runHawser(["token", "mint", "a"], {
      ...place,
      env: { ANYCABLE_JWT_SECRET: "of-the-env" },
    });
    await claimsOf(byEnv.stdout.trim(), "of-the-env");
    const byFlag = await runHawser(["token", "mint", "a", "--jwt_secret=of-the-flag"], place);
    await claimsOf(byFlag.stdout.trim(), "of-the-flag");
  });

  test("without a secret says where to put one", async () => {
    const { code, stdout, stderr } = await runHawser(["token", "mint", "a"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "hawser: there is no key for tokens: give --jwt_secret (ANYCABLE_JWT_SECRET), --secret (ANYCABLE_SECRET) or --jwt_keys_file\n",
    );
  });

  test("without anyone to make it for asks for that, and does not quote claims that are none", async () => {
    const env = { ANYCABLE_SECRET: SECRET };
    expect((await runHawser(["token", "mint"], { env })).stderr).toContain("who is the token for?");
    const bad = await runHawser(["token", "mint", "--claims={s3cret"], { env });
    expect(bad.stderr).toContain("--claims is not a JSON object");
    expect(bad.stderr).not.toContain("s3cret");
  });
});
