import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type {
  Msg,
  MsgHdrs,
  NatsConnection,
  NodeConnectionOptions,
  Subscription,
} from "@nats-io/transport-node";
import { LinkBook, type LinkMark } from "../link-book.ts";
import { retryDelayMs } from "../retry-delay.ts";
import type { NatsAddress } from "./nats-address.ts";
import type { NatsCredentials } from "./nats-credentials.ts";

export interface NatsTarget {
  readonly address: NatsAddress;
  /** Whether to try the servers in the order in which they are given. */
  readonly inOrder: boolean;
  /** Asked at each connect, and counts in place of a login in the address; null for none. */
  readonly credentials: (() => NatsCredentials) | null;
  /** Contents of files, in PEM form; null for what is not given. */
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
}

export interface NatsLinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where it is told whether the link stands; one of its own unless given. */
  readonly mark?: LinkMark;
  /** NATS is there; `again` is true after the first time. */
  readonly onUp: (again: boolean) => void;
  /** It was there, and is gone. */
  readonly onDown?: () => void;
}

type Library = typeof import("@nats-io/transport-node");

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that answers none of two is dead. */
const PING_INTERVAL_MS = 10_000;
const SEQUENCE_HEADER = "Nats-Sequence";

/**
 * A connection to NATS that is there for as long as the server runs. The library finds the servers of a cluster, connects
 * again and subscribes again; the first connection, which it would give up, is tried here.
 */
export class NatsLink {
  readonly #target: NatsTarget;
  readonly #parts: NatsLinkParts;
  readonly #mark: LinkMark;
  readonly #wanted = new Map<string, (message: Msg) => void>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #onUp: (() => void)[] = [];
  #library: Library | null = null;
  #connection: NatsConnection | null = null;
  #isUp = false;
  #wasUp = false;
  #breaks = 0;
  #attempt = 0;
  #cancelRetry: Cancel | null = null;
  #stopped = false;

