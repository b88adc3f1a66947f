import {
  type Ask,
  type ConfigInput,
  type Failed,
  type Loaded,
  loadConfig,
} from "../../src/config/load-config.ts";
import type { ResolvedConfig } from "../../src/config/resolved-config.ts";
import { hmacHex } from "../../src/drivers/crypto.ts";
import { parseToml } from "../../src/drivers/toml.ts";

/** What a test gives of the input; the rest is empty. */
export interface TestInput {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export function load({ argv = [], env = {}, files = {} }: TestInput): Ask | Loaded | Failed {
  const input: ConfigInput = {
    argv,
    env,
    exists: (path) => path in files,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return text;
    },
    parseToml,
    hmacHex,
  };
  return loadConfig(input);
}

/** Loads what must load. */
export function loaded(input: TestInput): Loaded {
  const result = load(input);
  if (!result.ok) throw new Error(`did not load: ${result.errors.join("; ")}`);
  if (result.action === "help" || result.action === "version") throw new Error(`asked for ${result.action}`);
  return result;
}

export function configOf(...argv: readonly string[]): ResolvedConfig {
  return loaded({ argv }).config;
}

/** The errors of what must not load. */
export function errorsOf(input: TestInput): readonly string[] {
  const result = load(input);
  if (result.ok) throw new Error("loaded, although it must not");
  return result.errors;
}
