import { afterEach, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { inSeconds, signToken } from "../support/tokens.ts";

const OURS = "the secret that this server was started with";
const THEIRS = "the secret that the application has since today";

let server: HawserProcess;
afterEach(() => server?.stop());

let users = 0;
const token = (secret: string, iat = inSeconds(0)) =>
  signToken(secret, { ext: `{"user":${users++}}`, iat, exp: iat + 600 });

async function answer(jwt: string): Promise<Record<string, unknown>> {
  const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${jwt}`);
  const message = JSON.parse(await client.message(0));
  client.close();
  return message;
}

const gauge = async () => sumOf(await scrape(server.port), "anycable_go_jwt_secret_mismatch");

test("an application that was redeployed with another secret is named, and clients are to come again if asked for", async () => {
  server = await startHawser([
    ...["--norpc", `--secret=${OURS}`, "--metrics_http=/metrics", "--jwt_mismatch_reconnect"],
  ]);
  expect(await answer(token(OURS, inSeconds(-60)))).toMatchObject({ type: "welcome" });
  for (let i = 0; i < 5; i++) {
    expect(await answer(token(THEIRS))).toMatchObject({ reason: "unauthorized", reconnect: false });
  }
  await server.waitFor(/JWT secrets differ/);
  const print = createHmac("sha256", OURS).update("hawser-fingerprint:secret").digest("hex").slice(0, 8);
  expect(server.output()).toMatch(
    new RegExp(
      `WRN JWT secrets differ: 5 tokens since \\d\\d:\\d\\d:\\d\\d fail on signature; this server's key is ${print}; ` +
        "the app was probably redeployed with another ANYCABLE_SECRET",
    ),
  );
  expect(await gauge()).toBe(1);
  expect(await answer(token(THEIRS))).toMatchObject({ reason: "unauthorized", reconnect: true });
  expect(await answer(token(OURS, inSeconds(-30)))).toMatchObject({ type: "welcome" });
  expect(await gauge()).toBe(1);
  expect(await answer(token(OURS))).toMatchObject({ type: "welcome" });
  expect(await gauge()).toBe(0);
  expect(await answer(token(THEIRS))).toMatchObject({ reconnect: false });
});

test("the ages of tokens are on the metrics, by issuer", async () => {
  server = await startHawser(["--norpc", `--secret=${OURS}`, "--metrics_http=/metrics"]);
  await answer(token(OURS, inSeconds(-120)));
  const samples = await scrape(server.port);
  const name = "anycable_go_jwt_issued_ago_seconds";
  expect(sumOf(samples, `${name}_bucket`, 'issuer="none"', 'le="60"')).toBe(0);
  expect(sumOf(samples, `${name}_bucket`, 'issuer="none"', 'le="+Inf"')).toBe(1);
  expect(sumOf(samples, `${name}_count`, 'issuer="none"')).toBe(1);
});
