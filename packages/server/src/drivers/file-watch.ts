import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Cancel, Clock } from "@hawser/core/clock";

/** Directories say so at once; where they do not (network file systems, a directory that was itself replaced), this. */
const POLL_MS = 1000;

/** One replacement of a file is several events, and a file that is written in place is empty for a moment. */
const SETTLE_MS = 100;

/**
 * Calls `onChange` after any of the files changed: written in place, replaced by a rename, behind a link that was
 * pointed elsewhere, removed, or put back.
 */
export function watchFiles(paths: readonly string[], clock: Clock, onChange: () => void): Cancel {
  const unique = [...new Set(paths)];
  if (unique.length === 0) return () => {};
  let seen = unique.map(signature).join("\n");
  let settling: Cancel | null = null;
  const check = (): void => {
    settling = null;
    const now = unique.map(signature).join("\n");
    if (now === seen) return;
    seen = now;
    onChange();
  };
  const soon = (): void => {
    settling ??= clock.after(SETTLE_MS, check);
  };
  // The files, not their directories, are compared: a busy directory costs a `stat` now and then.
  const watchers = [...new Set(unique.map((path) => dirname(path)))].flatMap((path) => watcher(path, soon));
  const stopPolling = clock.every(POLL_MS, check);
  return () => {
    settling?.();
    stopPolling();
    for (const one of watchers) one.close();
  };
}

/**
 * A file alone cannot be watched: after its first replacement the watcher has the old one. A directory that cannot be
 * watched is polled like the others.
 */
function watcher(directory: string, onEvent: () => void): FSWatcher[] {
  try {
    const watching = watch(directory, { persistent: false }, onEvent);
    watching.on("error", () => watching.close());
    return [watching];
  } catch {
    return [];
  }
}

/** Changes with every way of replacing a file. Follows links. */
function signature(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return "-";
  }
}
