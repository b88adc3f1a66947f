import type { Broker } from "@hawser/core/broker/broker";
import type { SessionSnapshot } from "@hawser/core/broker/sessions";
import type { Engine } from "@hawser/core/engine/engine";
import { broadcastPresence } from "@hawser/core/engine/presence";
import type { RevokeResult } from "@hawser/core/engine/revoke";
import { CableError } from "@hawser/core/errors";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { Log } from "@hawser/core/log";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { authority, isPortTaken, type TlsFiles } from "../../drivers/http.ts";
import { atEndOfTurn, startThread, type Thread } from "../../drivers/threads.ts";
import type { PublishedKeys } from "../../keys/jwks/published-keys.ts";
import { THREAD_ENTRY } from "../../thread-entry.ts";
import type { Kept } from "../../threads/asked-broker.ts";
import { BrokerAnswers, type BrokerAnswersParts } from "../../threads/broker-answers.ts";
import { type OuterNodes, ThreadFanOut } from "../../threads/fan-out.ts";
import { answerForwarded } from "../../threads/forwarded-requests.ts";
import { answerQuestion, Questions } from "../../threads/questions.ts";
import { roomFor } from "../../threads/shared-room.ts";
import { hearLine, ThreadLine } from "../../threads/thread-line.ts";
import { writeThreadLine } from "../../threads/thread-log.ts";
import type { SocketData } from "../../transports/websocket/websocket-transport.ts";
import type { PlacedRoute } from "../listeners.ts";
import type { Stage } from "../stage.ts";
import type { KeysGiven, NoteToControl, NoteToThread, WordToControl, WordToThread } from "./notes.ts";
import { ServerMetrics } from "./thread-metrics.ts";

/** What of the server the threads need once it is composed. */
export interface ThreadSurroundings {
  readonly engine: Engine;
  /** Null where no issuer publishes its keys. */
  readonly published: PublishedKeys | null;
  readonly routes: readonly PlacedRoute<SocketData>[];
  readonly tls: TlsFiles | null;
  readonly onFault: (thrown: unknown) => void;
}

interface Running {
  readonly own: number;
  readonly thread: Thread;
  readonly line: ThreadLine<WordToThread, NoteToThread>;
  readonly startedMs: number;
  /** Settles the wait for its port. */
  started: ((port: number | CableError) => void) | null;
  drained: (() => void) | null;
  measured: (() => void)[];
  keysTaken: (() => void)[];
  backendAnswered: boolean;
  readonly questions: Questions;
  /** Null without a broker. */
  readonly answers: BrokerAnswers | null;
}

/** How soon one that died is replaced, doubled each time that it dies young. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
/** For a thread that is asked and busy. */
const PATIENCE_MS = 2_000;
/** One that served for so long did not die of how it was started. */
const GROWN_UP_MS = 60_000;

/** The connection threads, as the control thread runs them. */
export class ConnectionThreads {
  /** For the control thread's engine. */
  readonly fanOut: ThreadFanOut;
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  readonly #room: SharedArrayBuffer;
  readonly #running = new Map<number, Running>();
  /** Null until the control thread has metrics to add those of the threads to. */
  #metrics: ServerMetrics | null = null;
  #surroundings: ThreadSurroundings | null = null;
  /** Empty until the control thread has read its own. */
  #keys: readonly KeysGiven[] = [];
  readonly #published = new Map<string, string>();
  #tls: TlsFiles | null = null;
  #stage: Stage["now"] = "starting";
  #port: number;
  #stopping = false;

  /** @param outer the other servers; null where this one is alone. */
  constructor(config: ResolvedConfig, outer: OuterNodes | null, log: Log) {
    this.fanOut = new ThreadFanOut(
      {
        deliver: (text, stream) => this.#tellAll("deliver", text, stream ?? ""),
        parted: () => this.#tellAll("parted"),
        rejoined: () => this.#tellAll("rejoined"),
      },
      outer,
    );
    this.#config = config;
    this.#log = log.with({ context: "threads" });
    this.#room = roomFor(config.server.workers);
    this.#port = config.server.port;
  }

  /** What keys are made of from now on, here and for every thread that is started; resolves when all have taken it. */
  readonly useKeys = async (config: ResolvedConfig, texts: KeysGiven["texts"]): Promise<void> => {
    const keys = { config, texts, takenMs: systemClock.nowMs() };
    // Of those that nothing counts of any more one is enough, to know what the next one replaced.
    const since = this.#keys.findLastIndex(({ takenMs }) => takenMs <= keys.takenMs - config.jwt.overlapMs);
    const [first = keys, ...rest] = this.#keys.slice(Math.max(0, since));
    this.#keys = first === keys ? [keys] : [first, ...rest, keys];
    const taken = [...this.#running.values()].map(
      (running) =>
        new Promise<void>((resolve) => {
          running.keysTaken.push(resolve);
          running.line.send({ kind: "keys", keys });
        }),
    );
    await atMost(PATIENCE_MS, Promise.all(taken));
  };

