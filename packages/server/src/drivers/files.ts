import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";

/** The text of a file; throws Node's error when it cannot be read. Symbolic links are followed. */
export function readTextFile(path: string): string {
  return readFileSync(path, "utf8");
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** A file that was not there before may be read by its owner alone. */
const NEW_FILE_MODE = 0o600;

/**
 * Puts `text` in the place of a file in one step: whoever reads it finds the old text or the new, whole. Its permissions
 * stay, and a symbolic link goes on to point where it did. Throws Node's error when it cannot be written.
 */
export function replaceTextFile(path: string, text: string): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const mode = existsSync(target) ? statSync(target).mode & 0o777 : NEW_FILE_MODE;
  const draft = `${target}.${process.pid}.new`;
  const file = openSync(draft, "wx", mode);
  try {
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, target);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}
