import { type AnyOption, OPTIONS } from "../../src/config/option-table.ts";

/**
 * Planted values, and the search for them (D19). The options that hold secrets are taken from the table of options, so
 * that one that is added to it is searched for without anybody's remembering to.
 */

/** Options whose value is a secret. */
export const SECRET_OPTIONS: readonly AnyOption[] = OPTIONS.filter(({ kind }) => kind === "secret");

/** Options that name a file with a secret in it. */
export const SECRET_FILE_OPTIONS: readonly AnyOption[] = OPTIONS.filter(
  ({ kind, flag }) => kind === "path" && /secret|key|creds/.test(flag ?? ""),
);

const MARK = "c4n4ry";

/** What is planted under this name: text that occurs nowhere else. */
export function canary(name: string): string {
  return `${MARK}-${name}-${Bun.hash(name).toString(36)}`;
}

/** What is planted in an option. */
export function canaryOf({ flag, toml }: AnyOption): string {
  return canary(flag ?? toml ?? "");
}

/** Throws when `text` holds something that was planted, or one of `more`, and shows where. */
export function expectClean(sink: string, text: string, more: readonly string[] = []): void {
  for (const value of [MARK, ...more]) {
    const at = text.indexOf(value);
    if (at < 0) continue;
    throw new Error(`${sink} holds a planted value: ...${text.slice(Math.max(0, at - 120), at + 40)}...`);
  }
}

/** Everything that an answer tells: its headers and its body. */
export async function told(response: Response): Promise<string> {
  return `${JSON.stringify([...response.headers])}\n${await response.text()}`;
}
