import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import type { PresenceEvent } from "@hawser/core/broker/presence";
import type { SessionSnapshot } from "@hawser/core/broker/sessions";
import { takeOut } from "../../src/broker/nats/left-sessions.ts";
import { NatsHistory } from "../../src/broker/nats/nats-history.ts";
import { NatsPresence } from "../../src/broker/nats/nats-presence.ts";
import { NatsSessions } from "../../src/broker/nats/nats-sessions.ts";
import { PresenceStore } from "../../src/broker/nats/presence-store.ts";
import { SignsOfLife } from "../../src/broker/nats/signs-of-life.ts";
import { systemClock } from "../../src/drivers/clock.ts";
import { systemRandom } from "../../src/drivers/random.ts";
import { publish } from "../support/cable-client.ts";
import { freePorts, startHawser } from "../support/hawser-process.ts";
import {
  connectJetStream,
  type JetStreamServer,
  type NatsParts,
  startJetStream,
} from "../support/jet-stream.ts";
import { HAS_NATS } from "../support/nats-server.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, untilJoined } from "./cluster-client.ts";

/** What NATS, its servers and others who use it can do to a broker that is in it. */

const cleanups: (() => unknown)[] = [];
let nats: JetStreamServer;

beforeAll(async () => {
  if (HAS_NATS) nats = await startJetStream();
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});
afterAll(async () => {
  await nats?.remove();
});

async function connect(url = nats.url): Promise<NatsParts> {
  const parts = await connectJetStream(url);
  cleanups.push(() => parts.stop());
  return parts;
}

function historyOf({ jetStream, log }: NatsParts): NatsHistory {
  const history = new NatsHistory(
    { limit: 100, ttlMs: 60_000 },
    {
      ...{ jetStream, log, clock: systemClock, time: systemClock, random: systemRandom },
      mayForget: () => true,
    },
  );
  cleanups.push(() => history.close());
  return history;
}

const SESSION: SessionSnapshot = {
  identifiers: "ann",
  lineage: "l",
  admittedBy: "public",
  tokenIdentity: null,
  marks: null,
  cstate: {},
  subscriptions: [],
  disconnectInterest: false,
};

