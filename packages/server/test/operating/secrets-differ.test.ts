import { afterAll, afterEach, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createCable, type SecretNotice, serveRpc } from "@hawser/sdk/rpc";
import { CableClient } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { linesAbout, parseTextLog } from "../support/log-lines.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const OURS = "the-servers-secret-0f3b9c5d7e1a2b4c";
const THEIRS = "the-applications-secret-6d8e0f1a2b3c";
const fingerprint = (secret: string) =>
  createHmac("sha256", secret).update("hawser-fingerprint:secret").digest("hex").slice(0, 8);

/** The SDK's service with this secret; what it told its operator. */
async function application(secret: string) {
  const notices: SecretNotice[] = [];
  const cable = createCable({}).channel("Room", { subscribed: () => {} });
  const service = await serveRpc(cable, { port: 0, secret, onNotice: (notice) => notices.push(notice) });
  stops.push(() => service.close());
  return { port: service.port, notices };
}

/** A client of the server that has the application asked once. */
async function subscribe({ port }: HawserProcess, secret: string): Promise<void> {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${goodToken(secret)}`);
  await client.message(0);
  client.send({ command: "subscribe", identifier: JSON.stringify({ channel: "Room" }) });
  expect(await client.message(1)).toContain("confirm_subscription");
  client.close();
}

test("two secrets that differ are named on both sides, with both fingerprints, and neither is shown", async () => {
  const app = await application(THEIRS);
  const server = await startHawser([`--secret=${OURS}`, `--rpc_host=127.0.0.1:${app.port}`]);
  stops.push(() => server.stop());
  await subscribe(server, OURS);
  await server.waitFor(/JWT secrets differ/);
  const [line] = linesAbout(parseTextLog(server.output()), /JWT secrets differ/);
  expect(line).toMatchObject({
    level: "warn",
    fields: { context: "rpc", app_fp: fingerprint(THEIRS), server_fp: fingerprint(OURS) },
  });
  expect(app.notices.map(({ level }) => level)).toEqual(["info", "warn"]);
  expect(app.notices[1]?.message).toContain(fingerprint(OURS));
  for (const secret of [OURS, THEIRS]) {
    expect(server.output() + JSON.stringify(app.notices)).not.toContain(secret);
  }
});

test("one secret is not worth a word, and a changed one is noticed at the reload", async () => {
  const app = await application(THEIRS);
  const file = scratch.write("secret.txt", THEIRS);
  const server = await startHawser([`--secret_file=${file}`, `--rpc_host=127.0.0.1:${app.port}`]);
  stops.push(() => server.stop());
  await subscribe(server, THEIRS);
  expect(app.notices).toHaveLength(1);
  expect(server.output()).not.toContain("differ");
  scratch.write("secret.txt", OURS);
  server.signal("SIGHUP");
  await server.waitFor(/keys were reloaded/);
  await subscribe(server, OURS);
  await server.waitFor(/the application still signs with a former secret/);
  expect(app.notices).toHaveLength(2);
});

test("the doctor shows both sides", async () => {
  const [port, broadcastPort] = await freePorts(2);
  const examine = async (secret: string, rpcPort: number) => {
    const { stdout } = await runHawser([
      "doctor",
      "--json",
      "--host=0.0.0.0",
      `--port=${port}`,
      `--http_broadcast_port=${broadcastPort}`,
      `--secret=${secret}`,
      `--rpc_host=127.0.0.1:${rpcPort}`,
    ]);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; text: string }[] };
    return findings.filter(({ check }) => check.startsWith("backend"));
  };
  const app = await application(THEIRS);
  expect(await examine(THEIRS, app.port)).toMatchObject([{ level: "ok" }, { level: "ok" }]);
  const [, secrets] = await examine(OURS, app.port);
  expect(secrets).toMatchObject({ check: "backend secret", level: "fail" });
  expect(secrets?.text).toBe(
    `the secrets differ: server ${fingerprint(OURS)}, application ${fingerprint(THEIRS)}`,
  );
});
