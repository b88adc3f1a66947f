import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { publish } from "../support/cable-client.ts";
import { type Certificate, HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

const CHANNEL = JSON.stringify({ channel: "$pubsub", stream_name: "news" });
const scratch = createScratch();
let first: Certificate;
let second: Certificate;

beforeAll(() => {
  if (!HAS_OPENSSL) {
    console.log("skipped: the openssl program is not on PATH, so no certificates can be made");
    return;
  }
  first = makeCertificate(scratch.path, "first.test");
  second = makeCertificate(scratch.path, "second.test");
});
afterAll(() => scratch.remove());

let server: HawserProcess | null = null;
const clients: WebSocket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  await server?.stop();
  server = null;
});

/** The pair of files that the server is told of; `install` puts a certificate there. */
function place(name: string): { flags: string[]; install: (certificate: Certificate) => void } {
  const certPath = join(scratch.path, `${name}.crt`);
  const keyPath = join(scratch.path, `${name}.key`);
  return {
    flags: ["--norpc", "--noauth", "--public_streams", `--ssl_cert=${certPath}`, `--ssl_key=${keyPath}`],
    install({ cert, key }) {
      writeFileSync(keyPath, key);
      writeFileSync(certPath, cert);
    },
  };
}

/** The name in the certificate that new connections get. */
function servedName(port: number, options: object = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false, ...options },
      () => {
        const certificate: PeerCertificate = socket.getPeerCertificate();
        socket.destroy();
        resolve(String(certificate.subject.CN));
      },
    );
    socket.on("error", reject);
  });
}

async function untilServed(port: number, name: string, withinMs = 30_000): Promise<void> {
  const untilMs = Date.now() + withinMs;
  while ((await servedName(port)) !== name) {
    if (Date.now() > untilMs) throw new Error(`${name} was not served within ${withinMs} ms`);
    await Bun.sleep(50);
  }
}

interface Follower {
  readonly received: string[];
  readonly socket: WebSocket;
}

/** A client over TLS that follows `news`. */
async function follow(port: number, ca: string): Promise<Follower> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}/cable`, { tls: { ca } } as never);
  clients.push(socket);
  const received: string[] = [];
  socket.onmessage = ({ data }) => received.push(String(data));
  await until(() => received.some((text) => text.includes("welcome")), "welcome");
  socket.send(JSON.stringify({ command: "subscribe", identifier: CHANNEL }));
  await until(() => received.some((text) => text.includes("confirm_subscription")), "confirmation");
  return { received, socket };
}

async function until(done: () => boolean, what: string, withinMs = 30_000): Promise<void> {
  const untilMs = Date.now() + withinMs;
  while (!done()) {
    if (Date.now() > untilMs) throw new Error(`no ${what} within ${withinMs} ms`);
    await Bun.sleep(10);
  }
}

/** Publishing goes over TLS too: the certificate holds for every listener. */
function publishSecurely(port: number, data: string): Promise<Response> {
  return fetch(`https://127.0.0.1:${port}/_broadcast`, {
    method: "POST",
    body: JSON.stringify({ stream: "news", data }),
    tls: { rejectUnauthorized: false },
  });
}

