import { afterEach, describe, expect, test } from "bun:test";
import { METRICS } from "@hawser/core/metrics/catalog";
import { type Application, startApplication } from "../support/application.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, startHawser, WORKERS } from "../support/hawser-process.ts";
import { linesAbout, parseTextLog } from "../support/log-lines.ts";
import { parseSamples, scrape, sumOf } from "../support/scrape.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "s3cret";
const PREFIX = "anycable_go_";
const CHANNEL = JSON.stringify({ channel: "$pubsub", stream_name: "news" });

let server: HawserProcess | null = null;
let application: Application | null = null;
afterEach(async () => {
  await server?.stop();
  application?.stop();
  server = null;
  application = null;
});

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  server = await startHawser(["--metrics_http=/metrics", ...flags]);
  return server;
}

const cable = ({ port }: HawserProcess, query = "") =>
  new CableClient(`ws://127.0.0.1:${port}/cable${query}`);

/** Names that the reference has and this server does too (B 10.1): without a backend, and with one. */
const NODE_NAMES = [
  ...["goroutines_num", "mem_sys_bytes", "clients_num", "clients_uniq_num", "broadcast_streams_num"],
  ...["disconnect_queue_size", "failed_auths_total", "client_msg_total", "disconnected_slow_clients_total"],
  ...["failed_client_msg_total", "publications_total", "broadcast_msg_total", "remote_commands_total"],
  ...["failed_broadcast_msg_total", "server_msg_total", "failed_server_msg_total"],
  ...["timeout_server_msg_total", "data_sent_total", "data_rcvd_total"],
];
const RPC_NAMES = [
  ...["rpc_call_total", "rpc_retries_total", "rpc_error_total", "rpc_timeout_total", "rpc_canceled_total"],
  ...["rpc_pending_num", "grpc_active_conn_num"],
];

