import { CableError } from "@hawser/core/errors";
import { REVOCATION_RULES, type Revocation, type RevokedBy } from "@hawser/core/jwt/revocation/revocation";

/** The first line tells the file from any other, which is then not written to. */
export const HEADER = '{"hawser":"revocations","version":1}\n';

/** Times in seconds, as in tokens. */
export function lineOf({ by, value, issuedBeforeS, untilMs }: Revocation): string {
  const before = by === "issued_before" ? { issued_before: issuedBeforeS } : {};
  return `${JSON.stringify({ by, value, ...before, until: Math.ceil(untilMs / 1000) })}\n`;
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
  const revocation = revocationIn(line);
  if (revocation !== null) return revocation;
  throw broken(path, number, "it is no revocation", MEND);
}

const MEND = "Put it right or take it out; without the file its revocations are forgotten.";

function revocationIn(line: string): Revocation | null {
  const members = objectIn(line);
  if (members === null) return null;
  const { by, value, until, issued_before: issuedBefore = 0 } = members;
  if (!isRevokedBy(by) || typeof value !== "string" || value === "") return null;
  if (typeof until !== "number" || typeof issuedBefore !== "number") return null;
  return { by, value, issuedBeforeS: issuedBefore, untilMs: until * 1000 };
}

function objectIn(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const found: unknown = JSON.parse(line);
    return typeof found === "object" && found !== null ? { ...found } : null;
  } catch {
    return null;
  }
}

function isRevokedBy(value: unknown): value is RevokedBy {
  return typeof value === "string" && Object.hasOwn(REVOCATION_RULES, value);
}

function broken(path: string, number: number, what: string, remedy: string): CableError {
  return new CableError(
    "config_invalid",
    `Cannot read the revocations of ${path} (--revocations_file): line ${number}: ${what}. ${remedy}`,
  );
}
