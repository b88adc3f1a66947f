import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { SeededRandom } from "@hawser/core/testing/seeded-random";

/** How a connection is broken. */
const FAULTS = [
  /** Both ends are told that it is over. */
  "drop",
  /** Both ends get a TCP reset. */
  "reset",
  /** The client gets a reset; the server goes on believing in it, as when a phone changes its network. */
  "vanish",
  /** Nothing gets through any more, and nobody is told before the client has given up. */
  "stall",
] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultyRelayOptions {
  readonly seed: number;
  /** A connection lives for a random time between these. */
  readonly lifeMs: readonly [least: number, most: number];
  /** How long after the fault the server learns of one that it is not told of. */
  readonly hangMs: number;
}

/** A TCP relay on 127.0.0.1 that breaks every connection sooner or later, most in the middle of a frame. */
export interface FaultyRelay {
  readonly port: number;
  /** How often which fault has happened. */
  readonly faults: Readonly<Record<Fault, number>>;
  /** Breaks connections from now on: those that are here, and those to come. It is calm at first. */
  storm(): void;
  /** Breaks no further connections. */
  calm(): void;
  stop(): void;
}

export async function startFaultyRelay(target: number, options: FaultyRelayOptions): Promise<FaultyRelay> {
  const random = new SeededRandom(options.seed);
  const [least, most] = options.lifeMs;
  const faults = { drop: 0, reset: 0, vanish: 0, stall: 0 };
  const links = new Set<Link>();
  let stormy = false;
  const breakInTime = (link: Link) => {
    const breakIt = () => {
      if (!stormy) return;
      const fault = FAULTS[Math.floor(random.fraction() * FAULTS.length)] ?? "drop";
      faults[fault] += 1;
      link.breakSoon(fault, random.fraction(), options.hangMs);
    };
    const timer = setTimeout(breakIt, least + (most - least) * random.fraction());
    link.onEnd = () => {
      clearTimeout(timer);
      links.delete(link);
    };
  };
  const server = createServer((client) => {
    const link = new Link(client, connect(target, "127.0.0.1"));
    links.add(link);
    if (stormy) breakInTime(link);
    else link.onEnd = () => links.delete(link);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    faults,
    storm() {
      stormy = true;
      for (const link of links) breakInTime(link);
    },
    calm() {
      stormy = false;
    },
    stop() {
      server.close();
      for (const link of links) link.end();
    },
  };
}

/** How long a fault waits for something to cut through. */
const NOTHING_TO_CUT_MS = 200;

class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  onEnd: () => void = () => {};
  #flows = true;
  #cutNext: ((chunk: Buffer) => void) | null = null;

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on("data", (chunk) => this.#flows && server.write(chunk));
    server.on("data", (chunk) => {
      if (this.#cutNext !== null) this.#cutNext(chunk);
      else if (this.#flows) client.write(chunk);
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => {});
      from.on("close", () => this.#flows && this.#sever(to));
    }
  }

  /** Breaks it in the middle of what the server sends next, after this share of it. */
  breakSoon(fault: Fault, share: number, hangMs: number): void {
    if (!this.#flows) return;
    const happen = (chunk: Buffer | null) => {
      clearTimeout(timer);
      this.#cutNext = null;
      if (!this.#flows) return;
      this.#flows = false;
      if (chunk !== null) this.#client.write(chunk.subarray(0, Math.floor(share * chunk.length)));
      this.#break(fault, hangMs);
    };
    const timer = setTimeout(() => happen(null), NOTHING_TO_CUT_MS);
    this.#cutNext = happen;
  }

  end(): void {
    this.#flows = false;
    this.#client.destroy();
    this.#server.destroy();
    this.onEnd();
  }

  #break(fault: Fault, hangMs: number): void {
    switch (fault) {
      case "drop":
        this.#client.end();
        this.#server.end();
        setTimeout(() => this.end(), NOTHING_TO_CUT_MS);
        return;
      case "reset":
        this.#client.resetAndDestroy();
        this.#server.resetAndDestroy();
        this.onEnd();
        return;
      case "vanish":
        this.#client.resetAndDestroy();
        this.#server.pause();
        setTimeout(() => this.end(), hangMs);
        return;
      case "stall":
        this.#client.pause();
        this.#server.pause();
        setTimeout(() => this.end(), hangMs);
    }
  }

  #sever(other: Socket): void {
    this.#flows = false;
    other.destroySoon();
    this.onEnd();
  }
}