  /** What an issuer has published, for every thread. */
  readonly usePublished = (issuer: string, text: string | null): void => {
    if (text === null) this.#published.delete(issuer);
    else this.#published.set(issuer, text);
    for (const { line } of this.#running.values()) line.send({ kind: "published", issuer, text });
  };

  /** What other servers have revoked. Threads that are yet to be started begin with all that is in force. */
  readonly takeOver = (revocations: readonly Revocation[]): void => {
    for (const { line } of this.#running.values()) line.send({ kind: "take over", revocations });
  };

  readonly addMetrics = (own: Metrics, groups: readonly MetricGroup[]): Metrics => {
    this.#metrics = new ServerMetrics(own, groups);
    return this.#metrics.shown;
  };

  enter(stage: Stage["now"]): void {
    this.#stage = stage;
    for (const { line } of this.#running.values()) line.send({ kind: "stage", stage });
  }

  /**
   * Starts all of them, and returns the port that they listen on.
   *
   * @throws CableError when one cannot listen.
   */
  async open(surroundings: ThreadSurroundings): Promise<number> {
    this.#surroundings = surroundings;
    this.#tls = surroundings.tls;
    // Before anybody can publish: the first thread serves while the others are being started.
    this.fanOut.serve(surroundings.engine);
    const { host, port, workers } = this.#config.server;
    // Those that share a port are never told that somebody else has it.
    if (await isPortTaken(host, port)) {
      throw new CableError(
        "io_failed",
        `listen on ${authority(host, port)}: the port is in use; stop the other process or choose another with --port`,
      );
    }
    // The first one finds out which port it is, where any will do.
    this.#port = await this.#start(0);
    const others = Array.from({ length: workers - 1 }, (_, i) => this.#start(i + 1));
    await Promise.all(others);
    this.#log.info(`Serving clients by ${workers} connection threads`);
    return this.#port;
  }

  /** Adds the connections that the threads close to what a revocation says. */
  readonly countRevoked = async (revoke: () => RevokeResult): Promise<RevokeResult> => {
    const before = this.#revokedByNow();
    const result = revoke();
    // Asked behind the revocation, and so answered after it.
    const [was, is] = await Promise.all([before, this.#revokedByNow()]);
    return result.done ? { ...result, closed: result.closed + Math.max(0, is - was) } : result;
  };

  replaceTls(tls: TlsFiles): void {
    this.#tls = tls;
    for (const { line } of this.#running.values()) line.send({ kind: "certificate", tls });
  }

  /** Whether the application has answered every thread. */
  readonly backendAnswered = (): boolean => {
    if (this.#config.rpc.kind === "none") return true;
    return [...this.#running.values()].every((running) => running.backendAnswered);
  };

  /** Has every thread tell its clients and close; resolves when all have, or when the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const drained = [...this.#running.values()].map(
      (running) =>
        new Promise<void>((resolve) => {
          running.drained = resolve;
          running.line.send({ kind: "drain", timeoutMs });
        }),
    );
    await atMost(timeoutMs, Promise.all(drained));
  }

  /** Asks every thread what it has counted. One that is busy for long is counted as it was. */
  readonly measure = async (): Promise<void> => {
    const told = [...this.#running.values()].map(
      (running) =>
        new Promise<void>((resolve) => {
          running.measured.push(resolve);
          running.line.send({ kind: "measure" });
        }),
    );
    await atMost(PATIENCE_MS, Promise.all(told));
    this.#metrics?.gather();
  };

  terminate(): void {
    this.#stopping = true;
    for (const { thread } of this.#running.values()) thread.terminate();
    this.#running.clear();
  }

  #tellAll(word: WordToThread, first = "", second = ""): void {
    for (const { line } of this.#running.values()) line.say(word, first, second);
  }

  #start(own: number, delayMs = FIRST_DELAY_MS): Promise<number> {
    const { engine, routes } = this.#needed();
    const tls = this.#tls;
    const [firstKeys, ...laterKeys] = this.#keys;
    if (firstKeys === undefined) throw new Error("threads are started once there are keys");
    const thread = startThread(THREAD_ENTRY);
    const line = new ThreadLine<WordToThread, NoteToThread>({ port: thread, atEndOfTurn });
    const startedMs = systemClock.monotonicMs();
    const questions = new Questions((word, first, second) => line.say(word, first, second));
    const answers = engine.broker && new BrokerAnswers(engine.broker, this.#answersFor(engine, own));
    const waits = { started: null, drained: null, measured: [], keysTaken: [], backendAnswered: false };
    const running: Running = { own, thread, line, startedMs, questions, answers, ...waits };
    this.#running.set(own, running);
    hearLine<WordToControl, NoteToControl>(
      thread,
      (word, first, second) => this.#heard(running, word, first, second),
      (note) => this.#noted(running, note),
    );
    thread.onEnd((why) => this.#ended(running, why, delayMs));
    line.send({
      ...{
        kind: "start",
        own,
        threads: this.#config.server.workers,
        keys: [firstKeys, ...laterKeys],
        port: this.#port,
        tls,
      },
      ...{ stage: this.#stage, room: this.#room, revocations: [...engine.revocations.inForce.entries()] },
      published: this.#published,
      hasOthers: this.fanOut.hasOthers,
      kept: engine.broker && keptBy(engine.broker),
      forwarded: routes.flatMap(({ route }) => route.paths),
    });
    if (this.fanOut.isParted) line.say("parted", "", "");
    return new Promise((resolve, reject) => {
      running.started = (outcome) => (typeof outcome === "number" ? resolve(outcome) : reject(outcome));
    });
  }

  #heard(
    { own, line, questions, answers }: Running,
    word: WordToControl,
    first: string,
    second: string,
  ): void {
    if (word === "publish") this.fanOut.publish(first, second);
    else if (word === "command") this.fanOut.command(first);
    else if (word === "follow") this.fanOut.followedBy(own, first);
    else if (word === "unfollow") this.fanOut.unfollowedBy(own, first);
    else if (word === "answer") questions.answered(first, second);
    else if (word === "fault") questions.failed(first, second);
    else if (word === "ask") {
      const { published } = this.#needed();
      const answerOf = (about: string, given: readonly unknown[]) =>
        about === "missing"
          ? published?.whenMissing(String(given[0]), String(given[1]))
          : about === "following"
            ? this.fanOut.following(String(given[0]))
            : answers?.answer(about, given);
      answerQuestion(first, second, answerOf, (said, id, json) => line.say(said, id, json));
    } else writeThreadLine(this.#log, word, first, second);
  }

  /** Connections that threads have closed because they were revoked. */
  async #revokedByNow(): Promise<number> {
    const asked = [...this.#running.values()].map(({ questions }) =>
      questions.ask("revoked", []).catch(() => 0),
    );
    return (await Promise.all(asked)).reduce<number>((sum, count) => sum + Number(count), 0);
  }

  #answersFor(engine: Engine, own: number): BrokerAnswersParts {
    return {
      findConnected: (sid) => this.#findConnected(sid, own),
      // In the order in which it became so: two threads would tell it in any.
      tellPresence: (stream, event) => broadcastPresence(engine, stream, event),
    };
  }

  /** Asks the other threads; the one that asks has looked for itself. */
  async #findConnected(sid: string, own: number): Promise<SessionSnapshot | null> {
    const others = [...this.#running.values()].filter((running) => running.own !== own);
    const answers = others.map(({ questions }) => questions.ask("connected", [sid]).catch(() => null));
    const found = (await Promise.all(answers)).find((answer) => answer !== null);
    return (found ?? null) as SessionSnapshot | null; // what `connectedSnapshot` has made there
  }

  #noted(running: Running, note: NoteToControl): void {
    if (note.kind === "listening") running.started?.(note.port);
    else if (note.kind === "keys taken") running.keysTaken.shift()?.();
    else if (note.kind === "backend answered") running.backendAnswered = true;
    else if (note.kind === "failed") running.started?.(new CableError("io_failed", note.why));
    else if (note.kind === "drained") running.drained?.();
    else if (note.kind === "measures") {
      this.#metrics?.told(running.own, note.measures);
      for (const measured of running.measured.splice(0)) measured();
    } else {
      const { routes, onFault } = this.#needed();
      const known = routes.map(({ route }) => route);
      void answerForwarded(known, note.request, onFault).then((answer) =>
        running.line.send({ kind: "answer", answer }),
      );
    }
  }

  /** Its clients come back to the others, and to the one that takes its place. */
  #ended(running: Running, why: string | null, delayMs: number): void {
    if (this.#running.get(running.own) === running) this.#running.delete(running.own);
    running.drained?.();
    if (!this.#stopping) this.#metrics?.died(running.own);
    for (const measured of running.measured.splice(0)) measured();
    for (const taken of running.keysTaken.splice(0)) taken();
    running.questions.abandon("the connection thread died");
    running.answers?.ended();
    this.fanOut.ended(running.own);
    running.started?.(new CableError("io_failed", `start a connection thread: ${why ?? "it ended"}`));
    if (this.#stopping) return;
    new Int32Array(this.#room)[running.own] = 0;
    this.#log.error("a connection thread died; another takes its place", { error: why, in_ms: delayMs });
    const grownUp = systemClock.monotonicMs() - running.startedMs > GROWN_UP_MS;
    const nextMs = grownUp ? FIRST_DELAY_MS : Math.min(delayMs * 2, LONGEST_DELAY_MS);
    systemClock.after(delayMs, () => {
      // One that cannot listen ends, and so comes here again.
      if (!this.#stopping) this.#start(running.own, nextMs).catch(() => {});
    });
  }

  #needed(): ThreadSurroundings {
    if (this.#surroundings === null) throw new Error("threads are started by open");
    return this.#surroundings;
  }
}

async function atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
  let cancel: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = systemClock.after(limitMs, resolve);
  });
  await Promise.race([done, late]);
  cancel();
}

function keptBy({ history, sessions, presence }: Broker): Kept {
  return { history: history !== null, sessions: sessions !== null, presence: presence !== null };
}
