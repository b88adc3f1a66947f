import type { Clock } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import { KeySources } from "@hawser/core/jwt/key-sources";
import { createKeyRing } from "@hawser/core/jwt/keyring";
import { RingHolder } from "@hawser/core/jwt/ring-holder";
import type { RingReport } from "@hawser/core/jwt/ring-report";
import type { Log } from "@hawser/core/log";
import type { LabelledCells } from "@hawser/core/metrics/registry";
import { deriveKey } from "@hawser/core/signed/derive";
import type { MessageKey } from "@hawser/core/signed/message-key";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { hmacHex, nodeCrypto } from "../drivers/crypto.ts";
import { createDocumentFetch } from "../drivers/document-fetch.ts";
import { readTextFile, replaceTextFile } from "../drivers/files.ts";
import { createMessageKey } from "../drivers/message-key.ts";
import { HeldSecret } from "../keys/held-secret.ts";
import type { IssuerSettings } from "../keys/issuer/options.ts";
import { PublishedKeys, type PublishedKeysParts } from "../keys/jwks/published-keys.ts";
import { type KeyFacts, keyList } from "../keys/key-list.ts";
import { ownSecretsOf } from "../keys/own-secrets.ts";
import { type KeysRead, readKeys } from "../keys/read-keys.ts";
import { ringMarks } from "../keys/ring-marks.ts";
import type { GivenSecret, SecretVersion } from "../keys/secret-versions.ts";
import { restartOnly } from "./restart-only.ts";

/** What became of a reload. */
export interface ReloadResult {
  readonly result: "reloaded" | "unchanged" | "failed";
  /** How many keys verify tokens now. */
  readonly keys: number;
  /** One line for a failed one: what, why, what to try. */
  readonly problem: string | null;
}

/** Reads the configuration again, as at the start. */
export type Reconfigure = () =>
  | { readonly ok: true; readonly config: ResolvedConfig }
  | { readonly ok: false; readonly errors: readonly string[] };

export interface ServerKeysParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly reloads: LabelledCells<"jwt_ring_reloads_total">;
  readonly fetches: LabelledCells<"jwks_fetches_total">;
  readonly reconfigure: Reconfigure;
  /** Reads a file that keys are in; from the disk unless given. */
  readonly readFile?: (path: string) => string;
  /** Told of what an issuer has published, once it is in force. */
  readonly onPublished?: (issuer: string, text: string | null) => void;
  /** Told of what keys were made of once they are in force, with the texts of the files by their paths; a reload waits for it. */
  readonly onTaken?: (config: ResolvedConfig, texts: ReadonlyMap<string, string>) => Promise<void>;
}

/** What signs stream names. */
const STREAM_PURPOSES = ["streams", "turbo", "cable_ready"] as const;
export type StreamPurpose = (typeof STREAM_PURPOSES)[number];

/**
 * The server's keys: the ring that tokens are verified with, and what else comes from the same secrets. All of it is
 * replaced together, in one turn, or stays as it is.
 */
export class ServerKeys {
  /** The ring in force. */
  readonly holder = new RingHolder(createKeyRing([]));
  /** Puts the keys of further sources into the ring. */
  readonly sources = new KeySources(this.holder);
  /** Null where no issuer publishes its keys. A reload asks for them anew; whose they are is settled at the start. */
  readonly published: PublishedKeys | null;
  readonly #parts: ServerKeysParts;
  readonly #tokens = new Map<string | null, HeldSecret<SecretVersion>>();
  readonly #streams: Readonly<Record<StreamPurpose, HeldSecret<MessageKey>>>;
  readonly #broadcast: HeldSecret<string>;
  /** What calls over HTTP present: that of the secret in force, for what is former no application needs to be shown. */
  #rpcSecret: string | null = null;
  /** What the keys were made of, to know whether anything is new. */
  #made = "";
  /** Where the keys come from that options and files give. */
  #given: ReadonlySet<string> = new Set();
  #takenMs = 0;
  #config: ResolvedConfig;
  readonly #restartOnly: string;
  /** Until everybody else has the keys; null where there is nobody. */
  #told: Promise<void> | null = null;

