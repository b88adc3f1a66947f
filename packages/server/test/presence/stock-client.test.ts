import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Channel, createCable } from "@anycable/core";
import { createCable as createApplication, serveRpc } from "@hawser/sdk";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";

/** AnyCable's own client, unmodified, and its presence API, against the real server. */

const SECRET = "a secret of thirty-two characters";
const TTL_S = 3;

type PresenceMessage = { type: string; id?: string; info?: unknown };

/** A socket that a test can cut, as a network does: without a word to either side. */
class CuttableSocket extends WebSocket {
  static newest: CuttableSocket | null = null;

  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols);
    CuttableSocket.newest = this;
  }

  cut(): void {
    this.terminate();
  }
}

let server: HawserProcess;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startHawser([
    ...["--norpc", "--noauth", "--public_streams", "--broker=memory", `--secret=${SECRET}`],
    `--presence_ttl=${TTL_S}`,
  ]);
});

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

afterAll(async () => {
  await server?.stop();
});

/** A client, and what it was told of presence. */
function connect(to: { readonly port: number } = server) {
  const cable = createCable(`ws://127.0.0.1:${to.port}/cable`, {
    protocol: "actioncable-v1-ext-json",
    logLevel: "error",
    reconnectStrategy: () => 100,
    websocketImplementation: CuttableSocket,
    auth: { token: goodToken(SECRET, "ann") },
    websocketAuthStrategy: "sub-protocol",
  });
  cleanups.push(() => cable.disconnect());
  const follow = (channel: Channel) => {
    const events: PresenceMessage[] = [];
    let connects = 0;
    channel.on("presence", (event) => events.push(event as PresenceMessage));
    channel.on("connect", () => {
      connects += 1;
    });
    return { channel, events, connects: () => connects };
  };
  return { cable, follow, stream: (name: string) => follow(cable.streamFrom(name)) };
}

async function until(met: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + 20_000; !met(); await Bun.sleep(10)) {
    if (performance.now() > endMs) throw new Error(`it never came to this: ${what}`);
  }
}

/** Who is there, asked anew. */
async function present({ channel }: { readonly channel: Channel }): Promise<unknown> {
  channel.presence.reset();
  return channel.presence.info();
}

const JOINED = (id: string, info: unknown): PresenceMessage => ({ type: "join", id, info });
const LEFT = (id: string): PresenceMessage => ({ type: "leave", id });
const changes = (events: readonly PresenceMessage[]) => events.filter(({ type }) => type !== "info");

