import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { type JetStreamServer, startJetStream } from "../support/jet-stream.ts";
import { HAS_NATS, startNats } from "../support/nats-server.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, untilJoined } from "./cluster-client.ts";

/** Real servers that have their history, sessions and presence in one NATS. */

/** How long a broker that was killed stays away. */
const AWAY_MS = process.env.HAWSER_FULL === "1" ? 5_000 : 500;
const EXTENDED = ["actioncable-v1-ext-json"];

let nats: JetStreamServer;
const running: { stop(): Promise<void> }[] = [];
const clients: { close(): void }[] = [];
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (HAS_NATS) nats = await startJetStream();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((one) => one.stop()));
  for (const clean of cleanups.splice(0)) await clean();
});
afterAll(async () => {
  await nats?.remove();
});

async function hawser(flags: readonly string[] = [], url = nats.url): Promise<HawserProcess> {
  const server = await startHawser([
    ...["--norpc", "--public", "--broker=nats", `--nats_servers=${url}`, ...flags],
  ]);
  running.push(server);
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

async function join({ port }: { readonly port: number }, stream?: string): Promise<ClusterClient> {
  const client = await ClusterClient.join(port, stream, EXTENDED);
  clients.push(client);
  return client;
}

async function connect(port: number, query = ""): Promise<CableClient> {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable${query}`, { protocols: EXTENDED });
  clients.push(client);
  await client.message(0);
  return client;
}

const identifierOf = (stream_name: string) => JSON.stringify({ channel: "$pubsub", stream_name });
const framesOf = (client: CableClient) => client.messages.map((text) => JSON.parse(text));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** What a client was told of a stream, but for questions: messages and their offsets. */
const toldOf = (client: CableClient): [unknown, number][] =>
  framesOf(client)
    .filter(({ message, offset }) => message !== undefined && offset !== undefined)
    .map(({ message, offset }) => [message, offset]);

describe.skipIf(!HAS_NATS)("servers with a broker in NATS", () => {
  test("have one history, and hear it in one order", async () => {
    const [a, b] = [await hawser(), await hawser()];
    expect(a.output()).toContain(
      `Using NATS broker: ${nats.url} (history limit: 100, history ttl: 300s, sessions ttl: 300s, presence ttl: 15s)`,
    );
    const both = [await join(a, "told"), await join(b, "told")];
    await untilJoined(both, a.broadcastPort, "told");
    await Promise.all(
      numbers(60).map((n) => publish((n % 2 === 0 ? a : b).broadcastPort, message(n, "told"))),
    );
    const [first, second] = await Promise.all(both.map((client) => client.untilHeard(60)));
    expect(second).toEqual(first as unknown[]);
    const late = await join(b, "told");
    late.cable.send({ command: "history", identifier: late.identifier, history: { since: 1 } });
    expect(await late.untilHeard(60)).toEqual(first as unknown[]);
  }, 60_000);

  test.each([
    "a.b",
    "a.*",
    ">",
    "with space",
    "/x\\y",
    "$JS.API.INFO",
    "=e",
    "tab\there",
    "é😀",
    "x".repeat(300),
  ])(
    "keep the history of a stream that is named %j (D25)",
    async (stream) => {
      const [a, b] = await servers();
      const client = await connect(b.port);
      const identifier = identifierOf(stream);
      client.send({ command: "subscribe", identifier });
      await client.message(1);
      await until(async () => {
        expect((await publish(a.broadcastPort, message("first", stream))).status).toBe(201);
        await Bun.sleep(50);
        expect(toldOf(client)).not.toEqual([]);
      });
      expect((await publish(a.broadcastPort, message("last", stream))).status).toBe(201);
      await client.until(() => toldOf(client).at(-1)?.[0] === "last", "the last message", 20_000);
      const late = await connect(a.port);
      late.send({ command: "subscribe", identifier, history: { since: 1 } });
      await late.until(() => toldOf(late).at(-1)?.[0] === "last", "the history", 20_000);
      expect(toldOf(late).slice(-toldOf(client).length)).toEqual(toldOf(client));
    },
    60_000,
  );

  test("resume the session of a server that is killed under fire, with each message once and in order", async () => {
    const [a, b] = [await hawser(["--history_limit=10000"]), await hawser(["--history_limit=10000"])];
    const identifier = identifierOf("fire");
    const first = await connect(a.port);
    const { sid } = JSON.parse(await first.message(0));
    first.send({ command: "subscribe", identifier, history: { since: 1 } });
    await first.until(
      () => framesOf(first).some(({ type }) => type === "confirm_history"),
      "history",
      20_000,
    );
    let isOver = false;
    let last = -1;
    const fire = (async () => {
      while (!isOver) {
        last += 1;
        expect((await publish(b.broadcastPort, message(last, "fire"))).status).toBe(201);
      }
    })();
    await first.until(() => toldOf(first).length > 50, "50 messages", 20_000);
    a.signal("SIGKILL");
    await a.exited;
    const { offset, epoch } = framesOf(first).findLast(({ offset: at }) => at !== undefined);
    await Bun.sleep(100);
    const second = await connect(b.port, `?sid=${sid}`);
    expect(framesOf(second)[0]).toMatchObject({ restored: true, restored_ids: [identifier] });
    second.send({ command: "history", identifier, history: { streams: { fire: { offset, epoch } } } });
    await second.until(() => toldOf(second).length > 100, "100 more", 20_000);
    isOver = true;
    await fire;
    await second.until(() => toldOf(second).at(-1)?.[0] === last, "the last message", 20_000);
    const all = [...toldOf(first), ...toldOf(second)];
    expect(all.map(([number]) => number)).toEqual(numbers(last + 1));
    expect(all.map(([, at]) => at)).toEqual(numbers(last + 1).map((n) => n + 1));
  }, 90_000);

  test("tell those of the others who comes and who goes, of a server that was killed after the time to live too", async () => {
    const ttl = ["--presence_ttl=2"];
    const [a, b] = [await hawser(ttl), await hawser(ttl)];
    const identifier = identifierOf("there");
    const follower = await present(b.port, identifier, null);
    const bob = await present(a.port, identifier, "bob");
    const heard = () =>
      framesOf(follower).flatMap(({ type, message: event }) => (type === "presence" ? [event] : []));
    const heardIs = (events: object[]) =>
      follower.until(() => Bun.deepEquals(heard(), events), JSON.stringify(events), 40_000);
    const came = { type: "join", id: "bob", info: { of: "bob" } };
    const went = { type: "leave", id: "bob" };
    await heardIs([came]);
    const again = await present(b.port, identifier, "bob");
    bob.close();
    again.send({ command: "presence", identifier });
    await again.until(
      () => framesOf(again).some(({ message: it }) => it?.type === "info"),
      "the list",
      20_000,
    );
    again.close();
    await heardIs([came, went]);
    await present(a.port, identifier, "bob");
    await heardIs([came, went, came]);
    a.signal("SIGKILL");
    await heardIs([came, went, came, went]);
    follower.send({ command: "presence", identifier });
    await follower.until(() => heard().at(-1)?.type === "info", "the list", 20_000);
    expect(heard().at(-1)).toEqual({ type: "info", total: 0 });
  }, 90_000);

  test("refuse what is published while NATS is killed, drop nobody, and go on with its store", async () => {
    const own = await startJetStream();
    cleanups.push(() => own.remove());
    const [a, b] = [
      await hawser(["--history_limit=10000"], own.url),
      await hawser(["--history_limit=10000"], own.url),
    ];
    const both = [await join(a), await join(b)];
    await untilJoined(both, a.broadcastPort);
    const statuses = new Set<number>();
    const accepted: number[] = [];
    let last = 0;
    const say = async () => {
      last += 1;
      const said = last;
      const { status } = await publish(a.broadcastPort, message(said));
      statuses.add(status);
      if (status === 201) accepted.push(said);
    };
    for (let n = 0; n < 100; n++) await say();
    void own.kill();
    await until(async () => {
      await say();
      expect(statuses).toContain(503);
    });
    await Bun.sleep(AWAY_MS);
    await own.restart();
    await Promise.all([a, b].map((server) => server.waitFor(/ reconnected .*context=pubsub channel=/)));
    await until(async () => {
      await say();
      expect(accepted.at(-1)).toBe(last);
    });
    for (let n = 0; n < 100; n++) await say();
    for (const client of both) {
      await client.cable.until(() => client.heard.at(-1) === last, "the last message", 20_000);
      const heard = client.heard as number[];
      expect(heard).toEqual([...new Set(heard)].sort((x, y) => x - y));
      // What was refused may have been stored in the last moment.
      expect(heard.filter((said) => accepted.includes(said))).toEqual(accepted);
      expect(client.cable.closedWith).toBeNull();
    }
    expect(statuses).toEqual(new Set([201, 503]));
    for (const server of [a, b]) expect(server.output()).not.toMatch(/bug|[Uu]nhandled/);
  }, 90_000);

  test("say in one line that a NATS has no JetStream, refuse what is to be kept, and go on once it has", async () => {
    const own = await startNats();
    const a = await hawser([], own.url);
    await a.waitFor(/JetStream cannot be used; trying again .*start nats-server with --jetstream/);
    const client = await join(a);
    const refused = await publish(a.broadcastPort, message(1));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({ error: "history could not take it; publish again later" });
    expect((await publish(a.broadcastPort, { ...message(2), meta: { transient: true } })).status).toBe(201);
    expect(await client.untilHeard(1)).toEqual([2]);
    const other = await startJetStream();
    const store = other.args;
    await other.kill();
    await own.kill();
    cleanups.push(
      () => own.kill(),
      () => other.remove(),
    );
    await own.restart(store);
    await a.waitFor(/ reconnected .*context=pubsub channel=/);
    // What comes before JetStream is found waits for it.
    expect((await publish(a.broadcastPort, message(3))).status).toBe(201);
    expect(await client.untilHeard(2)).toEqual([2, 3]);
    expect(a.output().match(/JetStream cannot be used/g)).toHaveLength(1);
  }, 60_000);

  test("give the streams that there are other limits when those are changed", async () => {
    const [stream, identifier] = ["limits", identifierOf("limits")];
    const before = await hawser(["--history_limit=10"]);
    for (const n of numbers(5)) await publish(before.broadcastPort, message(n, stream));
    await before.stop();
    const after = await hawser(["--history_limit=2", "--history_ttl=60"]);
    await publish(after.broadcastPort, message(5, stream));
    const client = await connect(after.port);
    client.send({ command: "subscribe", identifier, history: { since: 1 } });
    await client.until(
      () => framesOf(client).some(({ type }) => type === "confirm_history"),
      "history",
      20_000,
    );
    expect(toldOf(client)).toEqual([
      [4, 5],
      [5, 6],
    ]);
  }, 60_000);
});

let shared: Promise<[HawserProcess, HawserProcess]> | null = null;
afterAll(async () => {
  for (const server of (await shared) ?? []) await server.stop();
});

/** Two that serve several tests. */
function servers(): Promise<[HawserProcess, HawserProcess]> {
  shared ??= (async () => {
    const pair: [HawserProcess, HawserProcess] = [await hawser(), await hawser()];
    running.splice(0);
    return pair;
  })();
  return shared;
}

/** A client that follows the stream and is present there; null for one that only follows. */
async function present(port: number, identifier: string, id: string | null): Promise<CableClient> {
  const client = await connect(port);
  client.send({ command: "subscribe", identifier });
  await client.message(1);
  if (id !== null) client.send({ command: "join", identifier, presence: { id, info: { of: id } } });
  return client;
}
