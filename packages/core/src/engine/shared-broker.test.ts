import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GOOD, PUBSUB, setUp } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { calm, SharedBroker } from "../testing/shared-broker.ts";

/**
 * Servers that share a broker, and clients as AnyCable's are: whatever happens to connections and servers, and in whatever
 * order answers and messages come, each client has at the end what history has, once and in order.
 */

type Act =
  | { readonly do: "step"; readonly pick: number }
  | { readonly do: "tick" }
  | { readonly do: "publish"; readonly node: number }
  | { readonly do: "whisper"; readonly client: number }
  | { readonly do: "read"; readonly client: number }
  | { readonly do: "move"; readonly client: number; readonly node: number }
  | { readonly do: "part" | "connect" | "die"; readonly node: number };

const NODES = 3;
const CLIENTS = 3;
/** What is waited for at most is five seconds; time that is not waited for must not come near. */
const TICK_MS = 20;

const node = fc.nat(NODES - 1);
const client = fc.nat(CLIENTS - 1);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("step" as const), pick: fc.nat(1000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tick" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("whisper" as const), client }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("read" as const), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const), client, node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("part", "connect", "die"), node }) },
);

async function turns(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

function cluster() {
  const clock = new ManualClock();
  const shared = new SharedBroker(clock);
  const nodes = ["a", "b", "c"].map((name) => {
    const member = shared.join();
    const options = { maxPendingBytes: 0 };
    const rig = setUp({ clock, name, options, pubSub: member, broker: () => member.broker });
    member.start(rig.engine);
    return { ...rig, member, isDead: false };
  });
  return { clock, shared, nodes };
}

type Cluster = ReturnType<typeof cluster>;
type Server = Cluster["nodes"][number];

/** A client that keeps its place in the stream, and comes back by its session's id. */
class Client {
  readonly heard: number[] = [];
  readonly refusals: string[] = [];
  restored = 0;
  server: Server | null = null;
  #open: ReturnType<Server["open"]> | null = null;
  #read = 0;
  #sid: string | undefined;
  #position: { epoch: string; offset: number } | null = null;
  readonly #sinceS: number;

  /** @param sinceS what it asks for at first: all since then. */
  constructor(sinceS: number) {
    this.#sinceS = sinceS;
  }

  connect(server: Server): void {
    this.leave();
    const credentials = this.#sid === undefined ? GOOD : { ...GOOD, formerSid: this.#sid };
    this.server = server;
    this.#read = 0;
    this.#open = server.open(credentials, { pingIntervalMs: 0 }, true);
  }

  /** Its connection breaks, with what is on the way to it; a server that is dead does not hear of it. */
  leave(): void {
    if (this.server?.isDead === false) this.#open?.connection.terminate();
    this.server = null;
    this.#open = null;
  }

  get isConnected(): boolean {
    return this.server !== null && this.#open?.connection.closedWith === null;
  }

  whisper(): void {
    this.#open?.say({ command: "whisper", identifier: PUBSUB, data: "w" });
  }

  /** Takes what has come, and says what follows from it. */
  read(): void {
    for (const text of this.#open?.connection.sent.slice(this.#read) ?? []) {
      this.#read += 1;
      const frame = JSON.parse(text);
      if (frame.type === "welcome") this.#welcomed(frame);
      else if (frame.type === "reject_history" || frame.type === "reject_subscription") {
        this.refusals.push(frame.type);
      } else if (frame.type === undefined && frame.offset !== undefined) {
        this.heard.push(frame.message);
        this.#position = { epoch: frame.epoch, offset: frame.offset };
      }
    }
  }

  #welcomed(frame: { sid: string; restored_ids?: string[] }): void {
    this.#sid = frame.sid;
    const streams = this.#position === null ? undefined : { chat: this.#position };
    const history = { since: this.#sinceS, ...(streams === undefined ? {} : { streams }) };
    const isRestored = frame.restored_ids?.includes(PUBSUB) ?? false;
    if (isRestored) this.restored += 1;
    this.#open?.say({ command: isRestored ? "history" : "subscribe", identifier: PUBSUB, history });
  }
}

class World {
  readonly cluster = cluster();
  readonly clients = Array.from(
    { length: CLIENTS },
    () => new Client(Math.floor(this.cluster.clock.nowMs() / 1000)),
  );
  #published = 0;

  get nodes(): readonly Server[] {
    return this.cluster.nodes;
  }

  /** Another one where that is dead. One stays alive. */
  server(index: number): Server {
    const living = this.nodes.filter(({ isDead }) => !isDead);
    const found = living[index % living.length];
    if (found === undefined) throw new Error("one is always alive");
    return found;
  }

  async perform(act: Act): Promise<void> {
    const { clock } = this.cluster;
    if (act.do === "step") this.#step(act.pick);
    else if (act.do === "tick") clock.advance(TICK_MS);
    else if (act.do === "publish") {
      this.#published += 1;
      void this.server(act.node).engine.publish(`{"stream":"chat","data":"${this.#published}"}`);
    } else if (act.do === "whisper") this.clients[act.client]?.whisper();
    else if (act.do === "read") this.clients[act.client]?.read();
    else if (act.do === "move") this.clients[act.client]?.connect(this.server(act.node));
    else this.#disturb(act.do, this.server(act.node));
    await turns();
  }

  #disturb(how: "part" | "connect" | "die", server: Server): void {
    if (how === "part" && server.member.isUp) server.member.part();
    else if (how === "connect" && !server.member.isUp) server.member.connect();
    else if (how === "die" && this.nodes.filter(({ isDead }) => !isDead).length > 1) {
      server.isDead = true;
      server.member.die();
      // What it had sent may still be read, and then nothing comes any more.
      for (const client of this.clients) if (client.server === server) client.leave();
    }
  }

  /** One of the things that are on their way arrives. */
  #step(pick: number): void {
    const moving = this.nodes.flatMap(({ member: { bus, store } }) =>
      [bus.toBroker, bus.fromBroker, store.toBroker, store.fromBroker].filter(({ length }) => length > 0),
    );
    moving[pick % moving.length]?.shift()?.();
  }

  /** All that is disturbed is mended, and all that is on its way arrives. */
  async mend(): Promise<void> {
    for (const { member, isDead } of this.nodes) if (!isDead && !member.isUp) member.connect();
    for (let round = 0; round < 8; round++) {
      await calm(this.nodes.map(({ member }) => member));
      this.cluster.clock.advance(TICK_MS);
      for (const [index, client] of this.clients.entries()) {
        if (!client.isConnected) client.connect(this.server(index));
        client.read();
      }
      await turns();
    }
  }
}

