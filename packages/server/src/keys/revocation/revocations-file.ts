import { CableError, messageOf } from "@hawser/core/errors";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { Revocations } from "@hawser/core/jwt/revocation/revocations";
import { type AppendFile, openAppendFile } from "../../drivers/append-file.ts";
import { fileExists, readTextFile, replaceTextFile } from "../../drivers/files.ts";
import { HEADER, lineOf, readLines } from "./revocation-lines.ts";

/** A file is written anew when it has so many lines, and twice as many as there are revocations in force. */
const FEW_LINES = 1000;

/** Keeps revocations in a file, a line each. New ones are added at its end; now and then it is written anew, in one step. */
export class RevocationsFile {
  readonly #path: string;
  readonly #inForce: Revocations;
  #lines = 0;
  #file: AppendFile | null = null;

  /**
   * Takes what the file has into `inForce`, and leaves it as it is: it may be that of a server that runs.
   *
   * @throws CableError `io_failed` or `config_invalid`.
   */
  constructor(path: string, inForce: Revocations, nowMs: number) {
    this.#path = path;
    this.#inForce = inForce;
    this.#load(nowMs);
  }

  /**
   * Makes the file this server's own.
   *
   * @throws CableError `io_failed`.
   */
  open(): void {
    this.#rewrite("open");
  }

  /** @throws CableError `io_failed`. */
  write(added: readonly Revocation[]): void {
    const file = this.#file;
    if (file === null || (this.#lines > FEW_LINES && this.#lines > 2 * this.#inForce.size)) {
      this.#rewrite("write");
      return; // `added` is in force, and so among what was written
    }
    try {
      file.append(added.map(lineOf).join(""));
      this.#lines += added.length;
    } catch (thrown) {
      throw cannot("write", this.#path, thrown);
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #load(nowMs: number): void {
    if (!fileExists(this.#path)) return;
    const kept = readLines(textOf(this.#path), this.#path).filter(({ untilMs }) => untilMs > nowMs);
    // One by one: the same may be there several times.
    if (kept.every((one) => this.#inForce.add([one], nowMs) !== null)) return;
    throw new CableError(
      "config_invalid",
      `Cannot take the revocations of ${this.#path}: it has ${kept.length}, more than there is room for. Raise --revocations_limit.`,
    );
  }

  #rewrite(what: "open" | "write"): void {
    try {
      const lines = [...this.#inForce.entries()].map(lineOf);
      replaceTextFile(this.#path, HEADER + lines.join(""));
      this.close();
      this.#file = openAppendFile(this.#path);
      this.#lines = lines.length;
    } catch (thrown) {
      throw cannot(what, this.#path, thrown);
    }
  }
}

function textOf(path: string): string {
  try {
    return readTextFile(path);
  } catch (thrown) {
    throw cannot("read", path, thrown);
  }
}

function cannot(what: "open" | "read" | "write", path: string, thrown: unknown): CableError {
  return new CableError(
    "io_failed",
    `${what} ${path} (--revocations_file): ${messageOf(thrown)}; the file and its folder have to be the server's own`,
    { cause: thrown },
  );
}
