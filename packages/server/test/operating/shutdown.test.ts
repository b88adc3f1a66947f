import { afterEach, describe, expect, test } from "bun:test";
import { connect as connectTcp, type Socket } from "node:net";
import { type Application, startApplication } from "../support/application.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { linesAbout, parseTextLog } from "../support/log-lines.ts";
import { clientFrame, upgradeRequest } from "../support/raw-http.ts";

const OPEN = ["--norpc", "--noauth", "--public_streams", "--ping_interval=0"];
const CHANNEL = JSON.stringify({ channel: "$pubsub", stream_name: "news" });
const RESTART = '{"type":"disconnect","reason":"server_restart","reconnect":true}';

let server: HawserProcess | null = null;
let application: Application | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop();
  application?.stop();
  server = null;
  application = null;
});

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  server = await startHawser(flags);
  return server;
}

async function welcomed(hawser: HawserProcess): Promise<CableClient> {
  const client = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
  await client.message(0);
  return client;
}

async function elapsedMs(task: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task;
  return performance.now() - startedMs;
}

test("--shutdown_disconnect_rate: clients are told one after the other, and served until then", async () => {
  const hawser = await start(...OPEN, "--shutdown_disconnect_rate=2");
  const clients = await Promise.all(Array.from({ length: 4 }, () => welcomed(hawser)));
  const leaving = clients.map(async (client) => {
    expect(await client.closed(20_000)).toEqual({ code: 1001, reason: "Server restart" });
    expect(client.messages.at(-1)).toBe(RESTART);
    return performance.now();
  });
  hawser.signal("SIGTERM");
  await Promise.race(leaving);
  for (const client of clients) client.send({ command: "ping" });
  const times = await Promise.all(leaving);
  expect(clients.flatMap(({ messages }) => messages)).toContain('{"type":"pong"}');
  expect(await hawser.exited).toBe(0);
  // A second and a half without any delay of the machine's.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(750);
}, 30_000);

/** A client that reads nothing until it is told to: its socket is paused, so that its share waits in the server. */
class SlowClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  readonly ended: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  static async subscribe(port: number): Promise<SlowClient> {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    sockets.push(socket);
    socket.on("error", () => {});
    const client = new SlowClient(socket);
    socket.on("data", (chunk) => {
      client.#received = Buffer.concat([client.#received, chunk]);
    });
    socket.write(upgradeRequest("/cable"));
    await client.until("welcome");
    socket.write(clientFrame(1, JSON.stringify({ command: "subscribe", identifier: CHANNEL })));
    await client.until("confirm_subscription");
    socket.pause();
    return client;
  }

  async until(text: string): Promise<void> {
    const untilMs = Date.now() + 5000;
    while (!this.#received.includes(text)) {
      if (Date.now() > untilMs) throw new Error(`no ${text} within 5 s`);
      await Bun.sleep(10);
    }
  }

  /** Takes so many bytes every 50 ms until the server has closed; all that came. */
  async readSlowly(bytesAtATime: number): Promise<Buffer> {
    const chunks = [this.#received];
    this.#socket.removeAllListeners("data");
    let open = true;
    void this.ended.then(() => {
      open = false;
    });
    while (open) {
      let left = bytesAtATime;
      let chunk = this.#socket.read(Math.min(left, this.#socket.readableLength || left)) as Buffer | null;
      while (chunk !== null && left > 0) {
        chunks.push(chunk);
        left -= chunk.length;
        chunk = left > 0 && this.#socket.readableLength > 0 ? this.#socket.read() : null;
      }
      await Bun.sleep(50);
    }
    return Buffer.concat(chunks);
  }
}

