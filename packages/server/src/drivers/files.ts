import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemRandom } from "./random.ts";

/** The text of a file; throws Node's error when it cannot be read. Symbolic links are followed. */
export function readTextFile(path: string): string {
  return readFileSync(path, "utf8");
}

/** A folder for this process' own files, which nobody else may read. */
export function makeTemporaryFolder(prefix: string): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** With all that is in it. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** Whether there is a folder for a file of this path. */
export function folderExists(path: string): boolean {
  return existsSync(dirname(path));
}

/** Whether this process may open one more file, socket or the like. */
export function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (thrown) {
    // Where there is no such file it cannot be told, and nothing is said.
    return !(thrown instanceof Error && "code" in thrown && /^E[MN]FILE$/.test(String(thrown.code)));
  }
}

/** A file that was not there before may be read by its owner alone. */
const NEW_FILE_MODE = 0o600;

/**
 * Puts `text` in the place of a file in one step: whoever reads it finds the old text or the new, whole. Its permissions
 * and its owner stay, and a symbolic link goes on to point where it did. Throws Node's error when it cannot be written.
 */
export function replaceTextFile(path: string, text: string): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  // A name of its own: the draft of a process that died stays, and in containers all have the same number.
  const draft = `${target}.${systemRandom.id(8)}.new`;
  const file = openSync(draft, "wx", NEW_FILE_MODE);
  try {
    try {
      if (existsSync(target)) inherit(file, target);
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

/**
 * The owner first: a change of it may take permissions away. Keys that root writes are read by the server's own user;
 * who is not root may not give a file away, and then keeps it.
 */
function inherit(file: number, target: string): void {
  const { uid, gid, mode } = statSync(target);
  const own = fstatSync(file);
  try {
    if (own.uid !== uid || own.gid !== gid) fchownSync(file, uid, gid);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EPERM")) throw thrown;
  }
  fchmodSync(file, mode & 0o777);
}
