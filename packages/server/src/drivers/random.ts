import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import type { Random } from "@hawser/core/random";

const ALPHABET = Buffer.from("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "latin1");

/** Random bytes are fetched this many at a time: one fetch costs about as much as 20 ids. */
const POOL_BYTES = 4_096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** Chance from the operating system. An id of 21 characters takes well under a microsecond. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  id: (length) => {
    if (length > POOL_BYTES) return systemRandom.id(POOL_BYTES) + systemRandom.id(length - POOL_BYTES);
    if (used + length > POOL_BYTES) refill();
    const start = used;
    used += length;
    // A copy: a slice of one large string would keep that string in memory for as long as the id lives.
    return pool.toString("latin1", start, used);
  },
};

/** 64 divides 256, so the low six bits of a byte pick every character equally often. */
function refill(): void {
  randomFillSync(pool);
  // `?? 0` is never reached: the index has six bits and the alphabet 64 characters.
  for (let i = 0; i < POOL_BYTES; i++) pool[i] = ALPHABET[(pool[i] ?? 0) & 63] ?? 0;
  used = 0;
}

/** Bytes for keys. */
export function randomBytes(count: number): Uint8Array {
  return randomFillSync(new Uint8Array(count));
}