  /** @throws CableError when the keys cannot be read. */
  constructor(config: ResolvedConfig, parts: ServerKeysParts) {
    this.#parts = parts;
    this.#config = config;
    this.#restartOnly = restartOnly(config);
    const { clock } = parts;
    const messageKeys = (purpose: StreamPurpose) =>
      new HeldSecret(({ name, text }) => createMessageKey(`${purpose} ${name}`, text), clock);
    this.#streams = {
      streams: messageKeys("streams"),
      turbo: messageKeys("turbo"),
      cable_ready: messageKeys("cable_ready"),
    };
    this.#broadcast = new HeldSecret(({ text }) => text, clock);
    this.#take(config);
    this.published = publishedKeys(config, this.sources, {
      ...parts,
      onFetch: (issuer, result) => parts.fetches.add([issuer, result]),
      ...(parts.onPublished === undefined ? {} : { onUse: parts.onPublished }),
    });
  }

  /** The keys that signed stream names are checked with now. */
  streamKeys(purpose: StreamPurpose): readonly MessageKey[] {
    return this.#streams[purpose].inUse();
  }

  /** The keys that publishers may present now. */
  broadcastKeys(): readonly string[] {
    return this.#broadcast.inUse();
  }

  /** What calls over HTTP present now; null for nothing. */
  rpcSecret(): string | null {
    return this.#rpcSecret;
  }

  list(): readonly KeyFacts[] {
    return keyList(
      this.holder.current(),
      this.#config.jwt.secretOption,
      nodeCrypto,
      this.#parts.clock.nowMs(),
    );
  }

  /** By their fingerprints, for the application to compare. */
  ownSecrets(): ReturnType<typeof ownSecretsOf> {
    return ownSecretsOf(this.holder.current(), this.#config.jwt, nodeCrypto, this.#parts.clock.nowMs());
  }

  /** What other servers may know of the keys that are given to this one. */
  marks(): Pick<RingReport, "keys" | "passing" | "takenMs"> {
    const given = this.holder.current().keys.filter(({ source }) => this.#given.has(source));
    const marks = ringMarks(given, this.#parts.clock.nowMs(), {
      purpose: this.#config.jwt.secretOption,
      crypto: nodeCrypto,
      digest: (text) => hmacHex("hawser-public-key", text).slice(0, 8),
    });
    return { ...marks, takenMs: this.#takenMs };
  }

  /** The fingerprint of the secret that tokens are verified with; the names of the keys where there is none. */
  ourKey(): string {
    return this.ownSecrets().active[0] ?? keysText(this.list());
  }

  /**
   * Reads everything again. What is wrong leaves the old keys in force. Connections stay.
   *
   * @param asked somebody waits for an answer, also when nothing has changed.
   */
  async reload(asked = true): Promise<ReloadResult> {
    const { log, reloads, reconfigure } = this.#parts;
    try {
      const read = reconfigure();
      if (!read.ok) throw new Error(read.errors.join("; "));
      const result = this.#take(read.config) ? "reloaded" : "unchanged";
      if (this.#told !== null) await this.#told;
      if (asked) {
        void this.published?.refresh();
        if (restartOnly(read.config) !== this.#restartOnly) {
          log.warn("options that are not keys have changed too; they take effect at the next start");
        }
      }
      if (result === "reloaded" || asked) {
        reloads.add([result]);
        const message = result === "reloaded" ? "keys were reloaded" : "keys are unchanged";
        log.info(message, { keys: keysText(this.list()) });
      }
      return { result, keys: this.holder.current().keys.length, problem: null };
    } catch (thrown) {
      const problem = messageOf(thrown);
      reloads.add(["failed"]);
      log.error("keys were not reloaded; the old ones stay in force", { error: problem });
      return { result: "failed", keys: this.holder.current().keys.length, problem };
    }
  }

  /** Takes over what another thread has read, and found to be good. */
  follow(config: ResolvedConfig): void {
    this.#take(config);
  }

  /** Takes over the keys of a configuration, all or none. False when they are the ones in force. */
  #take(config: ResolvedConfig): boolean {
    const { overlapMs, issuers } = config.jwt;
    const given = givenSecrets(config);
    const tokens = new Map(
      [null, ...issuers.map(({ issuer }) => issuer)].map((issuer) => {
        const held = this.#tokens.get(issuer) ?? new HeldSecret((version) => version, this.#parts.clock);
        return [issuer, { held, versions: held.next(given.tokens(issuer), overlapMs) }] as const;
      }),
    );
    const texts = new Map<string, string>();
    const readFile = (path: string): string => {
      const text = (this.#parts.readFile ?? readTextFile)(path);
      texts.set(path, text);
      return text;
    };
    const read = readKeys(config.jwt, (issuer) => tokens.get(issuer)?.versions ?? [], {
      ...{ readFile, crypto: nodeCrypto, withPrivate: false },
    });
    const ofTokens = [...tokens.keys()].map((issuer) => [issuer, given.tokens(issuer)]);
    const algorithms = [config.jwt.main, ...issuers].map((issuer) => issuer.algorithms);
    const made = JSON.stringify([given, ofTokens, algorithms, [...texts], overlapMs, config.rpc.http.secret]);
    if (made === this.#made) return false;
    // What can fail comes first; from here on nothing does.
    this.#given = new Set(read.keys.map(({ source }) => source ?? ""));
    this.#takenMs = this.#parts.clock.nowMs();
    this.sources.put("options", read.keys);
    for (const [issuer, { held, versions }] of tokens) {
      held.use(versions);
      this.#tokens.set(issuer, held);
    }
    for (const purpose of STREAM_PURPOSES) {
      const held = this.#streams[purpose];
      held.use(held.next(given[purpose], overlapMs));
    }
    this.#broadcast.use(this.#broadcast.next(given.broadcast, overlapMs));
    this.#rpcSecret = config.rpc.http.secret;
    this.#made = made;
    this.#config = config;
    this.#warn(read);
    this.#told = this.#parts.onTaken?.(config, texts) ?? null;
    return true;
  }

  #warn({ warnings }: KeysRead): void {
    for (const warning of warnings) this.#parts.log.warn(warning);
  }
}

/** Bytes and milliseconds of a document that an issuer serves; real ones have a few KiB. */
const DOCUMENT = { maxBytes: 256 * 1024, timeoutMs: 5_000 } as const;

/** The issuers whose keys are fetched. */
export function publishersOf({ jwt }: Pick<ResolvedConfig, "jwt">): readonly IssuerSettings[] {
  return [jwt.main, ...jwt.issuers].filter(({ jwksUrl, discovery }) => jwksUrl !== null || discovery);
}

/** What fetches the keys that the configuration's issuers publish into `sources`; null where none does. */
export function publishedKeys(
  { jwt }: Pick<ResolvedConfig, "jwt">,
  sources: KeySources,
  { clock, log, onFetch, onUse }: Pick<PublishedKeysParts, "clock" | "log" | "onFetch" | "onUse">,
): PublishedKeys | null {
  const issuers = publishersOf({ jwt });
  if (issuers.length === 0) return null;
  return new PublishedKeys(
    { issuers, maxStaleMs: jwt.jwksMaxStaleMs, cacheFolder: jwt.jwksCacheFolder },
    {
      ...{ clock, log, sources, onFetch, crypto: nodeCrypto },
      ...(onUse === undefined ? {} : { onUse }),
      fetch: createDocumentFetch(DOCUMENT),
      files: { read: readTextFile, replace: replaceTextFile },
      digest: (text) => hmacHex("hawser-jwks", text).slice(0, 16),
    },
  );
}

/** One line's worth: names, fingerprints of secrets, and states that are not the usual one. */
export function keysText(keys: readonly KeyFacts[]): string {
  const texts = keys.map(({ name, fingerprint, state }) => {
    const notes = [fingerprint, state === "active" ? null : state].filter((note) => note !== null);
    return notes.length === 0 ? name : `${name} (${notes.join(", ")})`;
  });
  return texts.join(", ");
}

interface Given extends Readonly<Record<StreamPurpose | "broadcast", GivenSecret>> {
  /** @param issuer null for the one that options are for. */
  tokens(issuer: string | null): GivenSecret;
}

/** What comes from the secret of tokens has the same former values as that. */
function givenSecrets({ jwt, streams, broadcast }: ResolvedConfig): Given {
  const same = (current: string | null): GivenSecret => ({
    current,
    previous: current !== null && current === jwt.secret ? jwt.previousSecrets : [],
  });
  const derived = broadcast.keyDerived && jwt.secretOption === "secret" ? same(jwt.secret).previous : [];
  return {
    tokens: (issuer) => {
      if (issuer === null) return same(jwt.secret);
      const settings = jwt.issuers.find((candidate) => candidate.issuer === issuer);
      return { current: settings?.secret ?? null, previous: [] };
    },
    streams: same(streams.secret),
    turbo: same(streams.turboSecret),
    cable_ready: same(streams.cableReadySecret),
    broadcast: {
      current: broadcast.key,
      previous: derived.map((secret) => deriveKey(secret, "broadcast", hmacHex)),
    },
  };
}
