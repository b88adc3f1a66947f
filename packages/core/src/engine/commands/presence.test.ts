import { describe, expect, test } from "bun:test";
import type { Broker } from "../../broker/broker.ts";
import { MemoryPresence } from "../../broker/memory-presence.ts";
import type { Presence } from "../../broker/presence.ts";
import { CableError } from "../../errors.ts";
import { CHAT, GOOD, PUBSUB, settle, setUp } from "../../testing/engine-rig.ts";
import type { ManualClock } from "../../testing/manual-clock.ts";
import { commandReply, ScriptedBackend } from "../../testing/scripted-backend.ts";

const TTL_MS = 15_000;

function brokerOf(presence: Presence): Broker {
  return { history: null, sessions: null, presence, close: () => {} };
}

const inMemory = (clock: ManualClock) => brokerOf(new MemoryPresence(clock, TTL_MS));

/** Clients that follow the public stream `chat`, each with what it got since. */
function room(size: number, broker: (clock: ManualClock) => Broker = inMemory) {
  const rig = setUp({ broker });
  const clients = Array.from({ length: size }, () => {
    const client = rig.open(GOOD);
    client.say({ command: "subscribe", identifier: PUBSUB });
    client.connection.sent.length = 0;
    return client;
  });
  return { ...rig, clients };
}

const join = (id: string, info?: unknown) => ({
  command: "join",
  identifier: PUBSUB,
  presence: { id, info },
});
const LEAVE = { command: "leave", identifier: PUBSUB };
const ASK = { command: "presence", identifier: PUBSUB };
const frame = (message: string) =>
  `{"type":"presence","identifier":${JSON.stringify(PUBSUB)},"message":${message}}`;
const NOBODY = frame('{"type":"info","total":0}');

describe("presence", () => {
  test("is told to all who follow the stream, in the reference's member order", () => {
    const { clients } = room(2);
    clients[0]?.say(join("u", { name: "Ann" }));
    clients[1]?.say(ASK);
    clients[0]?.say(LEAVE);
    const events = [
      frame('{"id":"u","info":{"name":"Ann"},"type":"join"}'),
      frame('{"id":"u","type":"leave"}'),
    ];
    expect(clients[0]?.connection.sent).toEqual(events);
    expect(clients[1]?.connection.sent).toEqual(
      events.toSpliced(1, 0, frame('{"type":"info","total":1,"records":[{"info":{"name":"Ann"},"id":"u"}]}')),
    );
  });

  test("lasts while the client is connected, and for a time after (D14)", () => {
    const { clients, clock } = room(2);
    clients[0]?.say(join("u"));
    clock.advance(10 * TTL_MS);
    expect(clients[1]?.connection.sent.filter((text) => !text.includes("ping"))).toHaveLength(1);
    clients[0]?.connection.close(1000, "");
    clients[1]?.connection.sent.splice(0);
    clock.advance(TTL_MS - 100);
    expect(clients[1]?.connection.sent.filter((text) => !text.includes("ping"))).toEqual([]);
    clock.advance(200);
    expect(clients[1]?.connection.sent.filter((text) => !text.includes("ping"))).toEqual([
      frame('{"id":"u","type":"leave"}'),
    ]);
  });

  test("of info that is too deep to print is not taken, with a subscription either, and ends nobody's session", () => {
    const { clients, metrics, open } = room(1);
    const deep = `${"[".repeat(300_000)}${"]".repeat(300_000)}`;
    const identifier = JSON.stringify(PUBSUB);
    clients[0]?.say(`{"command":"join","identifier":${identifier},"presence":{"id":"u","info":${deep}}}`);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
    const other = open(GOOD);
    other.say(`{"command":"subscribe","identifier":${identifier},"presence":{"id":"u","info":${deep}}}`);
    other.say(ASK);
    expect(other.connection.sent.slice(2)).toEqual([NOBODY]);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
  });

  test("begins with the application's word behind its transmissions, and before it ends the connection", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend, broker: inMemory });
    const client = open(GOOD);
    client.say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({
        streams: ["s"],
        istate: { $p: "s" },
        transmissions: ["confirmed"],
        presence: { type: "join", id: "u", info: "plain" },
        disconnect: true,
      }),
    );
    await settle();
    expect(client.connection.sent.slice(1)).toEqual([
      "confirmed",
      `{"type":"presence","identifier":${JSON.stringify(CHAT)},"message":{"id":"u","info":"plain","type":"join"}}`,
    ]);
    expect(client.connection.closedWith).toEqual({ code: 1000, reason: "Command Failed" });
  });

  test("of a rejected subscription does not begin (D11)", async () => {
    const backend = new ScriptedBackend();
    const { open, log } = setUp({ backend, broker: inMemory });
    const client = open(GOOD);
    client.say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ status: "failure", istate: { $p: "s" }, presence: { type: "join", id: "u", info: "" } }),
    );
    await settle();
    expect(log.lines.filter(({ level }) => level !== "debug")).toEqual([]);
    expect(client.connection.closedWith).toBeNull();
  });
});