describe.skipIf(!HAS_NATS)("history in NATS", () => {
  test("of a stream that several make at once has one epoch and one count", async () => {
    const histories = [historyOf(await connect()), historyOf(await connect()), historyOf(await connect())];
    const kept = await Promise.all(
      Array.from({ length: 30 }, (_, n) => histories[n % 3]?.append("together", String(n))),
    );
    expect(new Set(kept.map((position) => position?.epoch)).size).toBe(1);
    expect(kept.map((position) => position?.offset).toSorted((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
  }, 60_000);

  test("of a stream that somebody deleted begins under another epoch, in the order of the calls", async () => {
    const parts = await connect();
    const history = historyOf(parts);
    const before = await history.append("deleted", "0");
    await parts.jetStream.manager.streams.delete("hawser_deleted");
    const after = await Promise.all(["1", "2", "3"].map((text) => history.append("deleted", text)));
    expect(after.map((position) => position?.offset)).toEqual([1, 2, 3]);
    expect(after[0]?.epoch).not.toBe(before?.epoch);
  }, 60_000);

  test("that has lost its last messages in a crash does not give their offsets out again", async () => {
    const own = await startJetStream();
    const copy = createScratch();
    cleanups.push(() => own.remove(), copy.remove);
    const history = historyOf(await connect(own.url));
    await history.append("crash", "1");
    await own.kill();
    cpSync(own.folder, copy.path, { recursive: true });
    await own.restart();
    const before = await until(() => history.append("crash", "2"));
    expect(before?.offset).toBe(2);
    await own.kill();
    rmSync(own.folder, { recursive: true });
    cpSync(copy.path, own.folder, { recursive: true });
    await own.restart();
    await until(async () => {
      const after = await history.append("crash", "2, another");
      expect(after?.epoch).not.toBe(before?.epoch);
    });
    expect((await history.after("crash", before ?? { epoch: "", offset: 0 })).kept).toBe(false);
  }, 60_000);
});

describe.skipIf(!HAS_NATS)("sessions in NATS", () => {
  async function several() {
    const [one, other] = [await connect(), await connect()];
    return [
      new NatsSessions(60_000, { ...one, time: systemClock }),
      new NatsSessions(60_000, { ...other, time: systemClock }),
    ] as const;
  }

  test("that were removed by one server are gone for all, and renewing does not bring them back", async () => {
    const [one, other] = await several();
    await one.save("gone", SESSION);
    expect(await other.find("gone")).toEqual(SESSION);
    await Promise.all([one.renew("gone"), other.removeOf("ann"), one.renew("gone"), other.renew("gone")]);
    expect(await one.find("gone")).toBeNull();
    await one.renew("gone");
    expect(await other.find("gone")).toBeNull();
    await other.save("gone", { ...SESSION, lineage: "m" });
    expect((await one.find("gone"))?.lineage).toBe("m");
    await one.renew("gone");
    await one.removeOf("ann", "m");
    expect(await other.find("gone")).toBeNull();
  }, 60_000);

  test("that are renewed at the moment of their removal are gone", async () => {
    const [one, other] = await several();
    for (let n = 0; n < 200; n++) {
      const session = { ...SESSION, identifiers: `moment ${n}` };
      await one.save("moment", session);
      const renewed = other.renew("moment");
      // The removal meets each of its steps.
      for (let turns = n % 40; turns > 0; turns--) await new Promise(setImmediate);
      await one.removeOf(session.identifiers);
      await renewed;
      expect(await other.find("moment")).toBeNull();
    }
  }, 60_000);

  test("are what was saved last, whatever is renewed meanwhile", async () => {
    const [one, other] = await several();
    await one.save("renewed", SESSION);
    for (let n = 0; n < 50; n++) {
      const cstate = { n: String(n) };
      await Promise.all([
        other.renew("renewed"),
        one.save("renewed", { ...SESSION, cstate }),
        other.renew("renewed"),
      ]);
      expect((await other.find("renewed"))?.cstate).toEqual(cstate);
    }
    await Promise.all([other.renew("renewed"), one.remove("renewed"), other.renew("renewed")]);
    expect(await other.find("renewed")).toBeNull();
  }, 60_000);

  test("go on in a bucket that somebody deleted", async () => {
    const parts = await connect();
    const sessions = new NatsSessions(60_000, { ...parts, time: systemClock });
    await sessions.save("bucket", SESSION);
    await parts.jetStream.manager.streams.delete("KV_hawser_sessions");
    await sessions.save("bucket", SESSION);
    expect(await sessions.find("bucket")).toEqual(SESSION);
  }, 60_000);
});

describe.skipIf(!HAS_NATS)("presence in NATS", () => {
  const infoOf = async (presence: NatsPresence) => JSON.parse(await presence.info("room")).records;

  function presenceOf({ link, jetStream, log }: NatsParts) {
    const server = systemRandom.id(11);
    const signs = new SignsOfLife(link, systemClock, server);
    const shared = { jetStream, log, clock: systemClock, time: systemClock };
    const store = new PresenceStore(shared);
    const presence = new NatsPresence(1_000, { ...shared, store, signs, server });
    const told: [string, PresenceEvent][] = [];
    presence.onExpired((stream, event) => told.push([stream, event]));
    cleanups.push(async () => {
      await presence.close();
      signs.stop();
    });
    return { presence, store, told };
  }

  test("tells once of the first and the last of an id, whoever comes and goes at the same moment", async () => {
    const [one, other] = [presenceOf(await connect()).presence, presenceOf(await connect()).presence];
    for (let n = 0; n < 10; n++) {
      const sids = Array.from({ length: 20 }, (_, at) => `${n}-${at}`);
      const at = (index: number) => (index % 2 === 0 ? one : other);
      const came = await Promise.all(
        sids.map((sid, index) => at(index).join("room", sid, "ann", String(index))),
      );
      expect(came.filter((outcome) => outcome.done && outcome.event !== null)).toHaveLength(1);
      const went = await Promise.all(sids.map((sid, index) => at(index).leave("room", sid)));
      expect(went.filter((outcome) => outcome.done && outcome.event !== null)).toHaveLength(1);
      expect(await infoOf(other)).toBeUndefined();
    }
  }, 60_000);

  test("goes on when NATS was killed, and is said again where NATS has lost it", async () => {
    const own = await startJetStream();
    cleanups.push(() => own.remove());
    const [one, other] = [presenceOf(await connect(own.url)), presenceOf(await connect(own.url))];
    await one.presence.join("room", "a", "ann", "1");
    await own.kill();
    await expect(one.presence.join("room", "b", "bob", "2")).rejects.toThrow();
    await own.restart();
    await until(async () => expect(await infoOf(other.presence)).toContainEqual({ info: 1, id: "ann" }));
    expect(one.told.filter(([, { type }]) => type === "leave")).toEqual([]);
    await own.kill();
    rmSync(own.folder, { recursive: true });
    await own.restart();
    await until(async () => expect(await infoOf(other.presence)).toContainEqual({ info: 1, id: "ann" }));
    expect(one.told).toContainEqual(["room", { type: "join", id: "ann", info: "1" }]);
  }, 60_000);

  test("of a server that was taken for gone, and is not, is said again", async () => {
    const parts = await connect();
    const [one, other] = [presenceOf(parts), presenceOf(await connect())];
    await one.presence.join("room", "c", "cat", "1");
    await one.presence.join("room", "d", "dog", "1");
    // What another one would do.
    const kept = await other.store.attendance("c");
    if (kept === null) throw new Error("it is not there");
    await takeOut(other.store, kept, () => {});
    await other.store.putAttendance({
      ...kept,
      sid: "d",
      places: [{ stream: "room", id: "dog", info: "1" }],
      endsAtMs: 1,
    });
    // As after a lost connection.
    await one.store.reload();
    await until(async () => expect((await other.store.attendance("d"))?.endsAtMs).toBeNull());
    await until(async () =>
      expect(await infoOf(other.presence)).toEqual(
        expect.arrayContaining([
          { info: 1, id: "cat" },
          { info: 1, id: "dog" },
        ]),
      ),
    );
    expect(one.told).toEqual([["room", { type: "join", id: "cat", info: "1" }]]);
  }, 60_000);
});

describe.skipIf(!HAS_NATS)("a cluster of NATS", () => {
  test("of three goes on when one is killed, with each message once and in order", async () => {
    const ports = await freePorts(3);
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
    const servers = await Promise.all(
      routes.map((route, at) =>
        startJetStream([
          ...["--name", `n${at}`, "--cluster_name", "cables", "--cluster", route],
          ...["--routes", routes.join(",")],
        ]),
      ),
    );
    cleanups.push(() => Promise.all(servers.map((server) => server.remove())));
    const url = servers.map((server) => server.url).join(",");
    const flags = ["--norpc", "--public", "--broker=nats", "--nats_replicas=3", `--nats_servers=${url}`];
    const both = [await startHawser(flags), await startHawser(flags)];
    cleanups.push(() => Promise.all(both.map((server) => server.stop())));
    const [a, b] = both as [(typeof both)[0], (typeof both)[0]];
    const clients = [
      await ClusterClient.join(a.port, "chat", ["actioncable-v1-ext-json"]),
      await ClusterClient.join(b.port, "chat", ["actioncable-v1-ext-json"]),
    ];
    cleanups.push(() => {
      for (const client of clients) client.close();
    });
    const accepted: number[] = [];
    let last = 0;
    const say = async (port: number) => {
      last += 1;
      const said = last;
      if ((await publish(port, message(said))).status === 201) accepted.push(said);
    };
    // It has to elect its leaders first.
    await until(async () => {
      await say(a.broadcastPort);
      expect(accepted).not.toEqual([]);
    }, 40_000);
    await untilJoined(clients, a.broadcastPort);
    for (let n = 0; n < 50; n++) await say(a.broadcastPort);
    await servers[0]?.kill();
    await until(async () => {
      await say(a.broadcastPort);
      expect(accepted.at(-1)).toBe(last);
      await say(b.broadcastPort);
      expect(accepted.at(-1)).toBe(last);
    }, 40_000);
    for (let n = 0; n < 50; n++) await say(b.broadcastPort);
    for (const client of clients) {
      await client.cable.until(() => client.heard.at(-1) === last, "the last message", 20_000);
      const own = client.heard as number[];
      expect(own).toEqual([...new Set(own)].sort((x, y) => x - y));
      expect(own.filter((said) => accepted.includes(said)).slice(-100)).toEqual(accepted.slice(-100));
      expect(client.cable.closedWith).toBeNull();
    }
  }, 120_000);
});
