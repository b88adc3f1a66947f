import { CableError, messageOf } from "@hawser/core/errors";
import { readTextFile } from "../drivers/files.ts";

/**
 * The text of a file that an option names.
 *
 * @throws CableError `io_failed`, with the path and the option.
 */
export function readNamedFile(path: string, option: string): string {
  try {
    return readTextFile(path);
  } catch (thrown) {
    const why = `read ${path} (${option}): ${messageOf(thrown)}; check the path and its permissions`;
    throw new CableError("io_failed", why, { cause: thrown });
  }
}

/**
 * The same of a certificate or a key.
 *
 * @throws CableError `config_invalid` when it is none.
 */
export function readPemFile(path: string, option: string): string {
  const text = readNamedFile(path, option);
  if (text.includes("-----BEGIN ")) return text;
  const why = `read ${path} (${option}): nothing in it is in PEM form; name another file`;
  throw new CableError("config_invalid", why);
}
