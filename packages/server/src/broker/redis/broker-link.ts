import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import type { RedisCommands, RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { RedisLink } from "../../drivers/redis/redis-link.ts";
import { type RedisScript, runScript } from "../../drivers/redis/redis-script.ts";

export interface BrokerLinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly mark?: LinkMark;
}

/** Runs scripts by one connection, in the order of the calls where their keys are on one node. */
export interface ScriptRunner {
  /**
   * @param what is being done, for the fault.
   * @returns rejects with a CableError when it cannot be known whether it was done.
   */
  run(
    what: string,
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown>;
}

/** Redis that is silent for so long is given up: whoever waits for it is to hear so. */
const SILENCE_MS = 5_000;
const LOOK_MS = 1_000;
const STOP_MS = 2_000;

/** The one connection of the broker. */
export class BrokerLink implements ScriptRunner {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #link: RedisLink;
  readonly #scripts: readonly RedisScript[];
  readonly #onUp: ((runner: ScriptRunner) => Promise<void>)[] = [];
  readonly #stopLooking: Cancel;
  #underWay = 0;
  #lastAnswerMs = 0;
  #run = "";
  #onIdle: () => void = () => {};

  constructor(target: RedisTarget, scripts: readonly RedisScript[], parts: BrokerLinkParts) {
    const { clock, log } = parts;
    this.#clock = clock;
    this.#log = log;
    this.#scripts = scripts;
    this.#link = new RedisLink(
      target,
      { keyed: true, longestWaitMs: 0 },
      {
        ...parts,
        onUp: async (connection, again) => {
          await connection.load(this.#scripts);
          this.#run = connection.isCluster ? "" : nameOfRun(await connection.commands.info("server"));
          const runner = { run: this.#runOn(connection.commands) };
          for (const prepare of this.#onUp) await prepare(runner);
          log.info(again ? "reconnected to Redis" : "connected to Redis");
        },
      },
    );
    this.#stopLooking = clock.every(LOOK_MS, () => {
      if (this.#underWay > 0 && clock.monotonicMs() - this.#lastAnswerMs >= SILENCE_MS)
        this.#link.drop("it does not answer any more");
    });
  }

  /** What Redis calls its life since its start; empty in a cluster, where each node has one of its own. */
  get runOfRedis(): string {
    return this.#run;
  }

  get isUp(): boolean {
    return this.#link.connection !== null;
  }

  /** Called whenever there is a connection again, before anything else uses it. */
  onUp(prepare: (runner: ScriptRunner) => Promise<void>): void {
    this.#onUp.push(prepare);
  }

  start(): void {
    this.#link.start();
  }

  /** What was asked for before is still waited for, but not for long. */
  async stop(): Promise<void> {
    if (this.#underWay > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        this.#clock.after(STOP_MS, resolve);
      });
    this.#stopLooking();
    this.#link.stop();
  }

  run(
    what: string,
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const { connection } = this.#link;
    if (connection === null) return Promise.reject(fault(what, "there is no connection to Redis", undefined));
    return this.#runOn(connection.commands)(what, script, keys, args);
  }

  #runOn(commands: RedisCommands): ScriptRunner["run"] {
    return async (what, script, keys, args) => {
      if (this.#underWay === 0) this.#lastAnswerMs = this.#clock.monotonicMs();
      this.#underWay += 1;
      try {
        return await runScript(commands, script, keys, args);
      } catch (thrown) {
        const why = messageOf(thrown);
        // What was the master serves on as a replica of another one.
        if (why.includes("READONLY")) this.#link.drop(why);
        this.#log.debug("Redis did not do its part", { what, error: why });
        throw fault(what, why, thrown);
      } finally {
        this.#underWay -= 1;
        this.#lastAnswerMs = this.#clock.monotonicMs();
        if (this.#underWay === 0) this.#onIdle();
      }
    };
  }
}

function nameOfRun(info: string): string {
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? "";
}

function fault(what: string, why: string, cause: unknown): CableError {
  return new CableError("io_failed", `${what} in Redis: ${why}; see whether Redis is well`, {
    cause,
    retryable: true,
  });
}
