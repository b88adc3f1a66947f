import { CableError } from "@hawser/core/errors";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import { readRevocation, revocationText } from "@hawser/core/jwt/revocation/revocation-text";

/** The first line tells the file from any other, which is then not written to. */
export const HEADER = '{"hawser":"revocations","version":1}\n';

export function lineOf(revocation: Revocation): string {
  return `${revocationText(revocation)}\n`;
}

/** @throws CableError `config_invalid`, with the number of the first line that is none. */
export function readLines(text: string, path: string): Revocation[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const isWhole = lines.pop() === "";
  if (lines.shift() !== HEADER.trimEnd()) {
    throw broken(path, 1, "it is no file of revocations", "Name another file, or none that is there.");
  }
  const read = lines.map((line, index) => readLine(line, index + 2, path));
  if (isWhole) return read;
  throw broken(
    path,
    lines.length + 2,
    "it is cut off",
    "If the machine went down while it was written, nobody was told that it was taken: remove that line.",
  );
}

function readLine(line: string, number: number, path: string): Revocation {
  const revocation = readRevocation(line);
  if (revocation !== null) return revocation;
  throw broken(path, number, "it is no revocation", MEND);
}

const MEND = "Put it right or take it out; without the file its revocations are forgotten.";

function broken(path: string, number: number, what: string, remedy: string): CableError {
  return new CableError(
    "config_invalid",
    `Cannot read the revocations of ${path} (--revocations_file): line ${number}: ${what}. ${remedy}`,
  );
}
