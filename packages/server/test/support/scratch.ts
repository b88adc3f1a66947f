import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A directory of a test's own. */
export interface Scratch {
  readonly path: string;
  /** Writes a file, and the folders above it; its full path. */
  write(name: string, text: string): string;
  remove(): void;
}

export function createScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), "hawser-operating-"));
  return {
    path,
    write(name, text) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
