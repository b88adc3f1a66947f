import type { Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { PublicKeyReader } from "@hawser/core/jwt/crypto";
import { readJwkSet, type SetKey } from "@hawser/core/jwt/jwk-set";
import type { DocumentFetch } from "@hawser/core/jwt/jwks/document-fetch";
import { type JwksResult, JwksSource } from "@hawser/core/jwt/jwks/jwks-source";
import type { KeySources } from "@hawser/core/jwt/key-sources";
import type { Log } from "@hawser/core/log";
import type { IssuerSettings } from "../issuer/options.ts";
import { type KeptSetFiles, keptSetIn } from "./kept-sets.ts";
import { isKeyUrl } from "./key-url.ts";

export interface PublishedKeysSettings {
  readonly maxStaleMs: number;
  /** Folder of the sets that are kept; null to keep none. */
  readonly cacheFolder: string | null;
  readonly issuers: readonly IssuerSettings[];
}

export interface PublishedKeysParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly crypto: PublicKeyReader;
  readonly fetch: DocumentFetch;
  readonly files: KeptSetFiles;
  /** A short name for a file, different for different texts. */
  readonly digest: (text: string) => string;
  readonly sources: KeySources;
  readonly onFetch: (issuer: string, result: JwksResult) => void;
  /** Told of the text of a set that is in force from now on; null when there is none any more. */
  readonly onUse?: (issuer: string, text: string | null) => void;
}

/** Connections that may wait for a key together; past them a token with a foreign `kid` is refused at once. */
const MAX_WAITING = 1_000;

/** The keys that issuers publish, each fetched on a schedule of its own. */
export class PublishedKeys {
  readonly #sources: ReadonlyMap<string, JwksSource>;
  readonly #settings: PublishedKeysSettings;
  readonly #parts: PublishedKeysParts;
  #waiting = 0;
  /** What the token judged last named and the ring did not have. */
  #missed: { readonly source: JwksSource; readonly kid: string } | null = null;

  constructor(settings: PublishedKeysSettings, parts: PublishedKeysParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#sources = new Map(
      settings.issuers.flatMap((issuer) => {
        const source = sourceOf(issuer, settings, parts);
        return source === null || issuer.issuer === null ? [] : [[issuer.issuer, source] as const];
      }),
    );
  }

  /** Begins to fetch; resolves when each issuer was asked once. */
  async start(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.start()));
  }

  /** Asks every issuer now. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.refresh()));
  }

  stop(): void {
    for (const source of this.#sources.values()) source.stop();
  }

  /** Puts the keys of a set in force that somebody else has fetched, and read; null for none. */
  take(issuer: string, text: string | null): void {
    const settings = this.#settings.issuers.find((candidate) => candidate.issuer === issuer);
    if (settings === undefined) return;
    this.#parts.sources.put(`jwks ${issuer}`, text === null ? [] : keysOf(text, settings, this.#parts));
  }

  /** Resolves when the issuer was asked for a key that is missing, where that may be: whether it might have it all the same. */
  async whenMissing(issuer: string, kid: string): Promise<boolean> {
    const source = this.#sources.get(issuer);
    if (source === undefined) return false;
    await source.missing(kid);
    return source.isUnsureOf(kid);
  }

  /** Called before each token is judged. */
  forgetMissed(): void {
    this.#missed = null;
  }

  /** A token named a key of `issuer` that is not there. */
  missed(issuer: string | null, kid: string): void {
    const source = issuer === null ? undefined : this.#sources.get(issuer);
    if (source !== undefined) this.#missed = { source, kid };
  }

  /** What to wait for before the token judged last is judged again; null to take the verdict as it is. */
  arrival(): Promise<void> | null {
    if (this.#missed === null || this.#waiting >= MAX_WAITING) return null;
    const arrival = this.#missed.source.missing(this.#missed.kid);
    if (arrival === null) return null;
    this.#waiting++;
    return arrival.finally(() => {
      this.#waiting--;
    });
  }

  /**
   * Whether the token judged last cannot be judged at the moment: its issuer might have the key, and cannot be asked, or not
   * as often as strangers name keys.
   */
  get isBlind(): boolean {
    return this.#missed?.source.isUnsureOf(this.#missed.kid) ?? false;
  }

  /** Whether any issuer is being asked. */
  get isFetching(): boolean {
    return [...this.#sources.values()].some((source) => source.isFetching);
  }

  /** Seconds since the keys of each issuer were had; null for one that never were. */
  ages(): readonly (readonly [issuer: string, ageS: number | null])[] {
    return [...this.#sources].map(([issuer, source]) => [issuer, source.ageS()] as const);
  }
}

function sourceOf(
  settings: IssuerSettings,
  { maxStaleMs, cacheFolder }: PublishedKeysSettings,
  parts: PublishedKeysParts,
): JwksSource | null {
  const { issuer, jwksUrl: url } = settings;
  if (issuer === null || (url === null && !settings.discovery)) return null;
  const { clock, log, fetch, files, digest, sources, onFetch } = parts;
  const onProblem = (thrown: unknown) =>
    log.warn("issuer's keys were not kept", { issuer, error: messageOf(thrown) });
  const owner = { issuer, url };
  let readLast: string | null = null;
  return new JwksSource(
    { issuer, url, maxStaleMs },
    {
      ...{ clock, log, fetch, isAllowedUrl: isKeyUrl },
      read: (text) => {
        readLast = text;
        return keysOf(text, settings, parts);
      },
      use: (keys) => {
        sources.put(`jwks ${issuer}`, keys);
        parts.onUse?.(issuer, keys.length === 0 ? null : readLast);
      },
      keep:
        cacheFolder === null
          ? null
          : keptSetIn(`${cacheFolder}/jwks-${digest(JSON.stringify(owner))}.json`, owner, files, onProblem),
      onFetch: (result) => onFetch(issuer, result),
    },
  );
}

/** What of a published set can be used; keys for other things stand beside them and are passed over. */
function keysOf(
  text: string,
  { issuer, jwksUrl, algorithms }: IssuerSettings,
  { crypto, log }: PublishedKeysParts,
): readonly SetKey[] {
  const source = jwksUrl ?? `the keys of ${issuer}`;
  const set = readJwkSet(text, {
    ...{ source, issuer, namePrefix: `${issuer}/`, crypto },
    ...{ published: true, withPrivate: false, preferred: algorithms ?? [] },
  });
  for (const { message } of set.refused)
    log.debug("a published key was passed over", { issuer, error: message });
  const keys = set.keys.flatMap((key) => {
    const allowed = key.algorithms.filter((name) => algorithms === null || algorithms.includes(name));
    return allowed.length > 0 ? [{ ...key, algorithms: allowed }] : [];
  });
  if (keys.length > 0) return keys;
  const why = set.refused[0]?.message ?? "none is for an algorithm of jwt_algorithms";
  throw new CableError("config_invalid", `${source} holds no key that can be used: ${why}`);
}
