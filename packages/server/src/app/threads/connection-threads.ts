import type { SessionSnapshot } from "@hawser/core/broker/sessions";
import type { Engine } from "@hawser/core/engine/engine";
import { broadcastPresence } from "@hawser/core/engine/presence";
import type { RevokeResult } from "@hawser/core/engine/revoke";
import type { MismatchWatch } from "@hawser/core/engine/secrets-mismatch";
import { CableError } from "@hawser/core/errors";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { Log } from "@hawser/core/log";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { authority, isPortTaken, type TlsFiles } from "../../drivers/http.ts";
import { systemRandom } from "../../drivers/random.ts";
import { atEndOfTurn } from "../../drivers/threads.ts";
import type { PublishedKeys } from "../../keys/jwks/published-keys.ts";
import { keptBy } from "../../threads/asked-broker.ts";
import { BrokerAnswers, type BrokerAnswersParts } from "../../threads/broker-answers.ts";
import { type OuterNodes, ThreadFanOut } from "../../threads/fan-out.ts";
import { answerForwarded, type ForwardedRequest } from "../../threads/forwarded-requests.ts";
import { roomForFailedAuths } from "../../threads/shared-failed-auths.ts";
import { roomFor } from "../../threads/shared-room.ts";
import { writeThreadLine } from "../../threads/thread-log.ts";
import type { SocketData } from "../../transports/websocket/websocket-transport.ts";
import type { PlacedRoute } from "../listeners.ts";
import type { Publish } from "../seat.ts";
import type { Stage } from "../stage.ts";
import { atMost } from "../wait.ts";
import { drainThreads } from "./drain-threads.ts";
import type {
  AboutThread,
  KeysGiven,
  NoteToThread,
  QuestionWord,
  ThreadStart,
  WordToControl,
  WordToThread,
} from "./notes.ts";
import { PATIENCE_MS, RunningThread, type ThreadHearer } from "./running-thread.ts";
import { ServerMetrics } from "./thread-metrics.ts";

/** What of the server the threads need once it is composed. */
export interface ThreadSurroundings {
  readonly engine: Engine;
  /** Null where no issuer publishes its keys. */
  readonly published: PublishedKeys | null;
  readonly mismatch: MismatchWatch;
  readonly routes: readonly PlacedRoute<SocketData>[];
  readonly tls: TlsFiles | null;
  readonly onFault: (thrown: unknown) => void;
}

/** How soon one that died is replaced, doubled each time that it dies young. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
const SALT_LENGTH = 21;
/** One that served for so long did not die of how it was started. */
const GROWN_UP_MS = 60_000;

