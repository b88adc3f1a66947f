import type { Clock } from "../clock.ts";

/** PORT: how often each address was refused of late. */
export interface FailedAuths {
  /** Somebody at this address was not let in, and it was not our fault. */
  add(address: string): void;
  /** How long the address has to stay away; 0 for one that may come. */
  banMs(address: string): number;
}

export interface FailedAuthsOptions {
  /** Of one address; further attempts wait for the end of its minute. */
  readonly maxPerMinute: number;
  /** Addresses that are remembered. */
  readonly maxAddresses?: number;
}

interface Failures {
  count: number;
  untilMs: number;
}

const ONE_MINUTE_MS = 60_000;

/** Some MB at most, and only under attack. */
const MAX_ADDRESSES = 16_384;

/**
 * How often each address was refused in its minute, which begins with its first failure. What is remembered is bounded:
 * the address whose minute began first is forgotten for a new one.
 */
export class MemoryFailedAuths implements FailedAuths {
  readonly #clock: Clock;
  readonly #maxPerMinute: number;
  readonly #maxAddresses: number;
  /** In the order in which their minutes began. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock, { maxPerMinute, maxAddresses = MAX_ADDRESSES }: FailedAuthsOptions) {
    this.#clock = clock;
    this.#maxPerMinute = maxPerMinute;
    this.#maxAddresses = maxAddresses;
  }

  add(address: string): void {
    const network = networkOf(address);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#failures.get(network);
    if (known !== undefined && nowMs < known.untilMs) {
      known.count += 1;
      return;
    }
    if (known !== undefined) this.#failures.delete(network);
    else if (this.#failures.size >= this.#maxAddresses) this.#forgetOldest();
    this.#failures.set(network, { count: 1, untilMs: nowMs + ONE_MINUTE_MS });
  }

  banMs(address: string): number {
    if (this.#failures.size === 0) return 0;
    const known = this.#failures.get(networkOf(address));
    if (known === undefined || known.count < this.#maxPerMinute) return 0;
    return Math.max(0, known.untilMs - this.#clock.monotonicMs());
  }

  #forgetOldest(): void {
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      return;
    }
  }
}

/** Of IPv6 the first 64 bits: who has one such address has all that begin so (RFC 4291 2.5.4). */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + after < 8) groups.push("0");
    groups.push(...tail.split(":"));
  }
  return groups.slice(0, 4).join(":");
}
