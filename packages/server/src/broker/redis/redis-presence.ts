import type { Presence, PresenceEvent, PresenceOutcome, PresenceSize } from "@hawser/core/broker/presence";
import type { Cancel, Clock } from "@hawser/core/clock";
import { LIMITS } from "@hawser/core/limits";
import type { Log } from "@hawser/core/log";
import { presenceInfo, presenceRecord } from "@hawser/core/protocol/presence-texts";
import type { Random } from "@hawser/core/random";
import type { RedisScript } from "../../drivers/redis/redis-script.ts";
import type { BrokerLink, ScriptRunner } from "./broker-link.ts";
import { PRESENCE_KEYS } from "./keys.ts";
import { OwnPlaces } from "./own-places.ts";
import { ANNOUNCE, JOIN, LEAVE, LOOK, LOSE, MEMBERS, RESUMED } from "./presence-scripts.ts";

export interface RedisPresenceOptions {
  readonly ttlMs: number;
  /** Time between two signs of life of this server; what is due is done then. */
  readonly lookMs: number;
  /** A server that is silent for so long is taken for dead, and the time of its sessions begins. */
  readonly silentMs: number;
  /** Whether the followers of a stream are told by Redis itself, in the order of what happened; else the caller tells them. */
  readonly tells: boolean;
}

export interface RedisPresenceParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Sessions that are seen to in one step. */
const AT_A_TIME = 200;

const SERVER_ID_LENGTH = 12;

const KEYS = [PRESENCE_KEYS];
const UNCHANGED: PresenceOutcome = { done: true, event: null };

/**
 * Who is on which stream, in Redis, the same for all servers. A session belongs to the server that it is connected to. What this
 * server's sessions are is known here as well: after an outage, or where another server took this one for dead, it says so again.
 */
export class RedisPresence implements Presence {
  readonly #options: RedisPresenceOptions;
  readonly #link: Pick<BrokerLink, "run" | "isUp">;
  readonly #parts: RedisPresenceParts;
  readonly #own = new OwnPlaces();
  /** Sessions of which Redis may have another opinion. */
  readonly #doubtful = new Set<string>();
  /** Sid -> calls that have not been answered. */
  readonly #underWay = new Map<string, number>();
  readonly #stop: Cancel;
  #server: string;
  #isNew = true;
  /** Others are not judged before that: while Redis was away, nobody could give a sign of life. */
  #judgesFromMs = Number.POSITIVE_INFINITY;
  #isLooking = false;
  #onExpired: (stream: string, event: PresenceEvent) => void = () => {};

  constructor(
    options: RedisPresenceOptions,
    link: Pick<BrokerLink, "run" | "isUp" | "onUp">,
    parts: RedisPresenceParts,
  ) {
    this.#options = options;
    this.#link = link;
    this.#parts = parts;
    this.#server = parts.random.id(SERVER_ID_LENGTH);
    link.onUp(async (runner) => {
      // The others may come back as much later than this one as they may be silent.
      this.#judgesFromMs = parts.clock.monotonicMs() + 2 * options.silentMs;
      await this.#look(runner);
      // Until everybody has made the connection ready it is nobody's; then what is not known there is said at once.
      parts.clock.after(0, () => void this.#lookAround());
    });
    this.#stop = parts.clock.every(options.lookMs, () => void this.#lookAround());
  }

  async join(stream: string, sid: string, id: string, info: string | null): Promise<PresenceOutcome> {
    const place = { id: JSON.stringify(id), info: info ?? "" };
    const args = [this.#server, sid, ...MOST, ...placeArgs(stream, place)];
    const result = await this.#of(sid, "join", JOIN, args, (reply) => {
      if (reply === "joined" || reply === "there") this.#own.set(sid, stream, place);
      return reply;
    });
    if (result === "there") return UNCHANGED;
    if (result === "joined") return this.#options.tells ? UNCHANGED : joined(id, info);
    return { done: false, why: REFUSALS.get(String(result)) ?? "it cannot be told why" };
  }

