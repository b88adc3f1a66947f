import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Certificate, HAS_OPENSSL, makeCertificate } from "../../test/support/certificates.ts";
import { createScratch } from "../../test/support/scratch.ts";
import { type Listener, listen, type Route } from "./http.ts";

const scratch = createScratch();
let first: Certificate;
let second: Certificate;
beforeAll(() => {
  if (!HAS_OPENSSL) return;
  first = makeCertificate(scratch.path, "first.test");
  second = makeCertificate(scratch.path, "second.test");
});
afterAll(() => scratch.remove());

let listener: Listener | null = null;
afterEach(async () => {
  await listener?.closeNow();
  listener = null;
});

const hello: Route<string> = { paths: [], pattern: () => true, handle: () => new Response("hello") };

function start(): Listener {
  listener = listen<string>({
    host: "127.0.0.1",
    port: 0,
    hostOption: "--host",
    portOption: "--port",
    tls: first,
    routes: [hello],
    sockets: null,
    onFault: (thrown) => {
      throw thrown;
    },
  });
  return listener;
}

/** The handshake, over a connection that stands or a new one. */
function shakeHands(over: { port: number } | { socket: Socket }): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = "port" in over ? { ...over, host: "127.0.0.1" } : over;
    const secure = connectTls({ ...options, servername: "localhost", rejectUnauthorized: false }, () =>
      resolve(secure),
    );
    secure.on("error", reject);
  });
}

/** The name in the certificate of the server at the other end. */
async function servedName(over: { port: number } | { socket: Socket }): Promise<string> {
  const secure = await shakeHands(over);
  const name = String(secure.getPeerCertificate().subject.CN);
  secure.destroy();
  return name;
}

async function servedNames(port: number, connections: number): Promise<string[]> {
  const names = await Promise.all(Array.from({ length: connections }, () => servedName({ port })));
  return [...new Set(names)];
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });
}

/** One request over a connection that is kept alive. */
function ask(secure: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    secure.once("data", (bytes) => resolve(String(bytes)));
    secure.once("error", reject);
    secure.once("close", () => reject(new Error("closed without an answer")));
    secure.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  });
}

// Where the kernel cannot be told which of the two takes new connections, the old one ends at once.
const STEERS = process.platform === "linux";

describe.skipIf(!HAS_OPENSSL || !STEERS)("a listener whose certificate is replaced", () => {
  test("serves the new one to all who come from then on", async () => {
    const { port, replaceTls } = start();
    expect(await servedNames(port, 20)).toEqual(["first.test"]);
    replaceTls(second);
    expect(await servedNames(port, 60)).toEqual(["second.test"]);
  });

  test("goes on, with the old one, for those who had connected and not yet said a word", async () => {
    const { port, replaceTls } = start();
    const silent = await Promise.all(Array.from({ length: 20 }, () => connected(port)));
    replaceTls(second);
    expect(await servedNames(port, 20)).toEqual(["second.test"]);
    const names = await Promise.all(silent.map((socket) => servedName({ socket })));
    expect(new Set(names)).toEqual(new Set(["first.test"]));
  });

  test("answers the next request of a connection that is kept alive, and tells it that this was the last", async () => {
    const { port, replaceTls } = start();
    const kept = await shakeHands({ port });
    expect(await ask(kept)).not.toContain("Connection: close");
    replaceTls(second);
    const answer = await ask(kept);
    expect(answer).toEndWith("\r\n\r\nhello");
    expect(answer).toContain("Connection: close");
  });

  test("loses nobody of those who come while it happens", async () => {
    const { port, replaceTls } = start();
    // Few at a time: on a busy machine more of them would wait for longer than a silent connection is kept.
    const come = () => Array.from({ length: 30 }, () => servedName({ port }));
    const before = come();
    // So that they have connected, and most of them not begun their handshake.
    await new Promise((resolve) => setImmediate(resolve));
    replaceTls(second);
    const after = come();
    expect(await Promise.all(before)).toHaveLength(30);
    expect(new Set(await Promise.all(after))).toEqual(new Set(["second.test"]));
  });

  test("does so each time", async () => {
    const { port, replaceTls } = start();
    for (const [certificate, name] of [
      [second, "second.test"],
      [first, "first.test"],
      [second, "second.test"],
      [first, "first.test"],
    ] as const) {
      replaceTls(certificate);
      expect(await servedNames(port, 40)).toEqual([name]);
    }
  });

  test("keeps the one it has when the new one is none", async () => {
    const { port, replaceTls } = start();
    expect(() => replaceTls({ cert: "none", key: "none" })).toThrow(`listen on 127.0.0.1:${port}`);
    expect(await servedNames(port, 20)).toEqual(["first.test"]);
  });
});
