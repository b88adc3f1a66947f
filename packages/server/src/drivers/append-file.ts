import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";

/** A file that grows at its end. */
export interface AppendFile {
  /**
   * Adds text, all of it or nothing. It is with the operating system when this returns, and on the disk soon after. Throws
   * Node's error when it cannot be written, and an Error when another file is there by now.
   */
  append(text: string): void;
  close(): void;
}

/** Opens a file that is there. Throws Node's error when it cannot be opened. */
export function openAppendFile(path: string): AppendFile {
  const file = openSync(path, "a");
  const { ino, dev } = fstatSync(file);
  const flush = flusher(file);
  return {
    append(text) {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there?.ino !== ino || there.dev !== dev) {
        throw new Error("another file has taken its place; does a second server use it?");
      }
      addWhole(file, Buffer.from(text));
      flush();
    },
    close: () => closeSync(file),
  };
}

/** A disk that is full takes a part. */
function addWhole(file: number, bytes: Uint8Array): void {
  const { size } = fstatSync(file);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  } catch (thrown) {
    ftruncateSync(file, size);
    throw thrown;
  }
}

/** The disk is waited for by a thread of the runtime, once for all that came meanwhile. */
function flusher(file: number): () => void {
  let isFlushing = false;
  let isDirty = false;
  const flush = (): void => {
    isDirty = true;
    if (isFlushing) return;
    isFlushing = true;
    isDirty = false;
    fdatasync(file, () => {
      isFlushing = false;
      if (isDirty) flush();
    });
  };
  return flush;
}
