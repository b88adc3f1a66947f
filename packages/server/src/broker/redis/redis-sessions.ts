import type { SessionSnapshot, Sessions } from "@hawser/core/broker/sessions";
import type { Cancel, Clock } from "@hawser/core/clock";
import type { Random } from "@hawser/core/random";
import type { BrokerLink, ScriptRunner } from "./broker-link.ts";
import { SESSION_KEYS } from "./keys.ts";
import { FIND, REMOVE, REMOVE_OF, RENEW, SAVE, SCAN } from "./session-scripts.ts";

export const SESSION_SCRIPTS = [FIND, REMOVE, REMOVE_OF, RENEW, SAVE, SCAN];

const KEYS = [SESSION_KEYS];

/** Keys that are looked at in one step. */
const SCANNED_AT_A_TIME = 500;

/** What is remembered while Redis is away; more comes with a storm, and then what is oldest does not get done. */
const MOST_OWED = 10_000;

const STAMP_LENGTH = 11;

/** How soon what is owed is tried again. */
const SETTLE_MS = 1_000;

/** Sessions in Redis, which all servers have. The calls are carried out in their order. */
export class RedisSessions implements Sessions {
  readonly isShared = true;
  readonly #link: Pick<BrokerLink, "run">;
  readonly #random: Random;
  readonly #ttlMs: number;
  /**
   * What could not be done, in the order of the calls: nobody may get a session back that was removed when Redis is there
   * again, and who is connected by then is to find what it has. By session, or by whose they are.
   */
  readonly #owed = new Map<string, () => Owed>();

  readonly #stopSettling: Cancel;

  constructor(
    ttlMs: number,
    link: Pick<BrokerLink, "run" | "onUp" | "isUp">,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#ttlMs = ttlMs;
    this.#link = link;
    this.#random = random;
    link.onUp((runner) => this.#settle(runner));
    // What failed meanwhile, or by one node of a cluster, for which no connection comes back.
    this.#stopSettling = clock.every(SETTLE_MS, () => {
      if (this.#owed.size > 0 && link.isUp) this.#settle(link).catch(() => {}); // it is owed until it is done
    });
  }

  close(): void {
    this.#stopSettling();
  }

  save(sid: string, snapshot: SessionSnapshot): Promise<void> {
    const { identifiers, lineage } = snapshot;
    const args = [sid, JSON.stringify(snapshot), identifiers, lineage, this.#ttlMs];
    return this.#surely("save a session", ofSession(sid), () => ({ script: SAVE, args }));
  }

  async find(sid: string): Promise<SessionSnapshot | null> {
    const text = await this.#link.run("find a session", FIND, KEYS, [sid]);
    return typeof text === "string" ? (JSON.parse(text) as SessionSnapshot) : null; // written by `save`
  }

  async renew(sid: string): Promise<void> {
    await this.#link.run("renew a session", RENEW, KEYS, [sid, this.#ttlMs]);
  }

  remove(sid: string): Promise<void> {
    return this.#surely("remove a session", ofSession(sid), () => ({ script: REMOVE, args: [sid] }));
  }

  removeOf(identifiers: string, lineage?: string): Promise<void> {
    const whose = lineage === undefined ? [identifiers] : [identifiers, lineage];
    return this.#surely("remove sessions", JSON.stringify(["", ...whose]), () => ({
      script: REMOVE_OF,
      // A stamp outlives every session that was saved before it.
      args: [this.#random.id(STAMP_LENGTH), 2 * this.#ttlMs, ...whose],
    }));
  }

  async removeWhere(matches: (sid: string, snapshot: SessionSnapshot) => boolean): Promise<void> {
    let cursor = "0";
    do {
      const reply = await this.#link.run("look at sessions", SCAN, KEYS, [cursor, SCANNED_AT_A_TIME]);
      const [next = "0", ...found] = reply as string[];
      const gone: Promise<void>[] = [];
      for (let at = 0; at + 1 < found.length; at += 2) {
        const [sid = "", text = ""] = [found[at], found[at + 1]];
        if (matches(sid, JSON.parse(text) as SessionSnapshot)) gone.push(this.remove(sid));
      }
      await Promise.all(gone);
      cursor = next;
    } while (cursor !== "0");
  }

  async #surely(what: string, about: string, how: () => Owed): Promise<void> {
    const { script, args } = how();
    this.#owed.delete(about); // this takes its place
    try {
      await this.#link.run(what, script, KEYS, args);
    } catch (fault) {
      const [oldest] = this.#owed.keys();
      if (this.#owed.size >= MOST_OWED && oldest !== undefined) this.#owed.delete(oldest);
      this.#owed.set(about, how);
      throw fault;
    }
  }

  async #settle(runner: ScriptRunner): Promise<void> {
    const owed = [...this.#owed];
    await Promise.all(
      owed.map(([, how]) => {
        const { script, args } = how();
        return runner.run("do what is owed to sessions", script, KEYS, args);
      }),
    );
    for (const [about, how] of owed) if (this.#owed.get(about) === how) this.#owed.delete(about);
  }
}

function ofSession(sid: string): string {
  return JSON.stringify([sid]);
}

interface Owed {
  readonly script: typeof REMOVE;
  readonly args: readonly (string | number)[];
}
