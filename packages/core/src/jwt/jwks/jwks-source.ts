import type { Cancel, Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { durationText } from "../../log-sampler.ts";
import type { SetKey } from "../jwk-set.ts";
import { discoveryUrl, keysUrlIn } from "./discovery.ts";
import type { DocumentFetch, FetchFailure } from "./document-fetch.ts";
import { freshForMs, overdueMs } from "./freshness.ts";
import { RefetchBudget } from "./refetch-budget.ts";

/** A set as it was last had. */
export interface KeptSet {
  readonly text: string;
  /** Wall time. */
  readonly fetchedAtMs: number;
}

export interface JwksSettings {
  readonly issuer: string;
  /** Null to ask the issuer's discovery document. */
  readonly url: string | null;
  /** How long the keys of a set serve after it was last had. */
  readonly maxStaleMs: number;
}

export interface JwksParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: DocumentFetch;
  /** Whether keys may be fetched from a URL that a discovery document names. */
  readonly isAllowedUrl: (url: string) => boolean;
  /** The keys of a set's text; throws CableError when it is none, or has no key that can be used. */
  readonly read: (text: string) => readonly SetKey[];
  /** Puts the source's keys in force. */
  readonly use: (keys: readonly SetKey[]) => void;
  /** Where the last good set is kept beyond this process; neither may throw. */
  readonly keep: { readonly load: () => KeptSet | null; readonly save: (set: KeptSet) => void } | null;
  readonly onFetch: (result: JwksResult) => void;
}

/** What became of a fetch; values of the metric's label `result`. */
export type JwksResult = "ok" | "invalid" | FetchFailure;

/** A set is asked for again when this much of its time has passed, so that a failure or two cost nothing. */
const REFRESH_AT = 0.8;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** How long a `kid` that a fresh set does not have is known to be nobody's. */
const UNKNOWN_KID_MS = 60_000;
const MAX_UNKNOWN_KIDS = 1_000;

/**
 * The keys that one issuer publishes. They are fetched ahead of need and kept through the issuer's failures; a token is
 * verified with what is there, and nothing waits for the network but who names a key that nobody knows yet.
 */
export class JwksSource {
  readonly #settings: JwksSettings;
  readonly #parts: JwksParts;
  readonly #budget: RefetchBudget;
  #discovered: string | null = null;
  #kept: KeptSet | null = null;
  #kids: ReadonlySet<string> = new Set();
  /** Until when, by the monotonic clock. */
  readonly #unknownKids = new Map<string, number>();
  #underWay: Promise<void> | null = null;
  #failures = 0;
  #complaint = "";
  #stopTimer: Cancel = () => {};
  #stopExpiry: Cancel = () => {};
  #stopped = false;

  constructor(settings: JwksSettings, parts: JwksParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#budget = new RefetchBudget(parts.clock);
  }