describe.skipIf(!HAS_OPENSSL)("a server with a certificate", () => {
  test("serves wss, https and health, says https in its lines, and speaks no plain HTTP", async () => {
    const { flags, install } = place("serves");
    install(first);
    server = await startHawser(flags);
    expect(server.output()).toContain(
      `Handle WebSocket connections at https://127.0.0.1:${server.port}/cable`,
    );
    const follower = await follow(server.port, first.cert);
    expect((await publishSecurely(server.broadcastPort, '"hello"')).status).toBe(201);
    await until(() => follower.received.some((text) => text.includes("hello")), "broadcast");
    const health = await fetch(`https://127.0.0.1:${server.port}/health`, { tls: { ca: first.cert } });
    expect(health.status).toBe(200);
    await expect(publish(server.port, "{}")).rejects.toThrow();
  });

  test("speaks TLS 1.2 and 1.3, and refuses 1.1", async () => {
    const { flags, install } = place("versions");
    install(first);
    server = await startHawser(flags);
    const { port } = server;
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      expect(await servedName(port, { minVersion: version, maxVersion: version })).toBe("first.test");
    }
    // By the openssl program: the runtime's own client would not offer 1.1 at all.
    const legacy = (version: string) =>
      Bun.spawn(
        ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, version, "-cipher", "ALL:@SECLEVEL=0"],
        { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      );
    const old = legacy("-tls1_1");
    const said = (await new Response(old.stdout).text()) + (await new Response(old.stderr).text());
    expect(await old.exited).not.toBe(0);
    expect(said).toMatch(/alert protocol version|no protocols available/);
    // The same command with 1.2 works, so it is the version that was refused.
    const current = legacy("-tls1_2");
    expect(await new Response(current.stdout).text()).toContain("first.test");
    await current.exited;
  });

  test("picks up a new certificate, while old connections live on and still receive broadcasts", async () => {
    const { flags, install } = place("renewed");
    install(first);
    server = await startHawser(flags);
    const { port, broadcastPort } = server;
    const old = await follow(port, first.cert);
    expect(await servedName(port)).toBe("first.test");

    install(second);
    await untilServed(port, "second.test");
    await server.waitFor(/TLS certificate reloaded/);
    await untilServed(broadcastPort, "second.test");
    const fresh = await follow(port, second.cert);
    expect((await publishSecurely(broadcastPort, '"to both"')).status).toBe(201);
    await until(
      () => old.received.some((text) => text.includes("to both")),
      "broadcast to the old connection",
    );
    await until(
      () => fresh.received.some((text) => text.includes("to both")),
      "broadcast to the new connection",
    );

    // And once more, so that more than one generation of connections is alive.
    install(first);
    await untilServed(port, "first.test");
    expect((await publishSecurely(broadcastPort, '"to all"')).status).toBe(201);
    for (const follower of [old, fresh]) {
      await until(() => follower.received.some((text) => text.includes("to all")), "second broadcast");
    }
    old.socket.send(JSON.stringify({ command: "ping" }));
    await until(() => old.received.includes('{"type":"pong"}'), "pong on the oldest connection");

    // Goodbyes reach every generation.
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    for (const { received } of [old, fresh]) expect(received.at(-1)).toContain("server_restart");
  }, 120_000);

  test("picks it up through a symbolic link that is swapped, as Kubernetes does", async () => {
    for (const [folder, { cert, key }] of [
      ["v1", first],
      ["v2", second],
      ["v3", first],
    ] as const) {
      scratch.write(`${folder}/tls.crt`, cert);
      scratch.write(`${folder}/tls.key`, key);
    }
    const link = join(scratch.path, "current");
    const point = (folder: string) => {
      symlinkSync(folder, `${link}.new`);
      renameSync(`${link}.new`, link);
    };
    point("v1");
    server = await startHawser(["--norpc", `--ssl_cert=${link}/tls.crt`, `--ssl_key=${link}/tls.key`]);
    point("v2");
    await untilServed(server.port, "second.test");
    point("v3");
    await untilServed(server.port, "first.test");
  }, 120_000);

  test("keeps the old one when the new files do not belong together, are rubbish or are gone, and says so", async () => {
    const { flags, install } = place("broken");
    install(first);
    server = await startHawser(flags);
    const certPath = join(scratch.path, "broken.crt");
    copyFileSync(second.certPath, certPath);
    await server.waitFor(/ERR .*not reloaded/);
    expect(await servedName(server.port)).toBe("first.test");
    writeFileSync(certPath, "rubbish");
    await Bun.sleep(1500);
    expect(await servedName(server.port)).toBe("first.test");
    rmSync(certPath);
    await Bun.sleep(1500);
    expect(await servedName(server.port)).toBe("first.test");
    // One line a problem, not one a second.
    const complaints = server
      .output()
      .split("\n")
      .filter((line) => line.includes("not reloaded"));
    expect(complaints.length).toBeLessThanOrEqual(3);
    install(second);
    await untilServed(server.port, "second.test");
  }, 120_000);
});
