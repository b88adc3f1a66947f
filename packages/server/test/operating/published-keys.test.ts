import { afterEach, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { CableClient } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { signToken } from "../support/tokens.ts";

/* The server process beside an identity provider that comes, rotates and goes. */

let server: HawserProcess | undefined;
let scratch: Scratch;
let provider: { stop(force: boolean): unknown } | undefined;
beforeEach(() => {
  scratch = createScratch();
});
afterEach(async () => {
  scratch.remove();
  await server?.stop();
  await provider?.stop(true);
});

const pairs = { a: generateKeyPairSync("rsa", { modulusLength: 2048 }), b: generateKeyPairSync("ed25519") };
type Kid = keyof typeof pairs;

function publish(port: number, kids: readonly Kid[]): void {
  const issuer = `http://127.0.0.1:${port}`;
  const keys = kids.map((kid) => ({ ...pairs[kid].publicKey.export({ format: "jwk" }), kid, use: "sig" }));
  provider = Bun.serve({
    port,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      new URL(url).pathname === "/jwks"
        ? Response.json({ keys })
        : Response.json({ issuer, jwks_uri: `${issuer}/jwks` }),
  });
}

const tokenOf = (kid: Kid, issuer: string) =>
  new SignJWT({ sub: "ann", iss: issuer, aud: "cable" })
    .setProtectedHeader({ alg: kid === "a" ? "RS256" : "EdDSA", kid })
    .setExpirationTime("5m")
    .sign(pairs[kid].privateKey);

/** What a client with this token is told first. */
async function told(running: HawserProcess, token: string): Promise<unknown> {
  const client = new CableClient(`ws://127.0.0.1:${running.port}/cable?jid=${token}`);
  const message: unknown = JSON.parse(await client.message(0));
  client.close();
  return message;
}

test("clients with a provider's tokens come in, also with a key that it began to use just now", async () => {
  const [port] = await freePorts(1);
  const issuer = `http://127.0.0.1:${port}`;
  server = await startHawser([
    ...["--norpc", "--public_streams", "--enforce_jwt", "--metrics_http=/metrics", "--log_level=debug"],
    ...[`--jwt_oidc_issuer=${issuer}`, "--jwt_audience=cable", '--jwt_identifiers={"user_id":"$.sub"}'],
  ]);
  const running = server;
  // Nothing is known of its keys yet, so the client is to come back.
  expect(await told(running, await tokenOf("a", issuer))).toEqual({
    type: "disconnect",
    reason: "unauthorized",
    reconnect: true,
  });
  publish(port, ["a"]);
  await running.waitFor(/issuer's keys are in force/);
  expect(await told(running, await tokenOf("a", issuer))).toMatchObject({ type: "welcome" });
  await provider?.stop(true);
  publish(port, ["a", "b"]);
  expect(await told(running, await tokenOf("b", issuer))).toMatchObject({ type: "welcome" });

  const samples = await scrape(running.port);
  const counted = (...labels: string[]) => sumOf(samples, "anycable_go_jwks_fetches_total", ...labels);
  expect(counted('result="ok"')).toBeGreaterThanOrEqual(2);
  expect(counted('result="unreachable"', `source="${issuer}"`)).toBeGreaterThanOrEqual(1);
  expect(sumOf(samples, "anycable_go_jwks_age_seconds", `source="${issuer}"`)).toBeWithin(0, 60);
  expect(sumOf(samples, "anycable_go_jwt_verifications_total", `key="${issuer}/b"`)).toBe(1);
});

test("a server that starts while the provider is down knows the keys that were kept", async () => {
  const [port] = await freePorts(1);
  publish(port, ["a", "b"]);
  const flags = [
    ...["--norpc", "--jwt_issuer=https://id.example.com", "--jwt_audience=*", "--jwt_algorithms=RS256"],
    ...[`--jwt_jwks_url=http://127.0.0.1:${port}/jwks`, '--jwt_identifiers={"user_id":"$.sub"}'],
    ...[`--jwt_jwks_cache=${scratch.path}`, "--jwt_jwks_max_stale=3600"],
  ];
  server = await startHawser(flags);
  await server.waitFor(/issuer's keys are in force/);
  server.signal("SIGTERM");
  expect(await server.exited).toBe(0);
  await provider?.stop(true);

  server = await startHawser(flags);
  const running = server;
  expect(await told(running, await tokenOf("a", "https://id.example.com"))).toMatchObject({
    type: "welcome",
  });
  // Not one of the algorithms, though it is published.
  expect(await told(running, await tokenOf("b", "https://id.example.com"))).toMatchObject({
    reason: "unauthorized",
  });
});

test("several issuers each have their own keys", async () => {
  const [port] = await freePorts(1);
  publish(port, ["a"]);
  const secret = "a secret of its own, and long enough";
  const config = scratch.write(
    "anycable.toml",
    `
[[jwt.issuers]]
issuer = "https://tenant.eu.auth0.com/"
preset = "auth0"
audience = ["cable"]
jwks_url = "http://127.0.0.1:${port}/jwks"

[[jwt.issuers]]
issuer = "app"
secret_file = "${scratch.write("secret", secret)}"
`,
  );
  server = await startHawser(["--norpc", `--config-path=${config}`]);
  const running = server;
  await running.waitFor(/issuer's keys are in force/);
  const welcome = { type: "welcome" };
  expect(await told(running, await tokenOf("a", "https://tenant.eu.auth0.com/"))).toMatchObject(welcome);
  const ext = JSON.stringify({ user: "ann" });
  expect(await told(running, signToken(secret, { iss: "app", ext }))).toMatchObject(welcome);
  // Each is refused with the other's key.
  const refused = { reason: "unauthorized" };
  expect(await told(running, await tokenOf("a", "app"))).toMatchObject(refused);
  const foreign = signToken(secret, { iss: "https://tenant.eu.auth0.com/", aud: "cable", sub: "a" });
  expect(await told(running, foreign)).toMatchObject(refused);
  expect(await told(running, signToken(secret, { ext }))).toMatchObject(refused);
});
