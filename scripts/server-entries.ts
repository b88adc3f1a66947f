import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "..");

/**
 * Where the server begins. A thread would be an entry of its own, in this same folder: that is where both a bundle and an
 * executable find it.
 */
export const SERVER_ENTRIES: readonly string[] = [resolve(ROOT, "packages/server/src/main.ts")];
