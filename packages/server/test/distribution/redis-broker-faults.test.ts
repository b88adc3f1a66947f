import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { PresenceEvent } from "@hawser/core/broker/presence";
import { ANN } from "@hawser/core/broker/sessions.contract";
import type { RedisBrokerOptions } from "../../src/broker/redis/redis-broker.ts";
import { PRESENCE, part, type RedisBrokerRig, startRedisBroker } from "../support/redis-broker-rig.ts";
import {
  HAS_REDIS,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
} from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

/** What becomes of a broker in Redis when Redis, or another server, is not what it was. */

const scratch = createScratch();
const nodes: RedisServer[] = [];
const rigs: RedisBrokerRig[] = [];

afterEach(async () => {
  await Promise.all(rigs.splice(0).map(({ broker }) => broker.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});
afterAll(() => scratch.remove());

async function redis(...args: string[]): Promise<RedisServer> {
  const started = await startRedis({ folder: scratch.path, args });
  nodes.push(started);
  return started;
}

async function start({ url }: { url: string }, options: Partial<RedisBrokerOptions> = {}) {
  const rig = await startRedisBroker(url, options);
  rigs.push(rig);
  return {
    history: part(rig.broker.history),
    sessions: part(rig.broker.sessions),
    presence: part(rig.broker.presence),
    ...rig,
  };
}

const linesOf = ({ lines }: RedisBrokerRig["log"], wanted: string) =>
  lines.map(({ level, message }) => (level === wanted ? message : "")).join();

const TOLD = { excludeSid: null, broadcastType: null, transient: false, position: null };

/** What is heard by a channel, parsed. */
async function hear(
  url: string,
  channel: string,
): Promise<{ heard: Record<string, unknown>[]; stop(): void }> {
  const heard: Record<string, unknown>[] = [];
  const client = new Bun.RedisClient(url);
  await client.subscribe(channel, (text) => heard.push(JSON.parse(text)));
  return { heard, stop: () => client.close() };
}

describe.skipIf(!HAS_REDIS)("the broker in Redis", () => {
  test("hands on what it keeps with its position, in one order for all", async () => {
    const one = await redis();
    const [a, b] = [await start(one), await start(one)];
    const { heard, stop } = await hear(one.url, "s");
    const publications = Array.from({ length: 200 }, (_, n) => {
      const message = JSON.stringify({ n, text: 'ü😀"\\u2028/' });
      const publication = { ...TOLD, stream: "s", message, excludeSid: "x" };
      return part((n % 2 === 0 ? a : b).history.publish)(publication);
    });
    await Promise.all(publications);
    await until(() => expect(heard).toHaveLength(200));
    stop();
    const { epoch = "" } = (await a.history.head("s")) ?? {};
    expect(heard.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    for (const message of heard)
      expect(message).toMatchObject({ stream: "s", epoch, meta: { exclude_socket: "x" } });
    const backlog = await b.history.after("s", { epoch, offset: 100 });
    expect(backlog.kept && backlog.messages.map(({ message }) => message)).toEqual(
      heard.slice(100).map(({ data }) => String(data)),
    );
  });

  test("hands on in one order in a cluster as well, whichever of its nodes one listens at", async () => {
    const cluster = await startRedisCluster(scratch.path);
    nodes.push(...cluster);
    const url = cluster.map((node) => node.url).join();
    const [a, b] = [await start({ url }), await start({ url })];
    // Two streams that are on different nodes, to be heard at one that has only one of them.
    const listeners = await Promise.all(
      ["s1", "s2", "s3"].flatMap((stream) => cluster.map((node) => hear(node.url, stream))),
    );
    const calls: Promise<void>[] = [];
    for (let n = 0; n < 300; n++)
      for (const stream of ["s1", "s2", "s3"])
        calls.push(part((n % 2 === 0 ? a : b).history.publish)({ ...TOLD, stream, message: String(n) }));
    await Promise.all(calls);
    for (const { heard, stop } of listeners) {
      await until(() => expect(heard).toHaveLength(300));
      stop();
      expect(heard.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    }
  }, 60_000);

  test("begins another epoch when Redis was restarted, for what it lost is not known, and forgets nothing that it has", async () => {
    const folder = ["--appendonly", "yes", "--appendfsync", "always", "--appenddirname", crypto.randomUUID()];
    const one = await redis(...folder);
    const { history } = await start(one);
    for (const message of ["1", "2", "3"]) await history.append("a", message);
    const before = part(await history.head("a"));
    await one.kill();
    await one.restart();
    await until(async () => expect(await history.head("a")).toEqual(before));
    const after = part(await history.append("a", "4"));
    expect(after.offset).toBe(4);
    expect(after.epoch).not.toBe(before.epoch);
    // Who was told up to 2 or 3 before is told the rest; who says that it was told more was told what Redis has lost.
    for (const [offset, messages] of [
      [2, ["3", "4"]],
      [3, ["4"]],
    ] as const) {
      const backlog = await history.after("a", { epoch: before.epoch, offset });
      expect(backlog.kept && backlog.epoch).toBe(after.epoch);
      expect(backlog.kept && backlog.messages.map(({ message }) => message)).toEqual([...messages]);
    }
    expect(await history.after("a", { epoch: before.epoch, offset: 4 })).toMatchObject({ kept: false });
    expect(await history.after("a", { epoch: after.epoch, offset: 4 })).toMatchObject({
      kept: true,
      messages: [],
    });
  }, 60_000);

  test("goes on with a Redis that came back empty, says who is present again, and rejects meanwhile", async () => {
    const one = await redis();
    const { history, sessions, presence, log } = await start(one, { presence: { ...PRESENCE, tells: true } });
    const first = part(await history.append("a", "1"));
    await presence.join("room", "sid1", "ann", '{"n":1}');
    await presence.join("room", "sid2", "bob", null);
    await sessions.save("s1", ANN);
    await one.kill();
    await until(async () => expect(linesOf(log, "warn")).toContain("connection to Redis lost"));
    const startedMs = performance.now();
    const failing = [
      part(history.publish)({ ...TOLD, stream: "a", message: "2" }),
      ...[history.append("a", "2"), history.after("a", first), history.since("a", 1), sessions.find("s1")],
      ...[
        sessions.save("s2", ANN),
        presence.join("room", "sid3", "cid", null),
        presence.disconnected("sid2"),
      ],
      ...[presence.info("room"), sessions.removeOf("x"), sessions.remove("s9")],
    ];
    for (const { status, ...rest } of await Promise.allSettled(failing)) {
      expect(status).toBe("rejected");
      expect("reason" in rest && String(rest.reason.message)).toMatch(
        / in Redis: there is no connection to Redis; /,
      );
    }
    expect(performance.now() - startedMs).toBeLessThan(1000);
    await one.restart();
    await until(async () => expect(await sessions.find("s1")).toBeNull());
    const again = part(await history.append("a", "3"));
    expect(again.offset).toBe(1);
    expect(again.epoch).not.toBe(first.epoch);
    expect(await history.after("a", first)).toMatchObject({ kept: false });
    await until(async () =>
      expect(JSON.parse(await presence.info("room"))).toEqual({
        type: "info",
        total: 1,
        records: [{ info: { n: 1 }, id: "ann" }],
      }),
    );
  }, 60_000);

  test("removes and saves sessions when Redis is back as it could not while it was away", async () => {
    const one = await redis(
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--appenddirname",
      crypto.randomUUID(),
    );
    const { sessions } = await start(one);
    for (const sid of ["s1", "s2", "s3"]) await sessions.save(sid, { ...ANN, identifiers: sid });
    await one.kill();
    await until(() => expect(sessions.removeOf("s1")).rejects.toThrow("no connection"));
    await expect(sessions.remove("s2")).rejects.toThrow("no connection");
    // What was saved meanwhile is there, unless it was removed after that.
    for (const sid of ["s4", "s5", "s6"])
      await expect(sessions.save(sid, { ...ANN, identifiers: sid })).rejects.toThrow("no connection");
    await expect(sessions.remove("s5")).rejects.toThrow("no connection");
    await expect(sessions.removeOf("s6")).rejects.toThrow("no connection");
    await one.restart();
    await until(async () => expect(await sessions.find("s3")).not.toBeNull());
    expect(await sessions.find("s1")).toBeNull();
    expect(await sessions.find("s2")).toBeNull();
    expect(await sessions.find("s4")).not.toBeNull();
    for (const sid of ["s5", "s6"]) expect(await sessions.find(sid)).toBeNull();
  }, 60_000);

  test("gives a Redis up that does not answer, so that nobody waits for it for long", async () => {
    const one = await redis();
    const { history } = await start(one);
    one.signal("SIGSTOP");
    const startedMs = performance.now();
    await expect(Promise.resolve(history.append("a", "1"))).rejects.toThrow();
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    one.signal("SIGCONT");
    await until(() => history.append("a", "2"));
  }, 60_000);

  test("runs scripts that Redis has forgotten, and says of messages that were evicted that they are gone", async () => {
    const one = await redis();
    const { history } = await start(one);
    const { epoch } = part(await history.append("a", "1"));
    await one.command("SCRIPT", "FLUSH");
    expect(await history.append("a", "2")).toEqual({ epoch, offset: 2 });
    await one.command("DEL", "hawser:m:{.a}");
    expect(await history.after("a", { epoch, offset: 2 })).toMatchObject({ kept: true, messages: [] });
    expect(await history.after("a", { epoch, offset: 1 })).toMatchObject({ kept: false });
    await history.append("a", "3");
    expect(await history.after("a", { epoch, offset: 1 })).toMatchObject({ kept: false });
    expect(await history.after("a", { epoch, offset: 2 })).toMatchObject({
      kept: true,
      messages: [{ offset: 3 }],
    });
    await one.command("DEL", "hawser:h:{.a}");
    expect((await history.append("a", "4"))?.epoch).not.toBe(epoch);
    expect(await history.since("a", 1)).toMatchObject({
      kept: true,
      messages: [{ offset: 1, message: "4" }],
    });
  });

  test("keeps nothing for long where the time to live is none, and hands on all the same", async () => {
    const one = await redis();
    const { history } = await start(one, { history: { limit: 10, ttlMs: 0 } });
    const { heard, stop } = await hear(one.url, "s");
    await part(history.publish)({ ...TOLD, stream: "s", message: "1" });
    await until(() => expect(heard).toMatchObject([{ data: "1", offset: 1 }]));
    stop();
    await until(async () => expect(await one.command("DBSIZE")).toBeLessThanOrEqual(1)); // the server's name
  });

  test("is there again for all keys when a node of a cluster was away, and rejects those of it meanwhile", async () => {
    const cluster = await startRedisCluster(scratch.path);
    nodes.push(...cluster);
    const { history } = await start({ url: cluster.map((node) => node.url).join() });
    const streams = Array.from({ length: 20 }, (_, n) => `s${n}`);
    const append = () =>
      Promise.allSettled(streams.map((stream) => Promise.resolve(history.append(stream, "1"))));
    for (const { status } of await append()) expect(status).toBe("fulfilled");
    await cluster[1].kill();
    await until(async () => expect((await append()).some(({ status }) => status === "rejected")).toBe(true));
    const startedMs = performance.now();
    await append();
    expect(performance.now() - startedMs).toBeLessThan(8000);
    await cluster[1].restart();
    await until(async () => {
      for (const outcome of await append())
        expect("reason" in outcome ? String(outcome.reason) : outcome.status).toBe("fulfilled");
    });
  }, 60_000);

  test("goes on by the replica that Sentinels make the master, under another epoch, and tells what it has", async () => {
    const [master, replica] = [await redis(), await redis()];
    await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
    const sentinel = await startSentinel(scratch.path, master.port);
    nodes.push(sentinel);
    await until(async () =>
      expect(JSON.stringify(await sentinel.command("SENTINEL", "REPLICAS", "main"))).toContain(
        String(replica.port),
      ),
    );
    const { history, sessions } = await start({ url: `redis://127.0.0.1:${sentinel.port}?master_set=main` });
    for (const message of ["1", "2", "3"]) await history.append("a", message);
    await sessions.save("s1", ANN);
    const before = part(await history.head("a"));
    expect(await master.command("WAIT", "1", "10000")).toBe(1);
    await master.kill();
    nodes.splice(nodes.indexOf(master), 1);
    const after = part(await until(() => history.append("a", "4")));
    expect(after.offset).toBe(4);
    expect(after.epoch).not.toBe(before.epoch);
    const backlog = await history.after("a", { epoch: before.epoch, offset: 2 });
    expect(backlog.kept && backlog.messages.map(({ message }) => message)).toEqual(["3", "4"]);
    expect(await sessions.find("s1")).toEqual(ANN);
  }, 60_000);

  test("lets nobody have a session again that was saved before its identity was removed by another server", async () => {
    const one = await redis();
    const [a, b] = [await start(one), await start(one)];
    await a.sessions.save("s1", ANN);
    await b.sessions.removeOf(ANN.identifiers);
    await a.sessions.renew("s1");
    expect(await a.sessions.find("s1")).toBeNull();
    await a.sessions.save("s1", ANN);
    expect(await b.sessions.find("s1")).toEqual(ANN);
    expect(await one.command("PTTL", "hawser:{sessions}:s:s1")).toBeGreaterThan(50_000);
  });
});

describe.skipIf(!HAS_REDIS)("presence in Redis", () => {
  const QUICK = { ...PRESENCE, ttlMs: 300, silentMs: 400 };

  async function following(
    rigsOf: readonly {
      presence: { onExpired(hear: (stream: string, event: PresenceEvent) => void): void };
    }[],
  ) {
    const expired: string[] = [];
    for (const { presence } of rigsOf)
      presence.onExpired((stream, { id }) => expired.push(`${stream} ${id}`));
    return expired;
  }

  test("lets the sessions of a server go that died without a word, once, and keeps who went on at another", async () => {
    const one = await redis();
    const options = { presence: QUICK };
    const [dead, b, c] = [await start(one, options), await start(one, options), await start(one, options)];
    const expired = await following([b, c]);
    for (let n = 0; n < 500; n++) await dead.presence.join("room", `sid${n}`, `user ${n}`, null);
    await b.presence.join("room", "of b", "bob", null);
    await dead.broker.close();
    await b.presence.resumed("sid7", "sid7 again");
    await until(() => expect(expired).toHaveLength(499));
    expect(expired).not.toContain("room user 7");
    expect(new Set(expired).size).toBe(499);
    await Bun.sleep(500);
    expect(JSON.parse(await c.presence.info("room")).records).toEqual(
      expect.arrayContaining([{ id: "bob" }, { id: "user 7" }]),
    );
    expect(JSON.parse(await c.presence.info("room")).total).toBe(2);
    const keys = (await one.command("KEYS", "hawser:{presence}*")) as string[];
    expect(keys.filter((key) => /:(s:sid\d+|strays|lost|of:.*)$/.test(key)).length).toBeLessThanOrEqual(1);
  }, 60_000);

  test("takes nobody out whose server was only taken for dead, and says so to it", async () => {
    const one = await redis();
    const patient = { presence: { ...QUICK, ttlMs: 3000 } };
    const [slow, other] = [await start(one, patient), await start(one, patient)];
    const expired = await following([slow, other]);
    for (let n = 0; n < 50; n++) await slow.presence.join("room", `sid${n}`, `user ${n}`, null);
    // As another server does that finds a silent one.
    const [name = ""] = (await one.command("KEYS", "hawser:{presence}:of:*")) as string[];
    const id = name.slice(name.lastIndexOf(":") + 1);
    await one.command("ZREM", "hawser:{presence}:servers", id);
    await one.command("SADD", "hawser:{presence}:strays", id);
    await until(() => expect(linesOf(slow.log, "info")).toContain("not known in Redis any more"));
    await until(async () => expect(await one.command("ZCARD", "hawser:{presence}:lost")).toBe(0));
    await Bun.sleep(3500);
    expect(expired).toEqual([]);
    expect(JSON.parse(await other.presence.info("room")).total).toBe(50);
    expect(await slow.presence.leave("room", "sid0")).toMatchObject({ done: true, event: { type: "leave" } });
  }, 60_000);

  test("lets nobody go because Redis was away for longer than a server may be silent", async () => {
    const one = await redis(
      ...["--appendonly", "yes", "--appendfsync", "always", "--appenddirname", crypto.randomUUID()],
    );
    const options = { presence: { ...QUICK, silentMs: 3000 } };
    const rigsHere = [await start(one, options), await start(one, options), await start(one, options)];
    const expired = await following(rigsHere);
    for (const [at, { presence }] of rigsHere.entries())
      await presence.join("room", `sid${at}`, `${at}`, null);
    await one.kill();
    await Bun.sleep(3500);
    await one.restart();
    for (const { presence } of rigsHere) await until(() => presence.info("room"));
    await Bun.sleep(1000);
    expect(expired).toEqual([]);
    expect(JSON.parse(String(await rigsHere[0]?.presence.info("room"))).total).toBe(3);
  }, 60_000);

  test("tells joins and leaves in the order in which they happened, to all", async () => {
    const one = await redis();
    const options = { presence: { ...QUICK, tells: true } };
    const [a, b] = [await start(one, options), await start(one, options)];
    const { heard, stop } = await hear(one.url, "room");
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 100; n++)
      for (const [at, { presence }] of [a, b].entries()) {
        calls.push(Promise.resolve(presence.join("room", `sid${at}`, 'a "b" ü/', '{"x":"</\\u2028"}')));
        calls.push(Promise.resolve(presence.leave("room", `sid${at}`)));
      }
    for (const outcome of await Promise.all(calls))
      expect(outcome).toMatchObject({ done: true, event: null });
    await b.presence.join("room", "z", "last", null);
    await until(() => expect(String(heard.at(-1)?.data)).toContain("last"));
    stop();
    const types = heard.map(({ data, meta, stream }) => {
      expect(meta).toEqual({ broadcast_type: "presence", transient: true });
      expect(stream).toBe("room");
      return JSON.parse(String(data)).type;
    });
    for (const [at, type] of types.entries()) expect(type).toBe(at % 2 === 0 ? "join" : "leave");
    expect(JSON.parse(String(heard[0]?.data))).toEqual({
      id: 'a "b" ü/',
      info: { x: "</\u2028" },
      type: "join",
    });
  });
});