  async leave(stream: string, sid: string): Promise<PresenceOutcome> {
    const left = await this.#of(sid, "leave", LEAVE, [sid, stream], (reply) => {
      this.#own.delete(sid, stream);
      return reply;
    }).catch((fault) => {
      this.#own.delete(sid, stream);
      throw fault;
    });
    if (left === "nobody") return { done: false, why: "stream not found" };
    if (left === "absent") return { done: false, why: "presence info not found" };
    const [id] = left as [string?];
    return id === undefined ? UNCHANGED : { done: true, event: leaving(id) };
  }

  async info(stream: string): Promise<string> {
    const members = (await this.#run("list who is present", MEMBERS, [stream])) as string[];
    const records: string[] = [];
    for (let at = 0; at + 1 < members.length; at += 2) {
      const info = /^\d+:\d+:(.*)$/s.exec(members[at + 1] ?? "")?.[1] ?? "";
      records.push(presenceRecord(JSON.parse(members[at] ?? '""'), info === "" ? null : info));
    }
    return presenceInfo(records.length, records.join());
  }

  async resumed(formerSid: string, sid: string): Promise<void> {
    await this.#of(sid, "resume", RESUMED, [this.#server, formerSid, sid], (reply) => {
      const found = reply as string[];
      for (let at = 0; at + 2 < found.length; at += 3) {
        const [stream = "", id = "", info = ""] = found.slice(at, at + 3);
        this.#own.set(sid, stream, { id, info });
      }
    });
  }

  async disconnected(sid: string): Promise<void> {
    if (!this.#own.has(sid) && !this.#underWay.has(sid) && !this.#doubtful.has(sid)) return;
    await this.#lose(sid);
  }

  /** Those of this server. */
  size(): PresenceSize {
    return { streams: this.#own.streams, sessions: this.#own.sessions };
  }

  onExpired(listener: (stream: string, event: PresenceEvent) => void): void {
    this.#onExpired = listener;
  }

  close(): void {
    this.#stop();
  }

  async #lose(sid: string): Promise<void> {
    const args = [sid, this.#options.ttlMs, LIMITS.maxPresenceOfLost];
    const gone = await this.#of(sid, "lose", LOSE, args, (reply) => {
      this.#own.forget(sid);
      return reply;
    }).catch((fault) => {
      this.#own.forget(sid);
      throw fault;
    });
    this.#tell(gone as string[]);
  }

  /** A call for a session. What becomes of it is noted in the order of the calls. */
  async #of<T>(
    sid: string,
    what: string,
    script: RedisScript,
    args: readonly (string | number)[],
    note: (reply: unknown) => T,
  ): Promise<T> {
    this.#underWay.set(sid, (this.#underWay.get(sid) ?? 0) + 1);
    try {
      return note(await this.#run(`${what} presence`, script, args));
    } catch (fault) {
      this.#doubtful.add(sid);
      throw fault;
    } finally {
      const left = (this.#underWay.get(sid) ?? 0) - 1;
      if (left > 0) this.#underWay.set(sid, left);
      else this.#underWay.delete(sid);
    }
  }

  #run(
    what: string,
    script: RedisScript,
    args: readonly (string | number)[],
    runner: ScriptRunner = this.#link,
  ): Promise<unknown> {
    return runner.run(what, script, KEYS, [this.#options.tells ? 1 : 0, ...args]);
  }

  async #lookAround(): Promise<void> {
    if (this.#isLooking || !this.#link.isUp) return;
    this.#isLooking = true;
    try {
      while (await this.#look(this.#link));
      await this.#sayAgain();
    } catch {
      // The link has said so; it is tried again at the next look.
    } finally {
      this.#isLooking = false;
    }
  }

  /** @returns whether there is more to do. */
  async #look(runner: ScriptRunner): Promise<boolean> {
    const { ttlMs, silentMs } = this.#options;
    const { clock, random, log } = this.#parts;
    const isNew = this.#isNew;
    const judges = clock.monotonicMs() >= this.#judgesFromMs;
    const args = [this.#server, isNew ? 1 : 0, ttlMs, LIMITS.maxPresenceOfLost, silentMs, judges ? 1 : 0];
    const reply = await this.#run("look after presence", LOOK, [...args, AT_A_TIME], runner);
    const [isKnown, isMore, ...gone] = reply as [number, number, ...string[]];
    this.#tell(gone);
    this.#isNew = false;
    if (isNew || isKnown === 1) return isMore === 1;
    // Whatever else is done under the former name, others take for that of a server that is dead.
    this.#server = random.id(SERVER_ID_LENGTH);
    this.#isNew = true;
    for (const sid of this.#own.sids) this.#doubtful.add(sid);
    log.info("this server is not known in Redis any more; saying again who is present", {
      sessions: this.#own.sessions,
    });
    return this.#look(runner);
  }

  async #sayAgain(): Promise<void> {
    for (;;) {
      const calls: Promise<unknown>[] = [];
      for (const sid of this.#doubtful) {
        if (this.#underWay.has(sid)) continue;
        this.#doubtful.delete(sid);
        calls.push(this.#own.has(sid) ? this.#announce(sid) : this.#lose(sid));
        if (calls.length >= AT_A_TIME) break;
      }
      if (calls.length === 0) return;
      const outcomes = await Promise.allSettled(calls);
      if (outcomes.some(({ status }) => status === "rejected")) return;
    }
  }

  async #announce(sid: string): Promise<void> {
    const places = [...this.#own.of(sid)].flatMap(([stream, place]) => placeArgs(stream, place));
    await this.#of(sid, "announce", ANNOUNCE, [this.#server, sid, ...MOST, ...places], () => {});
  }

  #tell(gone: readonly string[]): void {
    for (let at = 0; at + 1 < gone.length; at += 2)
      this.#onExpired(gone[at] ?? "", leaving(gone[at + 1] ?? '""'));
  }
}

const { maxPresenceRecord, maxPresenceOfSession, maxPresenceOfStream } = LIMITS;
const MOST = [maxPresenceRecord, maxPresenceOfSession, maxPresenceOfStream];

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ["mismatch", "presence ID mismatch"],
  ["record", `presence data is too long: ${maxPresenceRecord} are allowed`],
  ["session", `the session's presence data is too long: ${maxPresenceOfSession} are allowed`],
  ["stream", `the stream's presence data is too long: ${maxPresenceOfStream} are allowed`],
]);

/** What a place takes is counted in characters of its record, as in memory. */
function placeArgs(stream: string, { id, info }: { readonly id: string; readonly info: string }) {
  const length = presenceRecord(JSON.parse(id), info === "" ? null : info).length;
  return [stream, id, info, length, length + stream.length];
}

function joined(id: string, info: string | null): PresenceOutcome {
  return { done: true, event: { type: "join", id, info } };
}

/** @param id as JSON text. */
function leaving(id: string): PresenceEvent {
  return { type: "leave", id: JSON.parse(id) };
}
