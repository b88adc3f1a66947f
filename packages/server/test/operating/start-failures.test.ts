import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { freePorts, type HawserProcess, spawnHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const servers: Server[] = [];
const running: HawserProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

/** Listens on a port, as a process that was there before. */
function occupy(port: number, host = "127.0.0.1"): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    servers.push(server);
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}

/** Starts the server, which must fail with one line on standard error and status 1; that line. */
async function failure(flags: readonly string[]): Promise<string> {
  const [port, broadcastPort] = await freePorts(2);
  const placed = ["--norpc", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`];
  const server = spawnHawser([...placed, ...flags], {}, 0, 0, { cwd: scratch.path });
  running.push(server);
  expect(await server.exited).toBe(1);
  const lines = server
    .stderr()
    .split("\n")
    .filter((line) => line !== "");
  expect(lines).toHaveLength(1);
  expect(server.stdout()).not.toContain("Handle WebSocket connections");
  return lines[0] ?? "";
}

async function isFree(port: number): Promise<boolean> {
  return await occupy(port).then(
    () => true,
    () => false,
  );
}

describe("a start that fails says why in one line and leaves nothing behind", () => {
  test("when a connection thread cannot read what it needs", async () => {
    const missing = ["--rpc_host=localhost:1", "--rpc_enable_tls", "--rpc_tls_root_ca=/nonexistent.pem"];
    const line = await failure(["--norpc=false", "--workers=2", ...missing]);
    expect(line).toContain("rpc_tls_root_ca");
    expect(line).toContain("/nonexistent.pem");
  });

  test("when its port is in use", async () => {
    const [port, broadcastPort] = await freePorts(2);
    await occupy(port);
    const line = await failure([`--port=${port}`, `--http_broadcast_port=${broadcastPort}`]);
    expect(line).toContain(`listen on 127.0.0.1:${port}`);
    expect(line).toContain("in use");
    expect(line).toContain("--port");
  });

  test("when a second port is in use, and gives the first one back", async () => {
    const [port, broadcastPort] = await freePorts(2);
    await occupy(broadcastPort);
    const line = await failure([`--port=${port}`, `--http_broadcast_port=${broadcastPort}`]);
    expect(line).toContain(`listen on 127.0.0.1:${broadcastPort}`);
    expect(await isFree(port)).toBe(true);
  });

  test.skipIf(!HAS_OPENSSL)("when its port is in use by another server with TLS", async () => {
    const [port, broadcastPort, other] = await freePorts(3);
    const { certPath, keyPath } = makeCertificate(scratch.path, "taken");
    const tls = [
      "--norpc",
      "--host=127.0.0.1",
      `--port=${port}`,
      `--ssl_cert=${certPath}`,
      `--ssl_key=${keyPath}`,
    ];
    const first = spawnHawser([...tls, `--http_broadcast_port=${broadcastPort}`]);
    running.push(first);
    await first.waitFor(/Handle health requests at/);
    expect(await failure([...tls, `--http_broadcast_port=${other}`])).toContain("in use");
  });

  test("when the host is not an address of this machine", async () => {
    const line = await failure(["--host=192.0.2.1"]);
    expect(line).toContain("listen on 192.0.2.1:");
    expect(line).toContain("--host");
  });

  test("when the host has no such name", async () => {
    const line = await failure(["--host=no-such-host.invalid"]);
    expect(line).toContain("no-such-host.invalid");
    expect(line).toContain("--host");
  });

  test("when a network of trusted proxies is not one", async () => {
    const line = await failure(["--trusted_proxies=10.0.0.0/99"]);
    expect(line).toContain("trusted_proxies");
    expect(line).toContain("10.0.0.0/99");
  });

  test("when a tag of the metrics cannot be a label", async () => {
    const line = await failure(["--metrics_http=/m", "--metrics_tags=1a:b"]);
    expect(line).toContain("metrics_tags");
  });

  test("when the configuration file is missing", async () => {
    const line = await failure(["--config-path=/no/such/file.toml"]);
    expect(line).toContain("/no/such/file.toml");
    expect(line).toContain("--config-path");
  });

  test("when the configuration file is not TOML", async () => {
    const file = scratch.write("broken.toml", '[jwt]\nsecret = "hunter2\n');
    const line = await failure([`--config-path=${file}`]);
    expect(line).toContain(file);
    expect(line).not.toContain("hunter2");
  });

  test("when the certificate is missing", async () => {
    const line = await failure(["--ssl_cert=/no/such.crt", "--ssl_key=/no/such.key"]);
    expect(line).toContain("/no/such.crt");
    expect(line).toContain("--ssl_cert");
  });

  test("when the certificate is not one", async () => {
    const file = scratch.write("not-pem.txt", "hello");
    const line = await failure([`--ssl_cert=${file}`, `--ssl_key=${file}`]);
    expect(line).toContain("ssl_cert");
  });

  test.skipIf(!HAS_OPENSSL)("when the key belongs to another certificate", async () => {
    const one = makeCertificate(scratch.path, "one");
    const two = makeCertificate(scratch.path, "two");
    const line = await failure([`--ssl_cert=${one.certPath}`, `--ssl_key=${two.keyPath}`]);
    expect(line).toMatch(/--ssl_cert.*--ssl_key/);
  });

  // root may read every file
  test.skipIf(!HAS_OPENSSL || process.getuid?.() === 0)("when the key may not be read", async () => {
    const { certPath, keyPath } = makeCertificate(scratch.path, "secret-key");
    chmodSync(keyPath, 0o000);
    expect(await failure([`--ssl_cert=${certPath}`, `--ssl_key=${keyPath}`])).toContain(keyPath);
  });
});