/** A broker over a network: it answers when the test says so, in order. */
class LatePresence implements Presence {
  readonly #inner: MemoryPresence;
  readonly waiting: (() => void)[] = [];
  fault: CableError | null = null;

  constructor(clock: ManualClock) {
    this.#inner = new MemoryPresence(clock, TTL_MS);
  }

  join(...call: Parameters<Presence["join"]>) {
    return this.#later(() => this.#inner.join(...call));
  }

  leave(...call: Parameters<Presence["leave"]>) {
    return this.#later(() => this.#inner.leave(...call));
  }

  info(stream: string) {
    return this.#later(() => this.#inner.info(stream));
  }

  resumed(...call: Parameters<Presence["resumed"]>) {
    return this.#later(() => this.#inner.resumed(...call));
  }

  disconnected(sid: string) {
    return this.#later(() => this.#inner.disconnected(sid));
  }

  size() {
    return this.#inner.size();
  }

  onExpired(listener: Parameters<Presence["onExpired"]>[0]) {
    this.#inner.onExpired(listener);
  }

  async answerAll(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      next();
      await settle();
    }
  }

  #later<T>(answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.push(() => (this.fault === null ? resolve(answer()) : reject(this.fault)));
    });
  }
}

describe("presence of a broker that is not at hand", () => {
  const setUpLate = (size: number) => {
    const holder: { late: LatePresence | null } = { late: null };
    const rig = room(size, (clock) => {
      holder.late = new LatePresence(clock);
      return brokerOf(holder.late);
    });
    return { ...rig, late: holder.late as LatePresence }; // made by `room`
  };

  test("keeps the client's commands waiting, and answers them in order", async () => {
    const { clients, late } = setUpLate(1);
    clients[0]?.say(join("u"));
    clients[0]?.say(ASK);
    clients[0]?.say({ command: "ping" });
    expect(late.waiting).toHaveLength(1);
    expect(clients[0]?.connection.sent).toEqual([]);
    await late.answerAll();
    expect(clients[0]?.connection.sent).toEqual([
      frame('{"id":"u","type":"join"}'),
      frame('{"type":"info","total":1,"records":[{"id":"u"}]}'),
      '{"type":"pong"}',
    ]);
  });

  test("goes on with the client's commands when it fails, and says so to who asked", async () => {
    const { clients, late, log, metrics } = setUpLate(1);
    late.fault = new CableError("io_failed", "the broker is away");
    clients[0]?.say(join("u"));
    clients[0]?.say(ASK);
    clients[0]?.say({ command: "ping" });
    await late.answerAll();
    expect(clients[0]?.connection.sent).toEqual([frame('{"type":"error","total":0}'), '{"type":"pong"}']);
    expect(metrics.counter("failed_client_msg_total").value).toBe(2);
    clients[0]?.say({ command: "unsubscribe", identifier: PUBSUB });
    clients[0]?.say({ command: "subscribe", identifier: PUBSUB, presence: { id: "u" } });
    clients[0]?.connection.close(1000, "");
    await late.answerAll();
    const lines = log.lines.map(({ message }) => message);
    expect(lines.filter((line) => line === "failed to process presence")).toHaveLength(1);
    expect(lines.filter((line) => line === "failed to keep presence")).toHaveLength(2);
  });

  test("hears of a client that goes before its answer came, and in that order", async () => {
    const { clients, clock, late } = setUpLate(2);
    clients[0]?.say(join("u"));
    clients[0]?.connection.close(1000, "");
    await late.answerAll();
    clock.advance(TTL_MS + 100);
    expect(clients[1]?.connection.sent.filter((text) => !text.includes("ping"))).toEqual([
      frame('{"id":"u","type":"join"}'),
      frame('{"id":"u","type":"leave"}'),
    ]);
  });
});
