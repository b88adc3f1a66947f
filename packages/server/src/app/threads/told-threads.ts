import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import type { TlsFiles } from "../../drivers/http.ts";
import type { Stage } from "../stage.ts";
import type { KeysGiven, ThreadStart } from "./notes.ts";
import type { ThreadSet } from "./thread-set.ts";

/** What every thread is to know: it is told to those that run, and those that are started later begin with it. */
export class ToldThreads {
  readonly #threads: ThreadSet;
  /** Empty until the control thread has read its own. */
  #keys: readonly KeysGiven[] = [];
  readonly #published = new Map<string, string>();
  #tls: TlsFiles | null = null;
  #stage: Stage["now"] = "starting";

  constructor(threads: ThreadSet) {
    this.#threads = threads;
  }

  /** What keys are made of from now on; resolves when all have taken it. */
  readonly useKeys = async (config: ResolvedConfig, texts: KeysGiven["texts"]): Promise<void> => {
    const keys = { config, texts, takenMs: systemClock.nowMs() };
    // Of those that nothing counts of any more one is enough, to know what the next one replaced.
    const since = this.#keys.findLastIndex(({ takenMs }) => takenMs <= keys.takenMs - config.jwt.overlapMs);
    const [first = keys, ...rest] = this.#keys.slice(Math.max(0, since));
    this.#keys = first === keys ? [keys] : [first, ...rest, keys];
    this.#threads.tell({ kind: "keys", keys });
    await this.#threads.heard();
  };

  /** What an issuer has published. */
  readonly usePublished = (issuer: string, text: string | null): void => {
    if (text === null) this.#published.delete(issuer);
    else this.#published.set(issuer, text);
    this.#threads.tell({ kind: "published", issuer, text });
  };

  /** What other servers have revoked; whoever starts later begins with all that is in force. */
  readonly takeOver = (revocations: readonly Revocation[]): void => {
    this.#threads.tell({ kind: "take over", revocations });
  };

  readonly secretsDiffer = (differ: boolean): void => this.#threads.say(differ ? "differ" : "agree");

  enter(stage: Stage["now"]): void {
    this.#stage = stage;
    this.#threads.tell({ kind: "stage", stage });
  }

  useTls(tls: TlsFiles): void {
    this.#tls = tls;
    this.#threads.tell({ kind: "certificate", tls });
  }

  /** What of it a thread begins with. */
  atStart(): Pick<ThreadStart, "keys" | "published" | "tls" | "stage"> {
    const [first, ...later] = this.#keys;
    if (first === undefined) throw new Error("threads are started once there are keys");
    return { keys: [first, ...later], published: this.#published, tls: this.#tls, stage: this.#stage };
  }
}
