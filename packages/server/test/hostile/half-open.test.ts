import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket as NetSocket } from "node:net";
import { type Listener, listen } from "../../src/drivers/http.ts";
import { clientFrame, upgradeRequest } from "../support/raw-http.ts";

let listener: Listener | null = null;
const clients: NetSocket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await listener?.closeNow();
  listener = null;
});

/** The shortest that the runtime keeps to; the server itself waits two minutes. */
const SILENCE_S = 8;
/** The runtime looks every four seconds. */
const LATEST_MS = (SILENCE_S + 6) * 1000;

function start(): { port: number; closed: number[] } {
  const closed: number[] = [];
  const startedMs = performance.now();
  listener = listen<number>({
    host: "127.0.0.1",
    port: 0,
    hostOption: "--host",
    portOption: "--port",
    tls: null,
    routes: [
      { paths: [], pattern: () => true, handle: ({ upgrade }) => (upgrade(0, {}) ? null : new Response()) },
    ],
    sockets: {
      handler: {
        open() {},
        message() {},
        pong() {},
        drain() {},
        close: () => void closed.push(performance.now() - startedMs),
        error() {},
      },
      maxMessageBytes: 100,
      maxQueuedBytes: 0,
      compression: false,
      silenceS: SILENCE_S,
    },
    onFault: (thrown) => {
      throw thrown;
    },
  });
  return { port: listener.port, closed };
}

/** A client that answers what it is asked with `onPing`. */
async function connectClient(port: number, onPing: (socket: NetSocket) => void): Promise<{ pings: number }> {
  const socket = connect({ port, host: "127.0.0.1" });
  clients.push(socket);
  const seen = { pings: 0 };
  let upgraded = false;
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      if (upgraded && chunk[0] === 0x89) {
        seen.pings += 1;
        onPing(socket);
      }
      upgraded = true;
      resolve();
    });
    socket.write(upgradeRequest("/"));
  });
  return seen;
}

const full = process.env.HAWSER_FULL === "1";

// One skip that says why, rather than one for each of the tests.
if (full) describe("a connection whose client is silent", ofSilence);
else
  test.skip("a connection whose client is silent (skipped: takes a minute; bin/test --full plays it)", () => {});

function ofSilence(): void {
  test("is given up when it does not even answer a WebSocket ping: its client is gone", async () => {
    const { port, closed } = start();
    const client = await connectClient(port, () => {});
    await until(() => closed.length > 0, LATEST_MS);
    expect(client.pings).toBe(1);
    expect(closed).toHaveLength(1);
  }, 30_000);

  test("is kept as long as it answers", async () => {
    const { port, closed } = start();
    const client = await connectClient(port, (socket) => socket.write(clientFrame(10, "")));
    await until(() => client.pings >= 3 || closed.length > 0, 3 * LATEST_MS);
    expect(client.pings).toBe(3);
    expect(closed).toEqual([]);
  }, 60_000);
}

async function until(done: () => boolean, withinMs: number): Promise<void> {
  for (const untilMs = performance.now() + withinMs; !done() && performance.now() < untilMs; )
    await Bun.sleep(50);
}
