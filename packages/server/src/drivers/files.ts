import { existsSync, readFileSync } from "node:fs";

/** The text of a file; throws Node's error when it cannot be read. Symbolic links are followed. */
export function readTextFile(path: string): string {
  return readFileSync(path, "utf8");
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}
