import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const CACHE = join(import.meta.dir, ".cache");

/** A folder that git ignores, for the programs that the bench compiles. */
export function cacheFolder(): string {
  mkdirSync(CACHE, { recursive: true });
  return CACHE;
}

/** A path in that folder for this process alone; what stands there when the process exits is removed. */
export function temporaryFile(name: string): string {
  const path = join(cacheFolder(), `${process.pid}-${name}`);
  temporary.add(path);
  return path;
}

const temporary = new Set<string>();
process.on("exit", () => {
  for (const path of temporary) rmSync(path, { force: true });
});
