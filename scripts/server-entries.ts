import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "..");

/** Where the server begins, and where its threads do: in one folder, which is where both a bundle and an executable find them. */
export const SERVER_ENTRIES: readonly string[] = ["main.ts", "connection-thread.ts"].map((file) =>
  resolve(ROOT, "packages/server/src", file),
);
