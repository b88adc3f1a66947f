import { CableError, messageOf } from "@hawser/core/errors";
import { readSecretFile } from "@hawser/core/jwt/key-file";
import type { Option } from "@hawser/core/options";
import { JWT } from "../keys/options.ts";
import { GENERAL } from "./general-options.ts";
import type { AnyOption } from "./option-table.ts";
import { type OptionValues, sourcedOf, valueIn } from "./option-values.ts";

/** Which option names the file that another one's secret lies in. */
const FILES: readonly (readonly [file: Option<string>, secret: Option<string>])[] = [
  [GENERAL.options.secretFile, GENERAL.options.secret],
  [JWT.options.jwtSecretFile, JWT.options.jwtSecret],
];

export interface SecretFiles {
  /** With the secrets where their options have them. */
  readonly values: OptionValues;
  readonly errors: readonly string[];
  /** Secrets of `[[jwt.issuers]]`, by the path of their file. */
  readonly issuerSecrets: ReadonlyMap<string, string>;
  /** Every file that was named. */
  readonly paths: readonly string[];
}

/** Reads the secrets that lie in files, as secret mounts have them. */
export function readSecretFiles(values: OptionValues, readFile: (path: string) => string): SecretFiles {
  const filled = new Map(values);
  const errors: string[] = [];
  const paths: string[] = [];
  const issuerSecrets = new Map<string, string>();
  const read = (path: string, where: string, use: (secret: string) => void): void => {
    paths.push(path);
    try {
      use(readSecretFile(textOf(path, where, readFile), path));
    } catch (thrown) {
      errors.push(firstLine(thrown));
    }
  };
  for (const [file, secret] of FILES) {
    const path = valueIn(values, file);
    if (path === "") continue;
    const given = sourcedOf(values, secret);
    const { source, where } = sourcedOf(values, file);
    if (given.value !== "") errors.push(twice(where, given.where, secret));
    else read(path, where, (value) => filled.set(secret, { value, source, where }));
  }
  for (const { secretFile } of valueIn(values, JWT.options.issuers)) {
    if (secretFile !== "")
      read(secretFile, "jwt.issuers.secret_file", (secret) => issuerSecrets.set(secretFile, secret));
  }
  return { values: filled, errors, issuerSecrets, paths };
}

function textOf(path: string, where: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (thrown) {
    throw new CableError(
      "io_failed",
      `cannot read the secret of ${where}: ${firstLine(thrown)}; check the path and its permissions`,
      { cause: thrown },
    );
  }
}

function firstLine(thrown: unknown): string {
  return messageOf(thrown).split("\n", 1)[0] ?? "";
}

function twice(file: string, direct: string, { flag }: AnyOption): string {
  return `${file} and ${direct} both give ${flag}: keep one of them`;
}