/** The connection threads, as the control thread runs them. */
export class ConnectionThreads {
  /** For the control thread's engine. */
  readonly fanOut: ThreadFanOut;
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  /** For what a server of one thread says by its engine. */
  readonly #nodeLog: Log;
  readonly #room: SharedArrayBuffer;
  readonly #failedAuths = { buffer: roomForFailedAuths(), salt: systemRandom.id(SALT_LENGTH) };
  readonly #running = new Map<number, RunningThread>();
  readonly #hearer: ThreadHearer = {
    said: (thread, word, first, second) => this.#said(thread, word, first, second),
    asked: (thread, about, given) => this.#asked(thread, about, given),
    requested: (thread, request) => this.#requested(thread, request),
    ended: (thread, why) => this.#ended(thread, why),
  };
  /** Null until the control thread has metrics to add those of the threads to. */
  #metrics: ServerMetrics | null = null;
  #surroundings: ThreadSurroundings | null = null;
  /** Empty until the control thread has read its own. */
  #keys: readonly KeysGiven[] = [];
  /** How soon each is replaced if it dies now. */
  readonly #delays = new Map<number, number>();
  readonly #published = new Map<string, string>();
  #tls: TlsFiles | null = null;
  #stage: Stage["now"] = "starting";
  #handingOver: Promise<void> | null = null;
  #port: number;
  #stopping = false;

  /** @param outer the other servers; null where this one is alone. */
  constructor(config: ResolvedConfig, outer: OuterNodes | null, log: Log) {
    this.fanOut = new ThreadFanOut(
      {
        deliver: (text, stream) => this.#sayToAll("deliver", text, stream ?? ""),
        parted: () => this.#sayToAll("parted"),
        rejoined: () => this.#sayToAll("rejoined"),
      },
      outer,
    );
    this.#config = config;
    this.#log = log.with({ context: "threads" });
    this.#nodeLog = log.with({ context: "node" });
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
    this.#tellAll({ kind: "keys", keys });
    await this.#heardByAll();
  };

  /** What an issuer has published, for every thread. */
  readonly usePublished = (issuer: string, text: string | null): void => {
    if (text === null) this.#published.delete(issuer);
    else this.#published.set(issuer, text);
    this.#tellAll({ kind: "published", issuer, text });
  };

  /** What other servers have revoked. Threads that are yet to be started begin with all that is in force. */
  readonly takeOver = (revocations: readonly Revocation[]): void => {
    this.#tellAll({ kind: "take over", revocations });
  };

  readonly secretsDiffer = (differ: boolean): void => this.#sayToAll(differ ? "differ" : "agree");

  readonly addMetrics = (own: Metrics, groups: readonly MetricGroup[]): Metrics => {
    this.#metrics = new ServerMetrics(own, groups);
    return this.#metrics.shown;
  };

  enter(stage: Stage["now"]): void {
    this.#stage = stage;
    this.#tellAll({ kind: "stage", stage });
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

  /**
   * Publishes so that the answer is given once what was published is on its way to every thread; to a command, once every
   * thread has carried it out.
   */
  readonly publisher =
    (publish: Publish): Publish =>
    (text) => {
      const before = this.fanOut.commands;
      const answered = publish(text);
      if (this.fanOut.commands !== before) return this.#heardByAll().then(() => answered);
      if (!(answered instanceof Promise)) return this.#handedOver().then(() => answered);
      return answered.then(async (result) => {
        await this.#handedOver();
        return result;
      });
    };

  replaceTls(tls: TlsFiles): void {
    this.#tls = tls;
    this.#tellAll({ kind: "certificate", tls });
  }

  /** Whether the application has answered every thread. */
  readonly backendAnswered = (): boolean => {
    if (this.#config.rpc.kind === "none") return true;
    return [...this.#running.values()].every((thread) => thread.backendAnswered);
  };

  /** Has every thread tell its clients and close; resolves when all have, or when the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const { disconnectRatePerS } = this.#config.shutdown;
    const log = this.#nodeLog;
    await drainThreads([...this.#running.values()], timeoutMs, disconnectRatePerS, log);
  }

  /** Asks every thread what it has counted. One that is busy for long is counted as it was. */
  readonly measure = async (): Promise<void> => {
    const told = [...this.#running.values()].map(async (thread) => {
      const measures = await thread.measures();
      if (measures !== null) this.#metrics?.told(thread.own, measures);
    });
    await atMost(PATIENCE_MS, Promise.all(told));
    this.#metrics?.gather();
  };

  terminate(): void {
    this.#stopping = true;
    for (const thread of this.#running.values()) thread.terminate();
    this.#running.clear();
  }

  #sayToAll(word: Exclude<WordToThread, QuestionWord>, first = "", second = ""): void {
    for (const thread of this.#running.values()) thread.say(word, first, second);
  }

  #tellAll(note: Exclude<NoteToThread, ThreadStart>): void {
    for (const thread of this.#running.values()) thread.tell(note);
  }

  /** Resolves when what is said in this turn has left it. */
  #handedOver(): Promise<void> {
    this.#handingOver ??= new Promise((resolve) =>
      atEndOfTurn(() => {
        this.#handingOver = null;
        resolve();
      }),
    );
    return this.#handingOver;
  }

  /** Resolves when every thread has heard what it was told; one that is busy for long is not waited for. */
  async #heardByAll(): Promise<void> {
    await atMost(PATIENCE_MS, this.#askAll("here"));
  }

  /** The answers of those that live. */
  async #askAll(about: AboutThread, ...given: readonly unknown[]): Promise<readonly unknown[]> {
    const asked = [...this.#running.values()].map((thread) => thread.ask(about, ...given));
    return (await Promise.allSettled(asked)).flatMap((told) =>
      told.status === "fulfilled" ? [told.value] : [],
    );
  }

  #start(own: number, delayMs = FIRST_DELAY_MS): Promise<number> {
    const { engine, mismatch, routes } = this.#needed();
    const [firstKeys, ...laterKeys] = this.#keys;
    if (firstKeys === undefined) throw new Error("threads are started once there are keys");
    const answers = engine.broker && new BrokerAnswers(engine.broker, this.#answersFor(engine, own));
    const thread = new RunningThread(own, answers, this.#hearer);
    this.#running.set(own, thread);
    this.#delays.set(own, delayMs);
    const listening = thread.start({
      ...{ kind: "start", own, threads: this.#config.server.workers, keys: [firstKeys, ...laterKeys] },
      ...{ port: this.#port, tls: this.#tls, stage: this.#stage },
      ...{ room: this.#room, failedAuths: this.#failedAuths },
      revocations: [...engine.revocations.inForce.entries()],
      published: this.#published,
      hasOthers: this.fanOut.hasOthers,
      kept: engine.broker && keptBy(engine.broker),
      forwarded: routes.flatMap(({ route }) => route.paths),
    });
    if (this.fanOut.isParted) thread.say("parted");
    if (mismatch.isRaised) thread.say("differ");
    return listening;
  }

  #said(
    { own }: RunningThread,
    word: Exclude<WordToControl, QuestionWord>,
    first: string,
    second: string,
  ): void {
    if (word === "publish") this.fanOut.publish(first, second);
    else if (word === "command") this.fanOut.command(first);
    else if (word === "follow") this.fanOut.followedBy(own, first);
    else if (word === "unfollow") this.fanOut.unfollowedBy(own, first);
    else if (word === "forged") this.#needed().mismatch.failed(first, JSON.parse(second));
    else if (word === "signed") this.#needed().mismatch.passed(JSON.parse(first));
    else writeThreadLine(this.#log, word, first, second);
  }

  #asked({ answers }: RunningThread, about: string, given: readonly unknown[]): unknown {
    const [first, second] = given;
    if (about === "missing") return this.#needed().published?.whenMissing(String(first), String(second));
    if (about === "following") return this.fanOut.following(String(first));
    return answers?.answer(about, given);
  }

  #requested(thread: RunningThread, request: ForwardedRequest): void {
    const { routes, onFault } = this.#needed();
    const known = routes.map(({ route }) => route);
    void answerForwarded(known, request, onFault).then((answer) => thread.tell({ kind: "answer", answer }));
  }

  /** Connections that threads have closed because they were revoked. */
  async #revokedByNow(): Promise<number> {
    return (await this.#askAll("revoked")).reduce<number>((sum, count) => sum + Number(count), 0);
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
    const others = [...this.#running.values()].filter((thread) => thread.own !== own);
    const answers = others.map((thread) => thread.ask("connected", sid).catch(() => null));
    const found = (await Promise.all(answers)).find((answer) => answer !== null);
    return (found ?? null) as SessionSnapshot | null; // what `connectedSnapshot` has made there
  }

  /** Its clients come back to the others, and to the one that takes its place. */
  #ended(thread: RunningThread, why: string | null): void {
    const { own, startedMs } = thread;
    if (this.#running.get(own) === thread) this.#running.delete(own);
    if (!this.#stopping) this.#metrics?.died(own);
    this.fanOut.ended(own);
    if (this.#stopping) return;
    const delayMs = this.#delays.get(own) ?? FIRST_DELAY_MS;
    new Int32Array(this.#room)[own] = 0;
    this.#log.error("a connection thread died; another takes its place", { error: why, in_ms: delayMs });
    const grownUp = systemClock.monotonicMs() - startedMs > GROWN_UP_MS;
    const nextMs = grownUp ? FIRST_DELAY_MS : Math.min(delayMs * 2, LONGEST_DELAY_MS);
    systemClock.after(delayMs, () => {
      // One that cannot listen ends, and so comes here again.
      if (!this.#stopping) this.#start(own, nextMs).catch(() => {});
    });
  }

  #needed(): ThreadSurroundings {
    if (this.#surroundings === null) throw new Error("threads are started by open");
    return this.#surroundings;
  }
}