describe("AnyCable's client", () => {
  test("joins, knows who is there, hears of the others, and leaves", async () => {
    const name = crypto.randomUUID();
    const [one, other] = [connect().stream(name), connect().stream(name)];
    for (const { channel } of [one, other]) await channel.ensureSubscribed();
    await one.channel.presence.join("7", { name: "Ann" });
    await until(() => other.events.length === 1, "the join is heard");
    expect(await other.channel.presence.info()).toEqual({ 7: { name: "Ann" } });
    await other.channel.presence.join("8", { name: "Ben" });
    await until(
      () => other.events.filter(({ type }) => type === "join").length === 2,
      "its own join is heard",
    );
    // Kept up to date by what it hears.
    expect(await other.channel.presence.info()).toEqual({ 7: { name: "Ann" }, 8: { name: "Ben" } });
    await one.channel.presence.leave();
    await until(() => changes(other.events).length === 3, "the leave is heard");
    expect(changes(other.events)).toEqual([
      JOINED("7", { name: "Ann" }),
      JOINED("8", { name: "Ben" }),
      LEFT("7"),
    ]);
    expect(await present(one)).toEqual({ 8: { name: "Ben" } });
  });

  test("that joins before it is connected is there once it is", async () => {
    const name = crypto.randomUUID();
    const { stream } = connect();
    const one = stream(name);
    void one.channel.presence.join("7", { name: "Ann" });
    await one.channel.ensureSubscribed();
    await until(() => one.events.length === 1, "the join is heard");
    expect(await present(one)).toEqual({ 7: { name: "Ann" } });
  });

  test("with one id in two tabs is there until both have left", async () => {
    const name = crypto.randomUUID();
    const [tab, second, other] = [connect().stream(name), connect().stream(name), connect().stream(name)];
    for (const { channel } of [tab, second, other]) await channel.ensureSubscribed();
    await tab.channel.presence.join("7", { tab: 1 });
    await until(() => other.events.length === 1, "the join is heard");
    await second.channel.presence.join("7", { tab: 2 });
    await until(() => second.events.length === 1, "the second tab has heard of the first");
    expect(await present(second)).toEqual({ 7: { tab: 2 } });
    await tab.channel.presence.leave();
    expect(await present(tab)).toEqual({ 7: { tab: 2 } });
    second.channel.disconnect(); // unsubscribes
    await until(() => changes(other.events).length === 2, "the leave is heard");
    expect(changes(other.events)).toEqual([JOINED("7", { tab: 1 }), LEFT("7")]);
  });

  test("whose connection is cut is there again under its new session, and nobody hears of it", async () => {
    const name = crypto.randomUUID();
    const one = connect().stream(name);
    const { newest: own } = CuttableSocket;
    const other = connect().stream(name);
    for (const { channel } of [one, other]) await channel.ensureSubscribed();
    await one.channel.presence.join("7", { name: "Ann" });
    await until(() => other.events.length === 1, "the join is heard");
    own?.cut();
    await until(() => one.connects() === 2, "the client is back");
    // Past the time of its old session.
    await Bun.sleep((TTL_S + 2) * 1000);
    expect(await present(other)).toEqual({ 7: { name: "Ann" } });
    expect(changes(other.events)).toEqual([JOINED("7", { name: "Ann" })]);
    await one.channel.presence.leave();
    await until(() => changes(other.events).length === 2, "the leave is heard");
  });

  test("that is lost is there for a while yet, and then gone", async () => {
    const name = crypto.randomUUID();
    const one = connect();
    const [mine, other] = [one.stream(name), connect().stream(name)];
    for (const { channel } of [mine, other]) await channel.ensureSubscribed();
    await mine.channel.presence.join("7", { name: "Ann" });
    await until(() => other.events.length === 1, "the join is heard");
    const lostMs = performance.now();
    one.cable.disconnect();
    await Bun.sleep(200);
    expect(changes(other.events)).toHaveLength(1);
    expect(await present(other)).toEqual({ 7: { name: "Ann" } });
    await until(() => changes(other.events).length === 2, "the leave is heard");
    expect(performance.now() - lostMs).toBeGreaterThan(TTL_S * 1000 - 50);
    expect(changes(other.events)).toEqual([JOINED("7", { name: "Ann" }), LEFT("7")]);
    expect(await present(other)).toEqual({});
  });

  test("is shown by an application on the SDK, under the id that this one vouches for", async () => {
    const application = createApplication<{ user: string }>({
      identifiers: (raw) => ({ user: String(Object(raw).user) }),
    }).channel("RoomChannel", {
      subscribed(ctx) {
        const { user } = ctx.connection.identifiers;
        ctx.streamFrom("room");
        ctx.joinPresence("room", user, { name: user.toUpperCase() });
      },
      actions: { away: (ctx) => ctx.leavePresence() },
    });
    const service = await serveRpc(application, { port: 0, host: "127.0.0.1", secret: SECRET });
    cleanups.push(() => service.close());
    const behind = await startHawser([
      ...[`--secret=${SECRET}`, "--enforce_jwt", "--broker=memory"],
      `--rpc_host=127.0.0.1:${service.port}`,
    ]);
    cleanups.push(() => behind.stop());
    const { cable, follow } = connect(behind);
    const room = follow(cable.subscribeTo("RoomChannel"));
    await until(() => room.events.length === 1, "its own join is heard");
    expect(room.events).toEqual([JOINED("ann", { name: "ANN" })]);
    expect(await present(room)).toEqual({ ann: { name: "ANN" } });
    await room.channel.perform("away");
    await until(() => changes(room.events).length === 2, "the leave is heard");
    expect(changes(room.events)[1]).toEqual(LEFT("ann"));
  });
});
