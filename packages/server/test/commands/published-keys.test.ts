import { afterAll, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { runHawser } from "../support/hawser-command.ts";
import { freePorts } from "../support/hawser-process.ts";

/* The commands about tokens and keys where an issuer publishes its keys: they ask it, as the server does. */

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const provider = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch({ url }) {
    const { origin, pathname } = new URL(url);
    if (pathname === "/.well-known/openid-configuration")
      return Response.json({ issuer: origin, jwks_uri: `${origin}/jwks` });
    return Response.json({ keys: [{ ...pair.publicKey.export({ format: "jwk" }), kid: "k1", use: "sig" }] });
  },
});
afterAll(() => provider.stop(true));
const ISSUER = provider.url.origin;

const optionsOf = (issuer: string) => [`--jwt_oidc_issuer=${issuer}`, "--jwt_audience=cable", "--norpc"];
const identifiers = '--jwt_identifiers={"user_id":"$.sub"}';
const token = await new SignJWT({ sub: "ann", iss: ISSUER, aud: "cable" })
  .setProtectedHeader({ alg: "RS256", kid: "k1" })
  .setExpirationTime("5m")
  .sign(pair.privateKey);

test("token explain and verify judge a token by them", async () => {
  const explained = await runHawser(["token", "explain", ...optionsOf(ISSUER), identifiers, token]);
  expect(explained.stdout).toEndWith(`accepted, by the key ${ISSUER}/k1\n`);
  expect(explained.code).toBe(0);
  const verified = await runHawser(["token", "verify", ...optionsOf(ISSUER), identifiers, token]);
  expect(verified.stdout).toStartWith(`accepted: {"user_id":"ann"}, key ${ISSUER}/k1`);
});

test("keys list has them", async () => {
  const { code, stdout } = await runHawser(["keys", "list", ...optionsOf(ISSUER), "--secret=app"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${ISSUER}/k1 +k1 +RS256 +active`, "m"));
  expect(stdout).toMatch(/^secret /m);
});

test("doctor says of each issuer whether it publishes keys", async () => {
  const { stdout } = await runHawser(["doctor", ...optionsOf(ISSUER)]);
  expect(stdout).toContain(`ok    published keys  ${ISSUER} publishes 1 that can be used: k1`);
  expect(stdout).toContain("-     round trip");
});

test("an issuer that cannot be asked is named, and why", async () => {
  const [port] = await freePorts(1);
  const down = `http://127.0.0.1:${port}`;
  const why = `get ${down}/.well-known/openid-configuration: `;
  const explained = await runHawser(["token", "explain", ...optionsOf(down), token]);
  expect(explained).toMatchObject({ code: 1, stdout: "" });
  expect(explained.stderr).toContain(why);
  const doctor = await runHawser(["doctor", ...optionsOf(down)]);
  expect(doctor.stdout).toContain(`FAIL  published keys  ${why}`);
  expect(doctor.code).toBe(1);
  // Keys of another kind are there all the same.
  const listed = await runHawser(["keys", "list", ...optionsOf(down), "--secret=app"]);
  expect(listed.stdout).toMatch(/^secret /m);
  expect(listed.stderr).toContain(why);
});