async function kept({ shared }: Cluster): Promise<number[]> {
  const backlog = shared.kept.since("chat", 0);
  return backlog.kept ? backlog.messages.map(({ message }) => Number(message)) : [];
}

describe("servers that share a broker", () => {
  test("give each client what history has, once and in order, whatever happens to them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 150, size: "max" }), async (acts) => {
        const world = new World();
        await calm(world.nodes.map(({ member }) => member));
        for (const [index, one] of world.clients.entries()) one.connect(world.server(index));
        for (const one of acts) await world.perform(one);
        await world.mend();
        await world.perform({ do: "publish", node: 0 });
        await world.mend();
        const all = await kept(world.cluster);
        for (const { heard, refusals } of world.clients) {
          expect(heard).toEqual(all);
          expect(refusals).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test("give clients their sessions back, wherever they come (or the model is of no use)", async () => {
    const world = new World();
    await calm(world.nodes.map(({ member }) => member));
    const [one] = world.clients;
    for (const node of [0, 1, 2]) {
      await world.perform({ do: "move", client: 0, node });
      await world.mend();
      await world.perform({ do: "publish", node: 0 });
      await world.mend();
    }
    expect(one?.heard).toEqual([1, 2, 3]);
    expect(one?.restored).toBe(2);
  });
});
