import { messageOf } from "@hawser/core/errors";
import type { HmacHex } from "@hawser/core/options";
import { crossCheck } from "./cross-checks.ts";
import { readEnv } from "./env.ts";
import { readFileLayer } from "./file.ts";
import { readFlags } from "./flags.ts";
import { COMMAND } from "./general-options.ts";
import { type LayerReading, mergeLayers, valueIn } from "./option-values.ts";
import { printConfig } from "./print.ts";
import { resolveConfig } from "./resolve-config.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import { readSecretFiles } from "./secret-files.ts";
import { settle } from "./settle.ts";

/** What the configuration is read from. All of it is handed in, so that loading is a function of its input. */
export interface ConfigInput extends ConfigSurroundings {
  /** Without the runtime and the program. */
  readonly argv: readonly string[];
}

/** What it is read from beside the command line. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  readonly exists: (path: string) => boolean;
  /** Parses TOML; throws an error whose message holds nothing of the document. */
  readonly parseToml: (text: string) => Readonly<Record<string, unknown>>;
  readonly hmacHex: HmacHex;
}

/** `help` and `version` need no configuration and are answered whatever else is wrong. */
export type Ask =
  | { readonly ok: true; readonly action: "help" }
  | { readonly ok: true; readonly action: "version" };

export interface Loaded {
  readonly ok: true;
  readonly action: "run" | "print-config";
  readonly config: ResolvedConfig;
  /** The file that was read, for the line at start; null when there was none. */
  readonly configFile: string | null;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
  /** The configuration as TOML, without its secrets. */
  readonly printed: () => string;
}

export interface Failed {
  readonly ok: false;
  /** One line each: what, where it came from, why, what to try. The process exits 1. */
  readonly errors: readonly string[];
}

/** Reads defaults, file, environment and flags, the later over the earlier, and works out what follows from them. */
export function loadConfig(input: ConfigInput): Ask | Loaded | Failed {
  return loadConfigUnder(readFlags(input.argv), input);
}

/** The same for a command line that was read already. */
export function loadConfigUnder(flags: LayerReading, input: ConfigSurroundings): Ask | Loaded | Failed {
  const outcome = loadAll(flags, input);
  if (!outcome.ok) return { ok: false, errors: outcome.errors.map(asLine) };
  return "warnings" in outcome ? { ...outcome, warnings: outcome.warnings.map(asLine) } : outcome;
}

/** Names and paths are told as they were given; a control character in one would break the line or the terminal. */
function asLine(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function loadAll(flags: LayerReading, input: ConfigSurroundings): Ask | Loaded | Failed {
  const asked = mergeLayers([flags.layer]);
  if (valueIn(asked, COMMAND.options.help)) return { ok: true, action: "help" };
  if (valueIn(asked, COMMAND.options.version)) return { ok: true, action: "version" };

  const explicitPath = valueIn(asked, COMMAND.options.configPath);
  const path = valueIn(asked, COMMAND.options.ignoreConfigPath) ? null : findFile(input, explicitPath);
  const readings = [readFile(input, path), readEnv(input.env), flags];
  const misread = readings.flatMap((reading) => reading.errors);
  if (misread.length > 0) return { ok: false, errors: misread };

  const merged = mergeLayers(readings.map((reading) => reading.layer));
  const secrets = readSecretFiles(merged, input.readFile);
  if (secrets.errors.length > 0) return { ok: false, errors: secrets.errors };
  const settled = settle(secrets.values);
  const config = resolveConfig({ ...secrets, values: settled.values }, input.hmacHex);
  const findings = crossCheck(settled.values, config);
  if (findings.errors.length > 0) return { ok: false, errors: findings.errors };
  const warnings = readings.flatMap((reading) => reading.warnings);
  return {
    ok: true,
    action: valueIn(asked, COMMAND.options.printConfig) ? "print-config" : "run",
    config,
    configFile: path,
    warnings: [...warnings, ...settled.warnings, ...findings.warnings],
    printed: () => printConfig(settled.values, input.hmacHex),
  };
}

/** Where AnyCable looks for a file when none is named (cli/options.go@1.6.16). */
const USUAL_PATHS = ["./anycable.toml", "/etc/anycable/anycable.toml"];

function findFile(input: ConfigSurroundings, explicitPath: string): string | null {
  if (explicitPath !== "") return explicitPath;
  return USUAL_PATHS.find((path) => input.exists(path)) ?? null;
}

const NOTHING_READ: LayerReading = { layer: new Map(), errors: [], warnings: [] };

function readFile(input: ConfigSurroundings, path: string | null): LayerReading {
  if (path === null) return NOTHING_READ;
  let text: string;
  try {
    text = input.readFile(path);
  } catch (thrown) {
    const why = messageOf(thrown).split("\n", 1)[0];
    return {
      ...NOTHING_READ,
      errors: [`cannot read the configuration file ${path}: ${why}; name another with --config-path=FILE`],
    };
  }
  try {
    return readFileLayer(input.parseToml(text), path);
  } catch (thrown) {
    return { ...NOTHING_READ, errors: [`cannot read ${path} as TOML: ${messageOf(thrown)}`] };
  }
}
