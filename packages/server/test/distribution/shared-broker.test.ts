import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { startServer } from "../../src/app/server.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { type JetStreamServer, startJetStream } from "../support/jet-stream.ts";
import { configOf } from "../support/load-config.ts";
import { HAS_NATS } from "../support/nats-server.ts";
import { HAS_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { startTcpFront } from "../support/tcp-front.ts";
import { until } from "../support/until.ts";
import { message } from "./cluster-client.ts";

/** Real servers that share a broker, one of which ends or loses its connection. */

const scratch = createScratch();
let redis: RedisServer;
let nats: JetStreamServer;
const running: { stop(): Promise<void> }[] = [];
const clients: CableClient[] = [];

beforeAll(async () => {
  if (HAS_REDIS) redis = await startRedis({ folder: scratch.path });
  if (HAS_NATS) nats = await startJetStream();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(async () => {
  await redis?.kill();
  await nats?.remove();
  scratch.remove();
});

const BROKERS = [
  {
    name: "Redis",
    has: HAS_REDIS,
    port: () => redis.port,
    flags: (port = redis.port) => ["--broker=redis", `--redis_url=redis://127.0.0.1:${port}`],
  },
  {
    name: "NATS",
    has: HAS_NATS,
    port: () => nats.port,
    flags: (port = nats.port) => ["--broker=nats", `--nats_servers=nats://127.0.0.1:${port}`],
  },
].filter(({ has }) => has);

async function hawser(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser([
    ...["--norpc", "--public", "--broadcast_adapter=http", "--metrics_http=/metrics", ...flags],
  ]);
  running.push(server);
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

const EXTENDED = ["actioncable-v1-ext-json"];

/** A client that remembers where it stands, as AnyCable's does. */
class Rememberer {
  readonly stream: string;
  readonly identifier: string;
  readonly heard: unknown[] = [];
  cable: CableClient;
  #read = 0;
  sid = "";
  #position: { epoch: string; offset: number } | null = null;

  constructor(port: number, stream: string, from: Rememberer | null = null) {
    this.stream = stream;
    this.identifier = JSON.stringify({ channel: "$pubsub", stream_name: stream });
    const query = from === null ? "" : `?sid=${from.sid}`;
    this.cable = new CableClient(`ws://127.0.0.1:${port}/cable${query}`, { protocols: EXTENDED });
    clients.push(this.cable);
    if (from === null) return;
    this.heard.push(...from.heard);
    this.#position = from.#position;
  }

  /** Connects and subscribes, and asks for all that there is. */
  static async join(port: number, stream: string): Promise<Rememberer> {
    const client = new Rememberer(port, stream);
    client.sid = JSON.parse(await client.cable.message(0)).sid;
    const { identifier } = client;
    client.cable.send({ command: "subscribe", identifier, history: { since: 1 } });
    await client.until(() => client.types.includes("confirm_history"));
    return client;
  }

  /** Comes to another server, or the same, and asks for what it missed; whether it has its session back. */
  async comeBack(port: number): Promise<{ restored: boolean; client: Rememberer }> {
    this.read();
    const client = new Rememberer(port, this.stream, this);
    const welcome = JSON.parse(await client.cable.message(0));
    client.sid = welcome.sid;
    const history = { streams: { [this.stream]: this.#position } };
    const { identifier } = client;
    if (welcome.restored) client.cable.send({ command: "history", identifier, history });
    return { restored: welcome.restored === true, client };
  }

  /** Resolves when a server would give it its session back: it is saved with the next tick, and by way of a network. */
  async untilSaved(port: number): Promise<void> {
    await until(async () => {
      const probe = new CableClient(`ws://127.0.0.1:${port}/cable?sid=${this.sid}`, { protocols: EXTENDED });
      const welcome = JSON.parse(await probe.message(0));
      probe.close();
      expect(welcome.restored_ids).toEqual([this.identifier]);
    });
  }

  get types(): unknown[] {
    return this.cable.messages.map((text) => JSON.parse(text).type);
  }

  read(): void {
    for (const text of this.cable.messages.slice(this.#read)) {
      const { message: data, offset, epoch, type } = JSON.parse(text);
      this.#read += 1;
      if (type !== undefined || data === undefined) continue;
      this.heard.push(data);
      if (offset !== undefined) this.#position = { epoch, offset };
    }
  }

  async until(what: () => boolean): Promise<void> {
    await this.cable.until(
      () => {
        this.read();
        return what();
      },
      `that of ${JSON.stringify(this.heard)}`,
      20_000,
    );
  }

  async untilHeard(texts: readonly unknown[]): Promise<void> {
    await this.until(() => this.heard.length >= texts.length);
    expect(this.heard).toEqual([...texts]);
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each(BROKERS)("servers that share a broker in $name", ({ name, flags, port }) => {
  test("give the clients of one that was killed their sessions back, and what they missed", async () => {
    const [a, b] = [await hawser(...flags()), await hawser(...flags())];
    const stream = "killed";
    const there = await Rememberer.join(a.port, stream);
    for (const n of [0, 1]) await publish(b.broadcastPort, message(n, stream));
    await there.untilHeard([0, 1]);
    await there.untilSaved(b.port);
    a.signal("SIGKILL");
    await a.exited;
    for (const n of [2, 3]) await publish(b.broadcastPort, message(n, stream));
    const { restored, client } = await there.comeBack(b.port);
    expect(restored).toBe(true);
    await client.untilHeard([0, 1, 2, 3]);
    await publish(b.broadcastPort, message(4, stream));
    await client.untilHeard(numbers(5));
  }, 60_000);

  test("give those of one that was restarted their sessions back", async () => {
    const [a, b] = [await hawser(...flags()), await hawser(...flags())];
    const stream = "restarted";
    const there = await Rememberer.join(a.port, stream);
    await publish(b.broadcastPort, message(0, stream));
    await there.untilHeard([0]);
    a.signal("SIGTERM");
    await a.exited;
    expect(there.types).toContain("disconnect");
    await publish(b.broadcastPort, message(1, stream));
    const { restored, client } = await there.comeBack(b.port);
    expect(restored).toBe(true);
    await client.untilHeard([0, 1]);
  }, 60_000);

  test("have several threads: the clients of one that died go on with another", async () => {
    const [dying, other] = [await startDying(flags()), await hawser(...flags())];
    const stream = `threads of ${name}`;
    try {
      const all = await Promise.all(Array.from({ length: 8 }, () => Rememberer.join(dying.port, stream)));
      await publish(dying.broadcastPort, message(0, stream));
      for (const client of all) await client.untilHeard([0]);
      for (const client of all) await client.untilSaved(other.port);
      dying.kill();
      await until(() => {
        if (all.every(({ cable }) => cable.closedWith === null)) throw new Error("all are still there");
      });
      await publish(dying.broadcastPort, message(1, stream));
      let lost = 0;
      for (const there of all) {
        if (there.cable.closedWith === null) {
          await there.untilHeard([0, 1]);
          continue;
        }
        lost += 1;
        const { restored, client } = await there.comeBack(dying.port);
        expect(restored).toBe(true);
        await client.untilHeard([0, 1]);
      }
      expect(lost).toBeGreaterThan(0);
    } finally {
      await dying.stop();
    }
  }, 60_000);

  test("tell the clients of one that lost its connection what they missed, once it is back", async () => {
    const front = await startTcpFront([port()]);
    const [nowhere = 0] = await freePorts(1);
    try {
      const [a, b] = [await hawser(...flags(front.port)), await hawser(...flags())];
      const stream = `cut off from ${name}`;
      const all = await Promise.all(Array.from({ length: 3 }, () => Rememberer.join(a.port, stream)));
      let count = 0;
      const publishMore = async () => {
        for (let n = 0; n < 30; n++, count++)
          expect((await publish(b.broadcastPort, message(count, stream))).status).toBe(201);
      };
      await publishMore();
      for (const client of all) await client.untilHeard(numbers(count));
      front.lead([nowhere]);
      front.cut();
      await publishMore();
      for (const client of all) client.read();
      for (const { heard } of all) expect(heard).toHaveLength(30);
      front.lead([port()]);
      await publishMore();
      for (const client of all) await client.untilHeard(numbers(count));
      const caughtUp = (await scrape(a.port)).get('anycable_go_missed_streams_total{result="caught_up"}');
      expect(caughtUp).toBeGreaterThanOrEqual(1);
    } finally {
      front.stop();
    }
  }, 60_000);
});

describe.skipIf(!HAS_REDIS)("a server that loses its connection to Redis", () => {
  test.each([1, 2])(
    "gives its clients all that was published meanwhile, by %d threads",
    async (workers) => {
      const stream = `parted${workers}`;
      const flags = ["--broker=redis", `--redis_url=${redis.url}`];
      const a = await hawser(...flags, `--workers=${workers}`);
      const subscriber = await subscribers();
      const b = await hawser(...flags);
      const all = await Promise.all(Array.from({ length: 4 }, () => Rememberer.join(a.port, stream)));
      const count = 120;
      for (const n of numbers(count)) {
        if (n === 40) await redis.command("CLIENT", "KILL", "ID", subscriber);
        expect((await publish(b.broadcastPort, message(n, stream))).status).toBe(201);
      }
      for (const client of all) await client.untilHeard(numbers(count));
      expect(a.output()).toContain("connection to Redis lost");
      const metrics = await scrape(a.port);
      expect(metrics.get('anycable_go_missed_streams_total{result="caught_up"}')).toBeGreaterThanOrEqual(1);
      expect(metrics.get('anycable_go_missed_streams_total{result="lost"}')).toBeUndefined();
    },
    60_000,
  );
});

/** The id of the only connection to Redis that is subscribed to something. */
async function subscribers(): Promise<string> {
  const list = String(await redis.command("CLIENT", "LIST", "TYPE", "PUBSUB"));
  const ids = [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => id ?? "");
  expect(ids).toHaveLength(1);
  return ids[0] ?? "";
}

/** A server of two threads in this process, so that one of them can be laid hands on. */
async function startDying(flags: readonly string[]) {
  const RuntimeWorker = globalThis.Worker;
  const threads: Worker[] = [];
  globalThis.Worker = class extends RuntimeWorker {
    constructor(...given: ConstructorParameters<typeof RuntimeWorker>) {
      super(...given);
      threads.push(this);
    }
  };
  const [port = 0, broadcastPort = 0] = await freePorts(2);
  const log = new RecordingLog(["debug"]);
  const config = configOf(
    ...["--workers=2", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
    ...["--public", "--norpc", "--shutdown_timeout=5", "--broadcast_adapter=http", ...flags],
  );
  const server = await startServer(config, log, () => ({ ok: true, config }));
  globalThis.Worker = RuntimeWorker;
  await until(() => {
    if (!/ connected/.test(log.text())) throw new Error("not connected");
  });
  return { port, broadcastPort, kill: () => threads[0]?.terminate(), stop: () => server.stop() };
}