  /** Takes over what was kept, and fetches. Resolves when the first fetch has ended, however. */
  start(): Promise<void> {
    const kept = this.#parts.keep?.load() ?? null;
    if (kept !== null && this.#staleInMs(kept) > 0) this.#takeKept(this.#notFromTheFuture(kept));
    return this.#fetch();
  }

  /**
   * What a token with a key that is not there may wait for: the fetch under way, or one more. Null when there is nothing
   * to wait for: the set was asked a moment ago and has no such key, or strangers have had their share of fetches.
   */
  missing(kid: string): Promise<void> | null {
    if (this.#stopped || !this.isUnsureOf(kid)) return null;
    if (this.#underWay === null && !this.#budget.spend()) return null;
    return this.#fetch().then(() => this.#rememberUnknown(kid));
  }

  /** Whether the issuer might publish a key of this name without our knowing: it was not asked since, or did not answer. */
  isUnsureOf(kid: string): boolean {
    if (this.#kids.has(kid)) return false;
    const untilMs = this.#unknownKids.get(kid);
    return untilMs === undefined || this.#parts.clock.monotonicMs() >= untilMs;
  }

  /** Asks now, as somebody wants to know. Resolves when that has ended, however. */
  refresh(): Promise<void> {
    return this.#stopped ? Promise.resolve() : this.#fetch();
  }

  get isFetching(): boolean {
    return this.#underWay !== null;
  }

  /** Seconds since the set was had; null when it never was. */
  ageS(): number | null {
    return this.#kept === null
      ? null
      : Math.max(0, this.#parts.clock.nowMs() - this.#kept.fetchedAtMs) / 1000;
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
    this.#stopExpiry();
  }

  #fetch(): Promise<void> {
    this.#underWay ??= this.#fetchOnce().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #fetchOnce(): Promise<void> {
    this.#stopTimer();
    const url = await this.#keysUrl();
    if (url === null || this.#stopped) return;
    const fetched = await this.#parts.fetch(url);
    if (this.#stopped) return;
    if (!fetched.ok) {
      this.#discovered = null; // an issuer may have moved its keys
      this.#failed(fetched.failure, fetched.problem);
      return;
    }
    const lateMs = overdueMs(fetched.cacheControl, fetched.ageS);
    if (lateMs >= this.#settings.maxStaleMs) {
      const age = durationText(fetched.ageS * 1000);
      this.#failed("invalid", `a cache on the way to ${url} answered with a set of ${age} ago; see why`);
      return;
    }
    try {
      this.#take({ text: fetched.text, fetchedAtMs: this.#parts.clock.nowMs() - lateMs });
    } catch (thrown) {
      this.#failed("invalid", messageOf(thrown));
      return;
    }
    if (this.#kept !== null) this.#parts.keep?.save(this.#kept);
    this.#succeeded(freshForMs(fetched.cacheControl, fetched.ageS));
  }

  async #keysUrl(): Promise<string | null> {
    const { url, issuer } = this.#settings;
    const known = url ?? this.#discovered;
    if (known !== null) return known;
    const fetched = await this.#parts.fetch(discoveryUrl(issuer));
    if (this.#stopped) return null;
    if (!fetched.ok) {
      this.#failed(fetched.failure, fetched.problem);
      return null;
    }
    try {
      this.#discovered = keysUrlIn(fetched.text, issuer, this.#parts.isAllowedUrl);
      return this.#discovered;
    } catch (thrown) {
      this.#failed("invalid", messageOf(thrown));
      return null;
    }
  }

  #takeKept(kept: KeptSet): void {
    const { issuer } = this.#settings;
    try {
      this.#take(kept);
    } catch (thrown) {
      this.#parts.log.warn("keys that were kept cannot be used", { issuer, error: messageOf(thrown) });
    }
  }

  /** All of it or, by an exception, nothing. */
  #take(set: KeptSet): void {
    if (set.text !== this.#kept?.text) {
      const keys = this.#parts.read(set.text);
      this.#parts.use(keys);
      this.#kids = new Set(keys.flatMap(({ kid }) => kid ?? []));
      const names = keys.map(({ name }) => name).join(", ");
      this.#parts.log.info("issuer's keys are in force", { issuer: this.#settings.issuer, keys: names });
    }
    this.#kept = set;
    this.#stopExpiry();
    this.#stopExpiry = this.#parts.clock.after(this.#staleInMs(set), () => this.#expire());
  }

  #succeeded(freshMs: number): void {
    const { clock, log, onFetch } = this.#parts;
    onFetch("ok");
    if (this.#failures > 0) log.info("issuer's keys can be fetched again", { issuer: this.#settings.issuer });
    this.#failures = 0;
    this.#complaint = "";
    this.#stopTimer = clock.after(freshMs * REFRESH_AT, () => void this.#fetch());
  }

  #failed(result: JwksResult, problem: string): void {
    const { clock, log, onFetch } = this.#parts;
    onFetch(result);
    // The same failure once, and not each minute of an hour.
    if (problem !== this.#complaint) {
      this.#complaint = problem;
      const age = this.ageS();
      log.warn("issuer's keys were not fetched", {
        issuer: this.#settings.issuer,
        error: problem,
        keys: this.#kids.size === 0 ? "none" : `those of ${Math.round(age ?? 0)} s ago stay in force`,
      });
    }
    const retryMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures++;
    this.#stopTimer = clock.after(retryMs, () => void this.#fetch());
  }

  /** What was not confirmed for so long may have been revoked by its issuer. */
  #expire(): void {
    const { issuer, maxStaleMs } = this.#settings;
    this.#kept = null;
    this.#kids = new Set();
    this.#parts.use([]);
    this.#parts.log.error("issuer's keys are too old and no longer used", {
      issuer,
      error: `they were not fetched for ${Math.round(maxStaleMs / 1000)} s: see why, or raise jwt_jwks_max_stale`,
    });
  }

  /** A clock that was ahead when a set was kept must not make it serve for longer. */
  #notFromTheFuture({ text, fetchedAtMs }: KeptSet): KeptSet {
    return { text, fetchedAtMs: Math.min(fetchedAtMs, this.#parts.clock.nowMs()) };
  }

  #staleInMs(set: KeptSet): number {
    return set.fetchedAtMs + this.#settings.maxStaleMs - this.#parts.clock.nowMs();
  }

  #rememberUnknown(kid: string): void {
    // After a failure nothing is known of it.
    if (this.#failures > 0 || this.#kids.has(kid)) return;
    if (this.#unknownKids.size >= MAX_UNKNOWN_KIDS) this.#unknownKids.clear();
    this.#unknownKids.set(kid, this.#parts.clock.monotonicMs() + UNKNOWN_KID_MS);
  }
}
