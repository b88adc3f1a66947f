import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

/** Real servers that have their history, sessions and presence in one Redis. */

const scratch = createScratch();
let redis: RedisServer;
const running: HawserProcess[] = [];
const clients: CableClient[] = [];

beforeAll(async () => {
  if (HAS_REDIS) redis = await startRedis({ folder: scratch.path });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(async () => {
  await redis?.kill();
  scratch.remove();
});

async function hawser(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser([
    ...["--norpc", "--public", "--broker=redis", "--broadcast_adapter=http"],
    ...[`--redis_url=${redis.url}`, ...flags],
  ]);
  running.push(server);
  await server.waitFor(/connected .*context=pubsub channel=/);
  await server.waitFor(/connected to Redis .*context=broker/);
  return server;
}

const IDENTIFIER = JSON.stringify({ channel: "$pubsub", stream_name: "chat" });
const EXTENDED = ["actioncable-v1-ext-json"];

/** A client that is connected and has been welcomed. */
async function connect(port: number, query = ""): Promise<CableClient> {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable${query}`, { protocols: EXTENDED });
  clients.push(client);
  await client.message(0);
  return client;
}

const framesOf = (client: CableClient) => client.messages.map((text) => JSON.parse(text));

describe.skipIf(!HAS_REDIS)("servers with a broker in Redis", () => {
  test("have one history: what one of them took, a client of the other is told", async () => {
    const [a, b] = [await hawser(), await hawser()];
    await a.waitFor(/Using Redis broker at 127\.0\.0\.1:\d+ \(history limit: 100, history ttl: 300s, .*\)/);
    for (const n of [1, 2, 3])
      expect((await publish(a.broadcastPort, { stream: "chat", data: String(n) })).status).toBe(201);
    const client = await connect(b.port);
    client.send({ command: "subscribe", identifier: IDENTIFIER, history: { since: 1 } });
    await client.until(() => framesOf(client).some(({ type }) => type === "confirm_history"), "history");
    const told = framesOf(client).filter(({ message }) => message !== undefined);
    expect(told.map(({ message, offset }) => [message, offset])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect((await publish(b.broadcastPort, { stream: "chat", data: "4" })).status).toBe(201);
    await client.until(() => framesOf(client).some(({ message }) => message === 4), "the next message");
    expect(framesOf(client).at(-1)).toMatchObject({ message: 4, offset: 4, epoch: told[0].epoch });
  }, 60_000);

  test("have the same sessions: one that was opened at one of them is resumed at the other", async () => {
    const [a, b] = [await hawser(), await hawser()];
    const first = await connect(a.port);
    const { sid } = JSON.parse(await first.message(0));
    first.send({ command: "subscribe", identifier: IDENTIFIER });
    await first.message(1);
    first.close();
    await until(async () => {
      const second = await connect(b.port, `?sid=${sid}`);
      expect(JSON.parse(await second.message(0))).toMatchObject({
        restored: true,
        restored_ids: [IDENTIFIER],
      });
    });
  }, 60_000);

  test("save again in a Redis that came back empty what those are who are connected", async () => {
    const own = await startRedis({ folder: scratch.path });
    try {
      const flags = [`--redis_url=${own.url}`, "--sessions_ttl=60"];
      const [a, b] = [await hawser(...flags), await hawser(...flags)];
      const ann = await present(a.port, "ann");
      const { sid } = JSON.parse(await ann.message(0));
      await untilSaved(own, sid);
      await own.kill();
      await own.restart();
      await untilSaved(own, sid);
      await until(async () => expect(await own.command("EXISTS", `hawser:{presence}:s:${sid}`)).toBe(1));
      a.signal("SIGKILL");
      await ann.closed(20_000);
      await b.waitFor(/reconnected to Redis .*context=broker/);
      const again = await connect(b.port, `?sid=${sid}`);
      expect(JSON.parse(await again.message(0))).toMatchObject({ restored: true });
      again.send({ command: "presence", identifier: IDENTIFIER });
      await again.until(() => again.messages.join().includes('"total":1'), "the list", 20_000);
    } finally {
      await Promise.all(running.splice(0).map((one) => one.stop()));
      await own.kill();
    }
  }, 60_000);

  test("tell those of the others who comes and who goes, of a server that was killed after the time to live too", async () => {
    const ttl = "--presence_ttl=2";
    const [a, b] = [await hawser(ttl), await hawser(ttl)];
    const follower = await present(b.port, null);
    await untilFollowed(redis);
    const ann = await present(a.port, "ann");
    const bob = await present(a.port, "bob");
    const heard = () =>
      framesOf(follower).flatMap(({ type, message }) => (type === "presence" ? [message] : []));
    const heardIs = (events: object[]) =>
      follower.until(() => Bun.deepEquals(heard(), events), JSON.stringify(events), 20_000);
    const joins = [
      { type: "join", id: "ann", info: { of: "ann" } },
      { type: "join", id: "bob", info: { of: "bob" } },
    ];
    await heardIs(joins);
    const { sid } = JSON.parse(await ann.message(0));
    await untilSaved(redis, sid);
    a.signal("SIGKILL");
    await ann.closed(20_000);
    const again = await connect(b.port, `?sid=${sid}`);
    expect(JSON.parse(await again.message(0))).toMatchObject({ restored: true });
    const killedMs = performance.now();
    await heardIs([...joins, { type: "leave", id: "bob" }]);
    // Silence that others notice, and the time to live.
    expect(performance.now() - killedMs).toBeGreaterThan(4000);
    follower.send({ command: "presence", identifier: IDENTIFIER });
    await follower.until(() => heard().at(-1)?.type === "info", "the list");
    expect(heard().at(-1)).toEqual({ type: "info", total: 1, records: [{ id: "ann", info: { of: "ann" } }] });
    again.send({ command: "leave", identifier: IDENTIFIER });
    await follower.until(() => heard().at(-1)?.id === "ann", "ann's leaving");
    expect(heard().at(-1)).toEqual({ type: "leave", id: "ann" });
    bob.close();
  }, 60_000);

  test("need no more rights than the guide lists", async () => {
    const guide = await Bun.file(join(import.meta.dir, "../../../../docs/guides/scaling.md")).text();
    const [, rights = ""] = /ACL SETUSER hawser ([^\n]+(?:\n {2}[^\n]+)*)/.exec(guide) ?? [];
    const own = await startRedis({ folder: scratch.path });
    try {
      await own.command("ACL", "SETUSER", "hawser", ...rights.replace("…", "secret").split(/[\s\\]+/));
      const flags = [`--redis_url=redis://hawser:secret@127.0.0.1:${own.port}`, "--presence_ttl=1"];
      const [a, b] = [await hawser(...flags), await hawser(...flags)];
      const follower = await present(b.port, null);
      await untilFollowed(own);
      const ann = await present(a.port, "ann");
      expect((await publish(a.broadcastPort, { stream: "chat", data: "1" })).status).toBe(201);
      const seen = (what: string) =>
        follower.until(() => follower.messages.join().includes(what), what, 20_000);
      await seen('"message":1');
      await seen('"type":"join"');
      const { sid } = JSON.parse(await ann.message(0));
      await untilSaved(own, sid);
      ann.close();
      const again = await connect(b.port, `?sid=${sid}`);
      expect(JSON.parse(await again.message(0))).toMatchObject({ restored: true });
      again.send({ command: "history", identifier: IDENTIFIER, history: { since: 1 } });
      await again.until(() => again.messages.join().includes("confirm_history"), "history");
      again.close();
      const command = { command: "disconnect", payload: { identifier: "nobody" } };
      expect((await publish(b.broadcastPort, command)).status).toBe(201);
      await seen('"type":"leave"');
      const denied = await own.command("ACL", "LOG");
      expect(denied).toEqual([]);
    } finally {
      await Promise.all(running.splice(0).map((one) => one.stop()));
      await own.kill();
    }
  }, 60_000);
});

/** A server saves a session a moment after it has changed. */
async function untilSaved(by: RedisServer, sid: string): Promise<void> {
  await until(async () => {
    expect(String(await by.command("GET", `hawser:{sessions}:s:${sid}`))).toContain('"$pubsub\\"');
  });
}

/** A client is told that it follows a stream when Redis is told, and a moment before Redis knows. */
async function untilFollowed(by: RedisServer): Promise<void> {
  await until(async () => {
    expect(JSON.stringify(await by.command("PUBSUB", "NUMSUB", "chat"))).toMatch(/[:,]"?[1-9]/);
  });
}

/** A client that follows the stream and is present there; null for one that only follows. */
async function present(port: number, id: string | null): Promise<CableClient> {
  const client = await connect(port);
  client.send({ command: "subscribe", identifier: IDENTIFIER });
  await client.message(1);
  if (id !== null)
    client.send({ command: "join", identifier: IDENTIFIER, presence: { id, info: { of: id } } });
  return client;
}
