import type { RevokeResult } from "@hawser/core/engine/revoke";
import { CableError } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { authority, isPortTaken } from "../../drivers/http.ts";
import { systemRandom } from "../../drivers/random.ts";
import { keptBy } from "../../threads/asked-broker.ts";
import { type OuterNodes, ThreadFanOut } from "../../threads/fan-out.ts";
import { roomForFailedAuths } from "../../threads/shared-failed-auths.ts";
import { roomFor } from "../../threads/shared-room.ts";
import type { Publish } from "../seat.ts";
import { drainThreads } from "./drain-threads.ts";
import { HeardThreads, type ThreadSurroundings } from "./heard-threads.ts";
import { RunningThread } from "./running-thread.ts";
import { ServerMetrics } from "./thread-metrics.ts";
import { ThreadSet } from "./thread-set.ts";
import { ToldThreads } from "./told-threads.ts";

/** How soon one that died is replaced, doubled each time that it dies young. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
/** One that served for so long did not die of how it was started. */
const GROWN_UP_MS = 60_000;
const SALT_LENGTH = 21;

/** What the server's parts are once it is composed, and who hears the threads. */
interface Composed {
  readonly surroundings: ThreadSurroundings;
  readonly heard: HeardThreads;
}

/** The connection threads, as the control thread runs them: it starts them, replaces those that die, and ends them. */
export class ConnectionThreads {
  /** For the control thread's engine. */
  readonly fanOut: ThreadFanOut;
  readonly told: ToldThreads;
  readonly #threads = new ThreadSet();
  readonly #config: ResolvedConfig;
  readonly #log: Log;
  /** For what a server of one thread says by its engine. */
  readonly #nodeLog: Log;
  readonly #room: SharedArrayBuffer;
  readonly #failedAuths = { buffer: roomForFailedAuths(), salt: systemRandom.id(SALT_LENGTH) };
  /** Null until the control thread has metrics to add those of the threads to. */
  #metrics: ServerMetrics | null = null;
  #composed: Composed | null = null;
  /** How soon each is replaced if it dies now. */
  readonly #delays = new Map<number, number>();
  #port: number;
  #stopping = false;

  /** @param outer the other servers; null where this one is alone. */
  constructor(config: ResolvedConfig, outer: OuterNodes | null, log: Log) {
    const threads = this.#threads;
    this.fanOut = new ThreadFanOut(
      {
        deliver: (text, stream) => threads.say("deliver", text, stream ?? ""),
        parted: () => threads.say("parted"),
        rejoined: () => {
          threads.say("rejoined");
          this.#tellRevoked();
        },
      },
      outer,
    );
    this.told = new ToldThreads(threads);
    this.#config = config;
    this.#log = log.with({ context: "threads" });
    this.#nodeLog = log.with({ context: "node" });
    this.#room = roomFor(config.server.workers);
    this.#port = config.server.port;
  }

  readonly addMetrics = (own: Metrics, groups: readonly MetricGroup[]): Metrics => {
    this.#metrics = new ServerMetrics(own, groups);
    return this.#metrics.shown;
  };

  /**
   * Starts all of them, and returns the port that they listen on.
   *
   * @throws CableError when one cannot listen.
   */
  async open(surroundings: ThreadSurroundings): Promise<number> {
    const { fanOut } = this;
    const heard = new HeardThreads({ threads: this.#threads, fanOut, surroundings, log: this.#log });
    this.#composed = { surroundings, heard };
    // Before anybody can publish: the first thread serves while the others are being started.
    fanOut.serve(surroundings.engine);
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

  /** What goes to the threads by way of the other servers does not arrive while those are away. */
  #tellRevoked(): void {
    const inForce = this.#composed?.surroundings.engine.revocations.inForce;
    if (inForce !== undefined && inForce.size > 0) this.told.takeOver([...inForce.entries()]);
  }

  /** Adds the connections that the threads close to what a revocation says. */
  readonly countRevoked = async (revoke: () => RevokeResult): Promise<RevokeResult> => {
    const before = this.#threads.revoked();
    const result = revoke();
    if (!this.fanOut.isUp) this.#tellRevoked();
    // Asked behind the revocation, and so answered after it.
    const [was, is] = await Promise.all([before, this.#threads.revoked()]);
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
      if (this.fanOut.commands !== before) return this.#threads.heard().then(() => answered);
      // An answer that came later would end the connection of a publisher that sends requests ahead: the runtime bears none.
      if (!(answered instanceof Promise)) this.#threads.flush();
      return answered;
    };

  /** Whether the application has answered every thread. */
  readonly backendAnswered = (): boolean =>
    this.#config.rpc.kind === "none" || this.#threads.all().every((thread) => thread.backendAnswered);

  /** Has every thread tell its clients and close; resolves when all have, or when the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const { disconnectRatePerS } = this.#config.shutdown;
    await drainThreads(this.#threads.all(), timeoutMs, disconnectRatePerS, this.#nodeLog);
  }

  /** Brings the metrics that are shown up to date. A thread that is busy for long is counted as it was. */
  readonly measure = async (): Promise<void> => {
    await this.#threads.measure((own, measures) => this.#metrics?.told(own, measures));
    this.#metrics?.gather();
  };

  terminate(): void {
    this.#stopping = true;
    this.#threads.terminate();
  }

  #start(own: number, delayMs = FIRST_DELAY_MS): Promise<number> {
    if (this.#composed === null) throw new Error("threads are started by open");
    const { surroundings, heard } = this.#composed;
    const { engine, mismatch, routes } = surroundings;
    const thread = new RunningThread(own, heard.brokerAnswersFor(own), {
      said: (who, word, first, second) => heard.said(who, word, first, second),
      asked: (who, about, given) => heard.asked(who, about, given),
      requested: (who, request) => heard.requested(who, request),
      ended: (who, why) => this.#ended(who, why),
    });
    this.#threads.add(thread);
    this.#delays.set(own, delayMs);
    const listening = thread.start({
      ...{ kind: "start", own, threads: this.#config.server.workers, port: this.#port },
      ...this.told.atStart(),
      ...{ room: this.#room, failedAuths: this.#failedAuths },
      revocations: [...engine.revocations.inForce.entries()],
      hasOthers: this.fanOut.hasOthers,
      kept: engine.broker && keptBy(engine.broker),
      forwarded: routes.flatMap(({ route }) => route.paths),
    });
    if (this.fanOut.isParted) thread.say("parted");
    if (mismatch.isRaised) thread.say("differ");
    return listening;
  }

  /** Its clients come back to the others, and to the one that takes its place. */
  #ended(thread: RunningThread, why: string | null): void {
    const { own, startedMs } = thread;
    this.#threads.remove(thread);
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
}