describe.each(["SIGTERM", "SIGINT"] as const)("on %s", (signal) => {
  test("every client hears server_restart, is closed 1001, and the server exits 0", async () => {
    const hawser = await start(...OPEN);
    const clients = await Promise.all(Array.from({ length: 60 }, () => welcomed(hawser)));
    hawser.signal(signal);
    for (const client of clients) {
      expect(await client.closed()).toEqual({ code: 1001, reason: "Server restart" });
      expect(client.messages.at(-1)).toBe(RESTART);
    }
    expect(await hawser.exited).toBe(0);
    const lines = parseTextLog(hawser.output());
    expect(
      linesAbout(lines, /^Shutting down\.\.\. \(hit Ctrl-C to stop immediately or wait for up to 30s/),
    ).toHaveLength(1);
    expect(linesAbout(lines, /^closing active connections$/)[0]?.fields.num).toBe("60");
    expect(linesAbout(lines, /^all active connections closed$/)).toHaveLength(1);
  });

  test("a server without clients is gone at once", async () => {
    const hawser = await start(...OPEN);
    expect((await fetch(`http://127.0.0.1:${hawser.port}/health`)).status).toBe(200);
    hawser.signal(signal);
    expect(await elapsedMs(hawser.exited)).toBeLessThan(1500);
    expect(await hawser.exited).toBe(0);
  });

  test("it is heard from the moment that the log says clients are served", async () => {
    for (let i = 0; i < 5; i++) {
      const hawser = await start(...OPEN);
      hawser.signal(signal);
      expect(await hawser.exited).toBe(0);
      expect(hawser.output()).toContain("Shutting down");
    }
  });
});

describe("while it goes down", () => {
  test("new connections are refused, and the port is free for the next server before this one has ended", async () => {
    const hawser = await start(...OPEN, "--shutdown_timeout=6");
    const slow = await SlowClient.subscribe(hawser.port);
    const news = JSON.stringify("x".repeat(60_000));
    for (let i = 0; i < 80; i++) await publish(hawser.broadcastPort, { stream: "news", data: news });
    hawser.signal("SIGTERM");
    await hawser.waitFor(/closing active connections/);
    await Bun.sleep(100);
    await expect(fetch(`http://127.0.0.1:${hawser.port}/health`)).rejects.toThrow();
    void slow.readSlowly(2_000_000);
    expect(await hawser.exited).toBe(0);
  }, 15_000);

  test("a client that reads slowly still gets all that was sent before, server_restart, and the close frame", async () => {
    const hawser = await start(...OPEN, "--ws_max_pending_size=20000000", "--ws_write_timeout=30");
    const slow = await SlowClient.subscribe(hawser.port);
    const frames = 200;
    const filler = "y".repeat(50_000);
    for (let i = 0; i < frames; i++) {
      const data = JSON.stringify(`${i}:${filler}`);
      expect((await publish(hawser.broadcastPort, { stream: "news", data })).status).toBe(201);
    }
    hawser.signal("SIGTERM");
    await hawser.waitFor(/closing active connections/);
    // 10 MB at 1 MB in 50 ms: longer than the runtime itself would wait with less patience, and under the time-out.
    const received = await slow.readSlowly(200_000);
    for (const i of [0, 1, frames / 2, frames - 1]) expect(received.includes(`"${i}:yyy`)).toBe(true);
    expect(received.includes(RESTART)).toBe(true);
    const close = received.subarray(received.indexOf(RESTART) + RESTART.length);
    expect(close[0]).toBe(0x88);
    expect(close.readUInt16BE(2)).toBe(1001);
    expect(close.subarray(4).toString()).toBe("Server restart");
    expect(await hawser.exited).toBe(0);
  }, 30_000);

  test("a client that reads nothing holds it no longer than --shutdown_timeout", async () => {
    const hawser = await start(
      ...OPEN,
      "--shutdown_timeout=2",
      "--ws_write_timeout=30",
      "--ws_max_pending_size=100000000",
    );
    await SlowClient.subscribe(hawser.port);
    const good = await welcomed(hawser);
    const data = JSON.stringify("z".repeat(60_000));
    for (let i = 0; i < 100; i++) await publish(hawser.broadcastPort, { stream: "news", data });
    hawser.signal("SIGTERM");
    expect(await good.closed()).toEqual({ code: 1001, reason: "Server restart" });
    const tookMs = await elapsedMs(hawser.exited);
    expect(tookMs).toBeGreaterThan(1000);
    expect(tookMs).toBeLessThan(4000);
    expect(await hawser.exited).toBe(0);
    expect(hawser.output()).toContain("terminated while disconnecting active sessions");
  }, 15_000);

  test("a second signal ends it at once, with status 0 and a warning", async () => {
    const hawser = await start(...OPEN, "--shutdown_delay=20");
    const client = await welcomed(hawser);
    hawser.signal("SIGINT");
    await hawser.waitFor(/Shutting down/);
    hawser.signal("SIGINT");
    expect(await elapsedMs(hawser.exited)).toBeLessThan(1000);
    expect(await hawser.exited).toBe(0);
    expect(hawser.output()).toMatch(/WRN Immediate termination requested\. Stopped/);
    await client.closed();
  });

  test("publications taken before the signal reach the clients before the goodbye", async () => {
    const hawser = await start(...OPEN);
    const client = await welcomed(hawser);
    client.send({ command: "subscribe", identifier: CHANNEL });
    await client.message(1);
    for (let i = 0; i < 20; i++) await publish(hawser.broadcastPort, { stream: "news", data: `${i}` });
    hawser.signal("SIGTERM");
    await client.closed();
    const numbers = client.messages
      .slice(2, -1)
      .map((text) => (JSON.parse(text) as { message: number }).message);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(client.messages.at(-1)).toBe(RESTART);
  });

  test("a command that the application is answering is given up, and the client told to come back", async () => {
    application = await startApplication({
      command: async () => {
        await Bun.sleep(1500);
        return {};
      },
    });
    const hawser = await start(`--rpc_host=127.0.0.1:${application.port}`, "--ping_interval=0");
    const client = await welcomed(hawser);
    client.send({ command: "subscribe", identifier: '{"channel":"Slow"}' });
    while (application.callsOf("Command").length === 0) await Bun.sleep(10);
    hawser.signal("SIGTERM");
    expect(await client.closed()).toEqual({ code: 1001, reason: "Server restart" });
    expect(client.messages.at(-1)).toBe(RESTART);
    expect(await hawser.exited).toBe(0);
    expect(application.callsOf("Disconnect")).toHaveLength(1);
  }, 10_000);
});

describe("a client that waits for the application's word", () => {
  test("is told too, and the Connect that nobody needs any more does not hold the server", async () => {
    application = await startApplication({
      connect: async () => {
        await Bun.sleep(20_000);
        return {};
      },
    });
    const flags = [
      `--rpc_host=127.0.0.1:${application.port}`,
      "--ping_interval=0",
      "--rpc_command_timeout=15000",
    ];
    const hawser = await start(...flags);
    const client = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    while (application.callsOf("Connect").length === 0) await Bun.sleep(10);
    hawser.signal("SIGTERM");
    expect(await client.closed()).toEqual({ code: 1001, reason: "Server restart" });
    expect(client.messages).toEqual([RESTART]);
    expect(await elapsedMs(hawser.exited)).toBeLessThan(2000);
    expect(await hawser.exited).toBe(0);
    expect(application.callsOf("Disconnect")).toEqual([]);
  }, 15_000);
});

describe("after a shutdown", () => {
  test("the ports are free at once", async () => {
    const first = await start(...OPEN);
    await welcomed(first);
    first.signal("SIGTERM");
    await first.exited;
    const again = await startHawser([
      ...OPEN,
      `--port=${first.port}`,
      `--http_broadcast_port=${first.broadcastPort}`,
    ]);
    server = again;
    expect((await fetch(`http://127.0.0.1:${first.port}/health`)).status).toBe(200);
  });
});
