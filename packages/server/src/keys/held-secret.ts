import type { Clock } from "@hawser/core/clock";
import { type GivenSecret, nextVersions, type SecretVersion, versionsAt } from "./secret-versions.ts";

/** A secret, or a key that comes from one, with what is made of each of its versions. */
export class HeldSecret<T> {
  readonly #make: (version: SecretVersion) => T;
  readonly #clock: Pick<Clock, "nowMs">;
  #versions: readonly SecretVersion[] = [];
  #made: ReadonlyMap<SecretVersion, T> = new Map();
  #inUse: readonly T[] = [];
  /** When `#inUse` is to be found anew: the next version has had its time. */
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(make: (version: SecretVersion) => T, clock: Pick<Clock, "nowMs">) {
    this.#make = make;
    this.#clock = clock;
  }

  /** What `use` would take; nothing changes yet. */
  next(given: GivenSecret, overlapMs: number): readonly SecretVersion[] {
    return nextVersions(this.#versions, given, this.#clock.nowMs(), overlapMs);
  }

  use(versions: readonly SecretVersion[]): void {
    this.#versions = versions;
    this.#made = new Map(versions.map((version) => [version, this.#make(version)]));
    this.#find();
  }

  /** What verifies now, the current one first. Asked for each message, so it is found anew only when one has ended. */
  inUse(): readonly T[] {
    if (this.#clock.nowMs() >= this.#untilMs) this.#find();
    return this.#inUse;
  }

  #find(): void {
    const nowMs = this.#clock.nowMs();
    const versions = versionsAt(this.#versions, nowMs);
    this.#inUse = versions.flatMap((version) => {
      const made = this.#made.get(version);
      return made === undefined ? [] : [made];
    });
    this.#untilMs = Math.min(Number.POSITIVE_INFINITY, ...versions.flatMap(({ untilMs }) => untilMs ?? []));
  }
}
