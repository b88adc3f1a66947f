import type { Log } from "@hawser/core/log";

/** Carries the fingerprints of the secrets that tokens are signed with, in the metadata of calls and of their replies. */
export const FINGERPRINT_HEADER = "x-anycable-secret-fp";

/** What the server knows of its own secrets. */
export interface OwnSecrets {
  /** Fingerprints of those that are active: what an application should sign with. */
  readonly active: readonly string[];
  /** Of those whose tokens are still taken. */
  readonly former: readonly string[];
}

/** More applications with different secrets than these are not told apart. */
const MAX_TOLD = 16;

/** Compares the application's secret with ours by their fingerprints, and tells the operator once when they differ. */
export class SecretCheck {
  readonly #log: Log;
  readonly #told = new Set<string>();
  #own: OwnSecrets = { active: [], former: [] };
  #header = "";

  constructor(log: Log) {
    this.#log = log;
  }

  /** What goes out with every call; empty when there is nothing to compare. */
  get header(): string {
    return this.#header;
  }

  use(own: OwnSecrets): void {
    this.#own = own;
    this.#header = own.active.join(",");
    this.#told.clear();
  }

  /** What came with a reply: called for each, and looked into once for each text. */
  heard(header: string): void {
    if (this.#told.has(header) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(header);
    const theirs = fingerprintsIn(header);
    const { active, former } = this.#own;
    if (theirs.length === 0 || active.length === 0) return;
    const about = { app_fp: theirs.join(","), server_fp: active.join(",") };
    if (theirs.some((one) => active.includes(one))) {
      this.#log.debug("the application and this server have the same secret", about);
    } else if (theirs.some((one) => former.includes(one))) {
      this.#log.info("the application still signs with a former secret", about);
    } else {
      this.#log.warn(
        "JWT secrets differ: tokens of the application will be refused; give both the same",
        about,
      );
    }
  }
}

/** 8 hex digits each; whatever else a peer sends gets into no line. */
export function fingerprintsIn(header: string): readonly string[] {
  return header.split(",").filter((one) => /^[0-9a-f]{8}$/.test(one));
}
