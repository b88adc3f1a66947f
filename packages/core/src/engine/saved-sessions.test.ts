import { describe, expect, test } from "bun:test";
import type { SessionSnapshot, Sessions } from "../broker/sessions.ts";
import { CHAT, GOOD, NONE, PUBSUB, setUp } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { commandReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import { calm, SharedBroker } from "../testing/shared-broker.ts";

const TTL_MS = 8000;

/** A store that says what it was asked, and can be out of order. */
class CountingSessions implements Sessions {
  readonly asked: string[] = [];
  readonly kept = new Map<string, SessionSnapshot>();
  fault: Error | null = null;

  readonly isShared: boolean;

  constructor(isShared = true) {
    this.isShared = isShared;
  }

  async save(sid: string, snapshot: SessionSnapshot): Promise<void> {
    this.asked.push(`save ${sid}`);
    if (this.fault !== null) throw this.fault;
    this.kept.set(sid, snapshot);
  }

  async find(sid: string): Promise<SessionSnapshot | null> {
    return this.kept.get(sid) ?? null;
  }

  async renew(sid: string): Promise<void> {
    this.asked.push(`renew ${sid}`);
    if (this.fault !== null) throw this.fault;
  }

  async remove(sid: string): Promise<void> {
    this.asked.push(`remove ${sid}`);
    this.kept.delete(sid);
  }

  async removeOf(identifiers: string): Promise<void> {
    this.asked.push(`removeOf ${identifiers}`);
  }

  async removeWhere(): Promise<void> {
    this.asked.push("removeWhere");
  }

  /** What it was asked since the last time. */
  take(): string[] {
    return this.asked.splice(0);
  }
}

function withStore(sessions = new CountingSessions(), backend?: ScriptedBackend) {
  const rig = setUp({
    ...(backend === undefined ? {} : { backend }),
    broker: () => ({ history: null, sessions, presence: null, close: () => {} }),
    options: { sessionsTtlMs: TTL_MS },
  });
  const connect = () => rig.open(GOOD, { pingIntervalMs: 0 }, true);
  const tick = (ms = 50) => rig.clock.advance(ms);
  return { ...rig, sessions, connect, tick };
}

describe("a session in a store that other nodes share", () => {
  test("is saved once a tick, however much has changed, and not where nothing has", () => {
    const { sessions, connect, tick } = withStore();
    const { say } = connect();
    say({ command: "subscribe", identifier: PUBSUB });
    expect(sessions.take()).toEqual([]);
    tick();
    expect(sessions.take()).toEqual(["save s1"]);
    expect(sessions.kept.get("s1")?.subscriptions.map(({ streams }) => streams)).toEqual([["chat"]]);
    say({ command: "ping" });
    tick(200);
    expect(sessions.take()).toEqual([]);
    say({ command: "unsubscribe", identifier: PUBSUB });
    tick();
    expect(sessions.take()).toEqual(["save s1"]);
    expect(sessions.kept.get("s1")?.subscriptions).toEqual([]);
  });

  test("is saved as the application has changed it, and not where its reply changes nothing", async () => {
    const backend = new ScriptedBackend();
    const { sessions, connect, tick } = withStore(new CountingSessions(), backend);
    const { say } = connect();
    const turns = async () => {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    };
    const ask = async (command: object, reply: Parameters<typeof commandReply>[0]) => {
      say(command);
      backend.commands.at(-1)?.resolve(commandReply(reply));
      await turns();
      tick();
      return sessions.take();
    };
    tick();
    sessions.take();
    const message = { command: "message", identifier: CHAT, data: "{}" };
    expect(await ask({ command: "subscribe", identifier: CHAT }, { streams: ["a"] })).toEqual(["save s1"]);
    expect(await ask(message, {})).toEqual([]);
    expect(await ask(message, { cstate: { seen: "1" } })).toEqual(["save s1"]);
    expect(await ask(message, { istate: { $w: "a" } })).toEqual(["save s1"]);
    expect(await ask(message, { streams: ["b"], stoppedStreams: ["a"] })).toEqual(["save s1"]);
    expect(sessions.kept.get("s1")).toMatchObject({
      cstate: { seen: "1" },
      subscriptions: [{ identifier: CHAT, streams: ["b"], istate: { $w: "a" } }],
    });
  });

  test("is kept when its connection breaks, and removed when it is ended on purpose", () => {
    const { engine, sessions, connect, tick } = withStore();
    const [broken, dropped] = [connect(), connect()];
    tick();
    sessions.take();
    broken.connection.terminate();
    expect(sessions.take()).toEqual(["save s1"]);
    engine.drop(dropped.session, "backend_closed");
    expect(sessions.take()).toEqual(["remove s2"]);
    const cut = connect();
    engine.drop(cut.session, "backend_closed");
    tick();
    expect(sessions.take()).toEqual([]); // the store never had it
  });

  test("is kept when its server goes down: its client goes on with another", async () => {
    const { engine, sessions, connect, tick } = withStore();
    connect();
    tick();
    sessions.take();
    await engine.shutdown(1000);
    expect(sessions.take()).toEqual(["save s1"]);
  });

  test("is none of a client that cannot ask for it", () => {
    const { sessions, open, tick } = withStore();
    open(GOOD, { pingIntervalMs: 0 }, false).connection.terminate();
    open(NONE, { pingIntervalMs: 0 }, true);
    tick(TTL_MS);
    expect(sessions.take()).toEqual([]);
  });

  test("is renewed before half of its time is over, however many came together, and never all of them in one tick", () => {
    const { sessions, connect, tick } = withStore();
    const count = 1000;
    const savedMs = new Map<string, number>();
    let nowMs = 0;
    let longestMs = 0;
    let most = 0;
    const step = () => {
      tick();
      nowMs += 50;
      const asked = sessions.take();
      most = Math.max(most, asked.filter((text) => text.startsWith("renew")).length);
      for (const text of asked) {
        const sid = text.split(" ")[1] ?? "";
        longestMs = Math.max(longestMs, nowMs - (savedMs.get(sid) ?? nowMs));
        savedMs.set(sid, nowMs);
      }
    };
    for (let n = 0; n < count; n++) connect();
    while (nowMs < TTL_MS * 4) step();
    expect(savedMs.size).toBe(count);
    expect(Math.max(...[...savedMs.values()].map((atMs) => nowMs - atMs))).toBeLessThan(TTL_MS / 2);
    expect(longestMs).toBeLessThan(TTL_MS / 2);
    expect(most).toBeLessThan(count / 10);
  });

  test("that could not be saved is saved again when it is due", async () => {
    const { log, sessions, connect, tick } = withStore();
    connect();
    sessions.fault = new Error("down");
    tick();
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    expect(sessions.take()).toEqual(["save s1"]);
    expect(log.text()).toContain("the cache of sessions failed");
    sessions.fault = null;
    tick(TTL_MS / 4);
    expect(sessions.take()).toEqual(["save s1"]);
    tick(TTL_MS / 4);
    expect(sessions.take()).toEqual(["renew s1"]);
  });

  test("is saved again soon once a lost connection to the other nodes is back", () => {
    const { engine, sessions, connect, tick } = withStore();
    for (let n = 0; n < 100; n++) connect();
    tick();
    sessions.take();
    engine.rejoined();
    tick();
    const first = sessions.take();
    expect(first.length).toBeWithin(1, 50);
    tick(TTL_MS / 8);
    expect(new Set([...first, ...sessions.take()]).size).toBe(100);
  });
});

test("a session in a store of this node alone is saved at its end, as before, and not removed", () => {
  const { engine, sessions, connect, tick } = withStore(new CountingSessions(false));
  const [broken, dropped] = [connect(), connect()];
  broken.say({ command: "subscribe", identifier: PUBSUB });
  tick(TTL_MS);
  expect(sessions.take()).toEqual([]);
  broken.connection.terminate();
  engine.drop(dropped.session, "backend_closed");
  expect(sessions.take()).toEqual(["save s1"]);
});

/** Nodes that share a broker. @param tokens whether clients have some. */
async function cluster(tokens = true) {
  const clock = new ManualClock();
  const shared = new SharedBroker(clock);
  const rigs = ["a", "b", "c"].map((name) => {
    const node = shared.join();
    const admission = tokens ? {} : { verify: null, noAuth: true };
    const rig = setUp({ clock, name, admission, pubSub: node, broker: () => node.broker });
    node.start(rig.engine);
    return { ...rig, node };
  });
  const shown = tokens ? GOOD : NONE;
  const settled = async () => {
    await calm(shared.nodes);
    clock.advance(50);
    await calm(shared.nodes);
  };
  await settled();
  const [a, b, c] = rigs;
  if (a === undefined || b === undefined || c === undefined) throw new Error("there are three");
  const comes = (node: typeof a, formerSid?: string) =>
    node.open(formerSid === undefined ? shown : { ...shown, formerSid }, { pingIntervalMs: 0 }, true);
  return { clock, shared, a, b, c, settled, comes };
}

const welcomed = ({ connection }: { connection: { sent: string[] } }) =>
  connection.sent[0] === undefined ? null : (JSON.parse(connection.sent[0]).restored ?? false);

describe("nodes that share their sessions", () => {
  test("give a client the session back that it had on one that died without a word", async () => {
    const { a, b, settled, comes } = await cluster();
    const { session, say } = comes(a);
    say({ command: "subscribe", identifier: PUBSUB });
    await settled();
    a.node.die();
    const back = comes(b, session.sid);
    await settled();
    expect(welcomed(back)).toBe(true);
    expect([...(back.session.subscriptions?.keys() ?? [])]).toEqual([PUBSUB]);
  });

  test("give no session back that was disconnected remotely while it was being looked for", async () => {
    const { a, b, c, settled, comes, shared } = await cluster();
    const { session } = comes(a);
    await settled();
    a.node.die();
    const back = comes(b, session.sid);
    for (const step of b.node.store.toBroker.splice(0)) step(); // it has been found, and the answer is on its way
    const command = { command: "disconnect", payload: { identifier: '{"user":1}', reconnect: true } };
    c.engine.publish(JSON.stringify(command));
    const [bus, store] = [b.node.bus, b.node.store];
    const late = store.fromBroker.splice(0);
    await settled();
    expect(bus.fromBroker).toEqual([]);
    for (const step of late) step();
    await settled();
    expect(welcomed(back)).toBe(false);
    // One that its client has had since then is another matter.
    const again = comes(c, back.session.sid);
    await settled();
    expect(welcomed(again)).toBe(true);
    expect(shared.sessions.find(session.sid)).toBeNull();
  });

  test("end a session that is revoked by any id that it has had, wherever it is, and remove it once", async () => {
    // Without tokens: those would be revoked with it, and lead to all of them.
    const { a, b, c, settled, comes, shared } = await cluster(false);
    const first = comes(a);
    await settled();
    first.connection.terminate();
    const second = comes(b, first.session.sid);
    await settled();
    second.connection.terminate();
    const third = comes(a, second.session.sid);
    await settled();
    expect(welcomed(third)).toBe(true);
    let removals = 0;
    for (const { node } of [a, b, c]) {
      const sessions = node.broker.sessions;
      if (sessions === null) throw new Error("there are some");
      const { removeWhere } = sessions;
      Object.assign(sessions, {
        removeWhere: (matches: Parameters<typeof removeWhere>[0]) => {
          if (node !== c.node) removals += 1;
          return removeWhere(matches);
        },
      });
    }
    // The node that is asked has none of it, and the id is neither the first nor the last.
    c.engine.revoke({
      ...{ by: "sid", value: second.session.sid },
      ...{ issuedBeforeS: null, expiresAtS: null, reconnect: false },
    });
    await settled();
    expect(third.connection.closedWith?.reason).toBe("Revoked");
    for (const { session } of [first, second, third]) {
      expect({ sid: session.sid, kept: shared.sessions.find(session.sid) }).toEqual({
        sid: session.sid,
        kept: null,
      });
    }
    expect(removals).toBe(0);
  });
});