describe("the Prometheus endpoint", () => {
  test("is absent unless it is asked for", async () => {
    server = await startHawser(["--norpc"]);
    expect((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status).toBe(404);
  });

  test("has the reference's names and help texts, and without a backend none of RPC", async () => {
    const hawser = await start("--norpc");
    const response = await fetch(`http://127.0.0.1:${hawser.port}/metrics`);
    expect(response.headers.get("content-type")).toStartWith("text/plain");
    const text = await response.text();
    const samples = parseSamples(text);
    for (const name of NODE_NAMES) {
      expect(samples.has(PREFIX + name)).toBe(true);
      expect(text).toContain(`# TYPE ${PREFIX}${name} ${name.endsWith("_total") ? "counter" : "gauge"}`);
    }
    for (const name of RPC_NAMES) expect(text).not.toContain(PREFIX + name);
    expect(text).toContain(
      `# HELP ${PREFIX}failed_auths_total The total number of failed authentication attempts`,
    );
  });

  test("has those of RPC with a backend", async () => {
    application = await startApplication();
    const hawser = await start(`--rpc_host=127.0.0.1:${application.port}`);
    const samples = await scrape(hawser.port);
    for (const name of RPC_NAMES) expect(samples.has(PREFIX + name)).toBe(true);
    const client = cable(hawser);
    await client.message(0);
    const after = await scrape(hawser.port);
    expect(after.get(`${PREFIX}rpc_call_total`)).toBe(1);
    // Each thread has one of its own.
    expect(after.get(`${PREFIX}grpc_active_conn_num`)).toBe(WORKERS);
    expect(after.get(`${PREFIX}rpc_error_total`)).toBe(0);
    client.close();
  });

  test("counts calls that fail", async () => {
    const [dead] = await freePorts(1);
    const hawser = await start(`--rpc_host=127.0.0.1:${dead}`, "--rpc_command_timeout=400");
    expect(await cable(hawser).closed()).toEqual({ code: 1011, reason: "Auth Error" });
    const samples = await scrape(hawser.port);
    expect(samples.get(`${PREFIX}rpc_error_total`)).toBe(1);
    expect(samples.get(`${PREFIX}rpc_call_total`)).toBe(1);
    expect(samples.get(`${PREFIX}failed_auths_total`)).toBe(0);
    expect(sumOf(samples, `${PREFIX}disconnects_total`, 'reason="backend_failed"')).toBe(1);
  });

  test("counts what happens: clients, messages, publications, bytes, refusals", async () => {
    const hawser = await start("--norpc", `--jwt_secret=${SECRET}`, "--public_streams", "--ping_interval=0");
    const ann = cable(hawser, `?jid=${goodToken(SECRET, "ann")}`);
    const annAgain = cable(hawser, `?jid=${goodToken(SECRET, "ann")}`);
    const bob = cable(hawser, `?jid=${goodToken(SECRET, "bob")}`);
    for (const client of [ann, annAgain, bob]) {
      await client.message(0);
      client.send({ command: "subscribe", identifier: CHANNEL });
      await client.message(1);
    }
    expect((await publish(hawser.broadcastPort, { stream: "news", data: '{"n":1}' })).status).toBe(201);
    expect((await publish(hawser.broadcastPort, { stream: "nobody", data: '{"n":2}' })).status).toBe(201);
    expect((await publish(hawser.broadcastPort, "rubbish")).status).toBe(422);
    for (const client of [ann, annAgain, bob]) await client.message(2);
    bob.send("{");
    bob.send({ command: "dance" });
    bob.send({ command: "ping" });
    await bob.message(3);
    await cable(hawser, `?jid=${signToken(SECRET, { ext: "{}", exp: inSeconds(-1) })}`).closed();
    await cable(hawser).closed();
    const identifier = JSON.stringify({ user: "ann" });
    await publish(hawser.broadcastPort, { command: "disconnect", payload: { identifier } });
    expect(await ann.closed()).toEqual({ code: 1000, reason: "Closed remotely" });
    expect(await annAgain.closed()).toEqual({ code: 1000, reason: "Closed remotely" });

    const samples = await scrape(hawser.port);
    const value = (name: string) => samples.get(PREFIX + name);
    expect(value("clients_num")).toBe(1);
    expect(value("clients_uniq_num")).toBe(1);
    expect(value("broadcast_streams_num")).toBe(1);
    expect(value("client_msg_total")).toBe(5); // three subscribes, an unknown command, a ping
    expect(value("failed_client_msg_total")).toBe(2); // the broken frame, the unknown command
    expect(value("publications_total")).toBe(3);
    expect(value("failed_broadcast_msg_total")).toBe(1);
    expect(value("remote_commands_total")).toBe(1);
    expect(value("broadcast_msg_total")).toBe(3); // the remote command counts, as with the reference
    expect(value("failed_auths_total")).toBe(2);
    // Three welcomes, confirmations and broadcasts each, the pong, two refusals, two goodbyes.
    expect(value("server_msg_total")).toBe(9 + 1 + 2 + 2);
    expect(value("data_rcvd_total")).toBeGreaterThan(3 * CHANNEL.length);
    expect(value("data_sent_total")).toBeGreaterThan(0);
    expect(sumOf(samples, `${PREFIX}jwt_verifications_total`, 'result="accepted"', 'carrier="query"')).toBe(
      3,
    );
    expect(sumOf(samples, `${PREFIX}jwt_verifications_total`, 'reason="expired"', 'key="secret"')).toBe(1);
    const lastUsed = sumOf(samples, `${PREFIX}jwt_key_last_used_timestamp_seconds`, 'key="secret"');
    expect(Math.abs(lastUsed - Date.now() / 1000)).toBeLessThan(120);
    // Three that are good for an hour, or a little less by now.
    expect(sumOf(samples, `${PREFIX}jwt_token_remaining_seconds_bucket`, 'le="1800"')).toBe(0);
    expect(sumOf(samples, `${PREFIX}jwt_token_remaining_seconds_bucket`, 'le="3600"')).toBe(3);
    expect(value("jwt_token_remaining_seconds_count")).toBe(3);
    expect(sumOf(samples, `${PREFIX}jwt_verifications_total`, 'reason="missing"', 'carrier="none"')).toBe(1);
    expect(sumOf(samples, `${PREFIX}disconnects_total`, 'reason="remote"')).toBe(2);
    bob.close();
  });

  test("counts bytes exactly: what a silent client was sent", async () => {
    const hawser = await start("--norpc", "--noauth", "--public_streams", "--ping_interval=0");
    const client = cable(hawser);
    await client.message(0);
    client.send({ command: "subscribe", identifier: CHANNEL });
    await client.message(1);
    await publish(hawser.broadcastPort, { stream: "news", data: '{"text":"caf\u00e9 \u{1f600}"}' });
    await client.message(2);
    const samples = await scrape(hawser.port);
    const bytes = client.frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);
    expect(samples.get(`${PREFIX}data_sent_total`)).toBe(bytes);
    client.close();
  });

  test("never grows by what clients send: labels come from closed sets", async () => {
    const hawser = await start("--norpc", `--jwt_secret=${SECRET}`);
    const count = async () =>
      [...(await scrape(hawser.port)).keys()].filter((key) => key.includes("jwt_verifications_total{"))
        .length;
    for (let i = 0; i < 30; i++) {
      const forged = signToken("other", { ext: `${i}` }, { alg: "HS256", kid: `kid-${i}` });
      await cable(hawser, `?jid=${forged}`).closed();
    }
    expect(await count()).toBe(1);
  });

  test("knows no metric that the table of metrics lacks", async () => {
    application = await startApplication();
    const hawser = await start(`--rpc_host=127.0.0.1:${application.port}`);
    for (const key of (await scrape(hawser.port)).keys()) {
      const name = key.replace(/\{.*/, "").slice(PREFIX.length);
      const known = Object.keys(METRICS);
      expect(known).toContain(known.includes(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ""));
    }
  });
});

describe("where the endpoint is", () => {
  test("on a port of its own", async () => {
    const [port] = await freePorts(1);
    const hawser = await start("--norpc", `--metrics_port=${port}`);
    await hawser.waitFor(new RegExp(`Serve metrics at http://127.0.0.1:${port}/metrics`));
    expect((await scrape(port)).size).toBeGreaterThan(10);
    expect((await fetch(`http://127.0.0.1:${hawser.port}/metrics`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/cable`)).status).toBe(404);
  });

  test("on a host of its own", async () => {
    const [port] = await freePorts(1);
    await start("--norpc", `--metrics_port=${port}`, "--metrics_host=127.0.0.2");
    expect((await fetch(`http://127.0.0.2:${port}/metrics`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });

  test("on the port of publications, when that is the one named", async () => {
    const [port] = await freePorts(1);
    const hawser = await start("--norpc", `--metrics_port=${port}`, `--http_broadcast_port=${port}`);
    expect((await scrape(port)).size).toBeGreaterThan(10);
    expect((await publish(port, { stream: "a", data: "1" })).status).toBe(201);
    expect(hawser.port).not.toBe(port);
  });
});

describe("tags", () => {
  test("stand on every sample, also on those with labels", async () => {
    const hawser = await start("--norpc", `--jwt_secret=${SECRET}`, "--metrics_tags=env:dev,rev:1.1");
    await cable(hawser).closed();
    const samples = await scrape(hawser.port);
    for (const key of samples.keys()) {
      expect(key).toContain('env="dev"');
      expect(key).toContain('rev="1.1"');
    }
    expect(sumOf(samples, `${PREFIX}jwt_verifications_total`, 'reason="missing"', 'env="dev"')).toBe(1);
  });
});

describe("--metrics_log", () => {
  /** The metrics lines so far: an empty message and a field a metric. */
  const metricsLines = (hawser: HawserProcess) =>
    linesAbout(parseTextLog(hawser.output()), /^$/).filter(({ fields }) => "client_msg_total" in fields);

  test("writes a line an interval: counters as deltas, gauges as they are", async () => {
    server = await startHawser(["--norpc", "--noauth", "--metrics_log", "--metrics_rotate_interval=1"]);
    await server.waitFor(/INF log metrics .*interval=1/);
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable`);
    await client.message(0);
    for (let i = 0; i < 3; i++) client.send({ command: "ping" });
    await client.message(3);
    await server.waitFor(/(client_msg_total=\d+ [\s\S]*){3}/);
    const lines = metricsLines(server);
    const sum = lines.reduce((total, { fields }) => total + Number(fields.client_msg_total), 0);
    expect(sum).toBe(3);
    expect(lines.at(-1)?.fields.client_msg_total).toBe("0");
    const names = Object.keys(lines[0]?.fields ?? {}).filter(
      (name) => name !== "nodeid" && name !== "context",
    );
    expect(names).toEqual([...names].sort());
    client.close();
  }, 10_000);

  test("writes only the metrics that the filter names", async () => {
    server = await startHawser([
      ...["--norpc", "--metrics_log", "--metrics_rotate_interval=1"],
      "--metrics_log_filter=clients_num,client_msg_total",
    ]);
    await server.waitFor(/client_msg_total=\d/);
    const [line] = metricsLines(server);
    const names = Object.keys(line?.fields ?? {}).filter((name) => name !== "nodeid" && name !== "context");
    expect(names).toEqual(["client_msg_total", "clients_num"]);
  });
});