  constructor(target: NatsTarget, parts: NatsLinkParts) {
    this.#target = target;
    this.#parts = parts;
    this.#mark = parts.mark ?? new LinkBook(parts.clock, parts.log).open("nats", "");
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** How often a connection was lost, and what was on its way with it. */
  get breaks(): number {
    return this.#breaks;
  }

  /** For the other files of this folder. @throws CableError `io_failed` where there is none. */
  get connection(): NatsConnection {
    if (this.#isUp && this.#connection !== null) return this.#connection;
    throw new CableError("io_failed", `ask ${natsText(this.#target)}: there is no connection`, {
      retryable: true,
    });
  }

  /** Headers of a message; only where there was a connection. */
  headers(named: readonly (readonly [name: string, value: string])[]): MsgHdrs {
    if (this.#library === null) throw new Error("headers before there was a connection");
    const headers = this.#library.headers();
    for (const [name, value] of named) headers.set(name, value);
    return headers;
  }

  /** Called with each connection from now on. */
  whenUp(listener: () => void): void {
    this.#onUp.push(listener);
  }

  /** Begins to connect; returns at once. */
  start(): void {
    void this.#connect();
  }

  /** Hands over a message; false where it cannot be sent. */
  publish(subject: string, text: string): boolean {
    if (!this.#isUp || this.#connection === null) return false;
    try {
      this.#connection.publish(subject, text);
      return true;
    } catch (thrown) {
      this.#parts.log.error("failed to publish message", { error: messageOf(thrown) });
      return false;
    }
  }

  /** From now on, and again with each connection. */
  subscribe(subject: string, onText: (text: string) => void): void {
    this.#follow(subject, (message) => onText(message.string()));
  }

  /** The same for what JetStream hands on behind storing it: with its subject and its number in its stream. */
  subscribeStored(
    subject: string,
    onStored: (text: string, subject: string, sequence: number) => void,
  ): void {
    this.#follow(subject, (message) => {
      onStored(message.string(), message.subject, Number(message.headers?.get(SEQUENCE_HEADER)));
    });
  }

  unsubscribe(subject: string): void {
    this.#wanted.delete(subject);
    this.#subscriptions.get(subject)?.unsubscribe();
    this.#subscriptions.delete(subject);
  }

  /** Resolves once NATS has all that was handed over; false when it cannot be said. */
  async flush(): Promise<boolean> {
    if (!this.#isUp || this.#connection === null) return false;
    const { breaks } = this;
    await this.#connection.flush().catch(() => {});
    return this.#isUp && breaks === this.#breaks;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#isUp = false;
    await this.#connection?.close().catch(() => {});
  }

  async #connect(): Promise<void> {
    let made: NatsConnection;
    try {
      // Loaded by whoever connects first: most servers have no NATS.
      const library = await import("@nats-io/transport-node");
      this.#library = library;
      made = await library.connect(connectionOptions(library, this.#target, this.#parts.random));
    } catch (thrown) {
      if (!this.#stopped) this.#retry(messageOf(thrown));
      return;
    }
    if (this.#stopped) return void made.close();
    this.#connection = made;
    this.#subscriptions.clear();
    for (const [subject, onMessage] of this.#wanted) this.#subscribe(subject, onMessage);
    this.#up();
    void this.#watch(made);
  }

  #follow(subject: string, onMessage: (message: Msg) => void): void {
    this.#wanted.set(subject, onMessage);
    this.#subscribe(subject, onMessage);
  }

  #subscribe(subject: string, onMessage: (message: Msg) => void): void {
    if (this.#connection === null || this.#connection.isClosed()) return;
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) onMessage(message);
        else this.#parts.log.error("a subject of NATS cannot be followed", { error: error.message });
      },
    });
    this.#subscriptions.set(subject, subscription);
  }

  /** Tells what becomes of the connection; at its end, which the library has no reason for, another one is made. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect")
        this.#down("connection to NATS lost; connecting again", status.server);
      else if (status.type === "reconnect") this.#up();
      else if (status.type === "reconnecting") this.#remind();
      else if (status.type === "error") this.#parts.log.warn("NATS says", { error: status.error.message });
    }
    const fault = await connection.closed();
    if (this.#stopped) return;
    this.#connection = null;
    this.#isUp = false;
    this.#breaks += 1;
    this.#parts.onDown?.();
    this.#retry(fault instanceof Error ? fault.message : "the connection was closed");
  }

  #up(): void {
    this.#isUp = true;
    this.#attempt = 0;
    this.#mark.up();
    this.#parts.onUp(this.#wasUp);
    this.#wasUp = true;
    for (const listener of this.#onUp) listener();
  }

  #down(message: string, server: string): void {
    if (this.#stopped || !this.#isUp) return;
    this.#isUp = false;
    this.#breaks += 1;
    this.#parts.onDown?.();
    this.#mark.down(message, { address: server });
  }

  #remind(): void {
    this.#tell("it cannot be reached");
  }

  #retry(error: string): void {
    this.#tell(error);
    const delayMs = retryDelayMs(this.#attempt++, this.#parts.random);
    this.#cancelRetry = this.#parts.clock.after(delayMs, () => void this.#connect());
  }

  #tell(error: string): void {
    this.#mark.down("NATS cannot be used; trying again", { address: natsText(this.#target), error });
  }
}

/**
 * Connects once and asks for an answer. Throws what is wrong otherwise.
 *
 * @param further is asked by the same connection.
 */
export async function probeNats(
  target: NatsTarget,
  further: (connection: NatsConnection) => Promise<unknown> = async () => {},
): Promise<void> {
  const library = await import("@nats-io/transport-node");
  const connection = await library.connect({ ...connectionOptions(library, target, null), reconnect: false });
  try {
    await connection.flush();
    await further(connection);
  } finally {
    await connection.close();
  }
}

function connectionOptions(
  library: Library,
  target: NatsTarget,
  random: Random | null,
): NodeConnectionOptions {
  const { address, inOrder } = target;
  return {
    servers: [...address.servers],
    noRandomize: inOrder,
    ...tlsOptions(target),
    ...loginOptions(library, target),
    reconnect: true,
    maxReconnectAttempts: -1,
    // It is asked more than once an attempt, so that there is no telling which one it is.
    ...(random === null ? {} : { reconnectDelayHandler: () => retryDelayMs(1, random) }),
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    // An error with its stack for each request, in case that it is needed.
    noAsyncTraces: true,
  };
}

function tlsOptions({ address, tls: { ca, cert, key } }: NatsTarget): Pick<NodeConnectionOptions, "tls"> {
  if (!address.tls && ca === null && cert === null) return {};
  return {
    tls: {
      ...(ca === null ? {} : { ca }),
      ...(cert === null ? {} : { cert }),
      ...(key === null ? {} : { key }),
    },
  };
}

function loginOptions(
  { jwtAuthenticator, nkeyAuthenticator }: Library,
  { address: { login }, credentials }: NatsTarget,
): Pick<NodeConnectionOptions, "authenticator" | "user" | "pass" | "token"> {
  if (credentials !== null) {
    return {
      authenticator: (nonce) => {
        const { jwt, seed } = credentials();
        const bytes = new TextEncoder().encode(seed);
        return jwt === null ? nkeyAuthenticator(bytes)(nonce) : jwtAuthenticator(jwt, bytes)(nonce);
      },
    };
  }
  if (login === null) return {};
  return "token" in login ? login : { user: login.user, pass: login.password };
}

/** For the log: hosts alone. */
export function natsText({ address }: Pick<NatsTarget, "address">): string {
  return address.servers.map((server) => `nats://${server}`).join(",");
}
