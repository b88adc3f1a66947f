import { afterAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { deriveKey } from "@hawser/core/signed/derive";
import { hmacHex } from "../../src/drivers/crypto.ts";
import { CableClient } from "../support/cable-client.ts";
import { type Certificate, HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { freePort } from "../support/grpc-servers.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import {
  type HttpAnswering,
  type HttpApplication,
  serveHttp,
  WELCOME_REPLY,
} from "../support/http-application.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";

/** The server before an application that is called over HTTP. */

const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

const WELCOMING = () => ({ body: WELCOME_REPLY });

async function startBefore(
  answer: () => HttpAnswering,
  flags: readonly string[],
  tls?: Certificate,
): Promise<{ hawser: HawserProcess; application: HttpApplication }> {
  const application = started(await serveHttp(answer, tls === undefined ? {} : { tls }));
  const scheme = tls === undefined ? "http" : "https";
  const hawser = started(
    await startHawser([`--rpc_host=${scheme}://127.0.0.1:${application.port}/_anycable`, ...flags]),
  );
  return { hawser, application };
}

const connect = (hawser: HawserProcess) => new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);

async function failureLine(hawser: HawserProcess): Promise<string> {
  expect((await connect(hawser).closed(15_000)).code).toBe(1011);
  await hawser.waitFor(/WebSocket session failed.*\n/);
  return /^.*WebSocket session failed.*$/m.exec(hawser.output())?.[0] ?? "";
}

describe("the secret that calls present", () => {
  test("is derived from --secret, as AnyCable does", async () => {
    const { hawser, application } = await startBefore(WELCOMING, ["--secret=qwerty"]);
    expect(await connect(hawser).message(0)).toContain("welcome");
    expect(application.calls[0]?.headers.authorization).toBe(
      "Bearer 57c40610d142fe7d7999be4e23dfba4f42c3c542e1f278063e8e3b6a30b0c2bd",
    );
    expect(hawser.output()).toMatch(
      /INF auto-generated authorization secret from the application secret.*context=rpc/,
    );
    expect(hawser.output()).not.toContain("57c40610");
  });

  test("is --http_rpc_secret where it is given, and none for none", async () => {
    const own = await startBefore(WELCOMING, ["--secret=qwerty", "--http_rpc_secret=mine"]);
    await connect(own.hawser).message(0);
    expect(own.application.calls[0]?.headers.authorization).toBe("Bearer mine");
    const none = await startBefore(WELCOMING, ["--secret=qwerty", "--http_rpc_secret=none"]);
    await connect(none.hawser).message(0);
    expect(none.application.calls[0]?.headers.authorization).toBeUndefined();
  });

  test("follows --secret_file to its next secret, without a restart", async () => {
    const [former, next] = ["a former secret which is long enough", "the next secret which is long enough"];
    const flags = [`--secret_file=${scratch.write("secret", former)}`];
    const { hawser, application } = await startBefore(WELCOMING, flags);
    await connect(hawser).message(0);
    renameSync(scratch.write("secret.new", next), join(scratch.path, "secret"));
    await hawser.waitFor(/keys were reloaded/);
    await connect(hawser).message(0);
    expect(application.calls.map(({ headers }) => headers.authorization)).toEqual(
      [former, next].map((secret) => `Bearer ${deriveKey(secret, "rpc", hmacHex)}`),
    );
  });

  test("that the application refuses is told", async () => {
    const { hawser } = await startBefore(() => ({ status: 401 }), ["--http_rpc_secret=not-their-own"]);
    expect(await failureLine(hawser)).toMatch(
      /code=backend_failed .*refused Connect: http returned 401; give both sides/,
    );
    expect(hawser.output()).not.toContain("not-their-own");
  });
});

describe("the time of an attempt", () => {
  test.each(["--http_rpc_timeout=150", "--rpc_request_timeout=150"])("is %s", async (flag) => {
    const { hawser } = await startBefore(() => null, [flag, "--rpc_command_timeout=60000"]);
    expect(await failureLine(hawser)).toContain("code=backend_deadline");
  });
});

describe("the server before it", () => {
  test("is ready once anything answers there, also when that comes later", async () => {
    const port = await freePort();
    const hawser = started(await startHawser([`--rpc_host=http://127.0.0.1:${port}`, "--ready-path=/ready"]));
    const ready = () => fetch(`http://127.0.0.1:${hawser.port}/ready`);
    expect(await (await ready()).text()).toContain("the RPC backend has not answered yet");
    const application = started(await serveHttp(WELCOMING, { port }));
    for (const untilMs = performance.now() + 20_000; (await ready()).status !== 200; await Bun.sleep(50)) {
      expect(performance.now()).toBeLessThan(untilMs);
    }
    expect(application.calls).toEqual([]);
  });

  test("tells it who has left, counts its calls, and has no gauge of gRPC's", async () => {
    const { hawser, application } = await startBefore(WELCOMING, ["--metrics_http=/metrics"]);
    const client = connect(hawser);
    await client.message(0);
    client.close();
    for (const untilMs = performance.now() + 15_000; application.calls.length < 2; await Bun.sleep(20)) {
      expect(performance.now()).toBeLessThan(untilMs);
    }
    expect(application.calls.map(({ path }) => path)).toEqual([
      "/_anycable/connect",
      "/_anycable/disconnect",
    ]);
    const metrics = await scrape(hawser.port);
    expect(sumOf(metrics, "anycable_go_rpc_call_total")).toBe(2);
    expect([...metrics.keys()].join()).not.toContain("grpc_active_conn_num");
  });

  test("gives up the calls that take longer than --shutdown_timeout", async () => {
    const { hawser, application } = await startBefore(
      () => null,
      ["--shutdown_timeout=1", "--rpc_request_timeout=30000", "--rpc_command_timeout=30000"],
    );
    connect(hawser);
    for (const untilMs = performance.now() + 15_000; application.calls.length < 1; await Bun.sleep(20)) {
      expect(performance.now()).toBeLessThan(untilMs);
    }
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
  });
});

describe.skipIf(!HAS_OPENSSL)("an application at an https:// URL", () => {
  const certificate = HAS_OPENSSL ? makeCertificate(scratch.path, "http.test") : null;
  const startTls = (...flags: string[]) => startBefore(WELCOMING, flags, certificate ?? undefined);

  test("is checked against the authorities of the system, which did not sign this one", async () => {
    const { hawser, application } = await startTls();
    expect(await failureLine(hawser)).toMatch(
      /code=backend_unreachable .*TLS: .*self.signed certificate.*rpc_tls_root_ca/,
    );
    expect(application.calls).toEqual([]);
  });

  test("is trusted with --rpc_tls_root_ca, and kept connections are used again", async () => {
    const { hawser, application } = await startTls(`--rpc_tls_root_ca=${certificate?.certPath}`);
    for (let n = 0; n < 5; n += 1) expect(await connect(hawser).message(0)).toContain("welcome");
    // The look at the start may have had one of its own.
    expect(application.opened()).toBeLessThanOrEqual(2);
  });

  test("is taken as it is with --rpc_tls_verify=false", async () => {
    const { hawser } = await startTls("--rpc_tls_verify=false");
    expect(await connect(hawser).message(0)).toContain("welcome");
  });
});
