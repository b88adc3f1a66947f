import { afterAll, describe, expect, test } from "bun:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { startApplication } from "../support/application.ts";
import { CableClient } from "../support/cable-client.ts";
import { type Certificate, HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { type Answer, type GrpcService, serveGrpc, WELCOME } from "../support/grpc-servers.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

/** The server before a service that answers Connect as told. */
async function startBefore(
  answer: () => Answer | Promise<Answer>,
  flags: readonly string[],
  credentials?: ServerCredentials,
): Promise<{ hawser: HawserProcess; service: GrpcService }> {
  const service = started(await serveGrpc(answer, credentials === undefined ? {} : { credentials }));
  const hawser = started(await startHawser([`--rpc_host=127.0.0.1:${service.port}`, ...flags]));
  return { hawser, service };
}

function connect(hawser: HawserProcess): CableClient {
  return new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
}

/** A client that cannot be let in because the application could not be asked; the line that says why. */
async function failureLine(hawser: HawserProcess): Promise<string> {
  expect((await connect(hawser).closed(15_000)).code).toBe(1011);
  await hawser.waitFor(/WebSocket session failed.*\n/);
  return /^.*WebSocket session failed.*$/m.exec(hawser.output())?.[0] ?? "";
}

describe("options of the calls to the application", () => {
  test("--rpc_impl=none asks nobody", async () => {
    const { hawser, service } = await startBefore(() => WELCOME, ["--rpc_impl=none", "--noauth"]);
    expect(await connect(hawser).message(0)).toContain("welcome");
    expect(service.calls).toEqual([]);
  });

  test("--rpc_concurrency is how many calls are under way at most", async () => {
    const { hawser, service } = await startBefore(
      () => Bun.sleep(50).then(() => WELCOME),
      ["--rpc_concurrency=2"],
    );
    const clients = Array.from({ length: 8 }, () => connect(hawser));
    for (const client of clients) expect(await client.message(0)).toContain("welcome");
    expect(service.peak).toBe(2);
  });

  test("--rpc_pool_size is how many connections there are to the service", async () => {
    const { hawser, service } = await startBefore(
      () => WELCOME,
      ["--rpc_pool_size=4", "--metrics_http=/metrics"],
    );
    for (const untilMs = performance.now() + 15_000; ; await Bun.sleep(50)) {
      if (sumOf(await scrape(hawser.port), "anycable_go_grpc_active_conn_num") === 4) break;
      expect(performance.now()).toBeLessThan(untilMs);
    }
    for (let n = 0; n < 8; n += 1) expect(await connect(hawser).message(0)).toContain("welcome");
    expect(new Set(service.calls.map(({ peer }) => peer)).size).toBe(4);
  });

  test("--rpc_request_timeout ends an attempt long before --rpc_command_timeout", async () => {
    const { hawser } = await startBefore(
      () => null,
      ["--rpc_request_timeout=150", "--rpc_command_timeout=60000"],
    );
    expect(await failureLine(hawser)).toContain("code=backend_deadline");
  });

  test("--rpc_max_call_recv_size is the largest reply", async () => {
    const { hawser, service } = await startBefore(() => WELCOME, ["--rpc_max_call_recv_size=10"]);
    expect(await failureLine(hawser)).toContain("raise rpc_max_call_recv_size");
    expect(service.calls).toHaveLength(1);
  });

  test("--rpc_max_call_send_size is the largest request", async () => {
    const { hawser, service } = await startBefore(() => WELCOME, ["--rpc_max_call_send_size=10"]);
    expect(await failureLine(hawser)).toContain("is over rpc_max_call_send_size (10)");
    expect(service.calls).toEqual([]);
  });

  test("--disconnect_backlog_size is how many Disconnect calls may wait for their turn", async () => {
    const { hawser, service } = await startBefore(
      () => WELCOME,
      ["--disconnect_rate=1", "--disconnect_backlog_size=1"],
    );
    const clients = Array.from({ length: 10 }, () => connect(hawser));
    for (const client of clients) await client.message(0);
    const startedMs = performance.now();
    for (const client of clients) client.terminate();
    const told = () => service.calls.filter(({ method }) => method === "Disconnect").length;
    while (told() < 9 && performance.now() - startedMs < 7000) await Bun.sleep(10);
    // By the rate alone it would be one a second.
    expect(told()).toBeGreaterThanOrEqual(9);
  }, 20_000);

  test("--disable_disconnect, by its older name, tells the application of nobody who left", async () => {
    const application = started(await startApplication());
    const host = `--rpc_host=127.0.0.1:${application.port}`;
    const hawser = started(await startHawser([host, "--disable_disconnect"]));
    expect(hawser.output()).toMatch(/WRN --disable_disconnect is deprecated: use disconnect_mode=never/);
    await connect(hawser).message(0);
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
    expect(application.calls.map(({ method }) => method)).toEqual(["Connect"]);
  });
});

describe.skipIf(!HAS_OPENSSL)("an application that is called over TLS", () => {
  const certificate: Certificate | null = HAS_OPENSSL ? makeCertificate(scratch.path, "app.test") : null;
  const { cert = "", key = "", certPath = "" } = certificate ?? {};
  const startTls = (...flags: string[]) =>
    startBefore(
      () => WELCOME,
      flags,
      ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }]),
    );

  test.each([
    ["a file", () => certPath],
    ["the text itself", () => cert],
  ])("--rpc_tls_root_ca trusts it, as %s, and turns TLS on", async (_form, value) => {
    const { hawser } = await startTls(`--rpc_tls_root_ca=${value()}`);
    expect(await connect(hawser).message(0)).toContain("welcome");
  });

  test("--rpc_enable_tls alone trusts the authorities of the system, which did not sign it", async () => {
    const { hawser, service } = await startTls("--rpc_enable_tls");
    expect(await failureLine(hawser)).toMatch(/code=backend_unreachable.*self.signed certificate/);
    expect(service.calls).toEqual([]);
  });

  test("--rpc_tls_verify=false takes any certificate", async () => {
    const { hawser } = await startTls("--rpc_enable_tls", "--rpc_tls_verify=false");
    expect(await connect(hawser).message(0)).toContain("welcome");
  });

  test("without any of them it is spoken to in plain text, which it does not understand", async () => {
    const { hawser } = await startTls();
    expect(await failureLine(hawser)).toContain("code=backend_unreachable");
  });
});
