import type { Option } from "@hawser/core/options";
import { flagTable, readArguments } from "../config/flags.ts";
import { type ConfigSurroundings, type Failed, type Loaded, loadConfigUnder } from "../config/load-config.ts";
import { type AnyOption, OPTIONS } from "../config/option-table.ts";
import type { Layer } from "../config/option-values.ts";
import type { Command, CommandCall, Misuse } from "./command.ts";

/** What was asked of a command; `help` when `--help` stands anywhere. */
export type CommandRequest = "help" | Misuse | Pick<CommandCall, "argument" | "option" | "load">;

/** Options of the server that mean something else, or nothing, to a command. */
const SERVER_ALONE: ReadonlySet<string> = new Set(["help", "version", "print-config"]);

const CONFIGURATION_OPTIONS: readonly AnyOption[] = OPTIONS.filter(
  ({ flag }) => flag !== null && !SERVER_ALONE.has(flag),
);

/** Reads what stands behind the command's name. */
export function readCommandLine(
  command: Command,
  argv: readonly string[],
  surroundings: ConfigSurroundings,
): CommandRequest {
  if (argv.some((argument) => /^(?:--?help|-h)$/.test(argument))) return "help";
  const own = Object.values(command.options.options);
  const options = command.readsConfiguration ? [...own, ...CONFIGURATION_OPTIONS] : own;
  // What is like an option of the server alone is seldom what was meant.
  const suggested = own.length > 0 ? own : options;
  const { layer, errors, positional } = readArguments(
    argv,
    flagTable(options, `hawser help ${command.name}`, suggested),
  );
  const [error] = errors;
  if (error !== undefined) return { misuse: error };
  const most = command.argument === "" ? 0 : 1;
  if (positional.length > most) {
    // What stands there may be a secret or a token, so that it is not quoted.
    const what = most === 0 ? "takes no argument" : `takes one argument, and ${positional.length} were given`;
    return { misuse: `${what}; write the values of options as --name=value` };
  }
  return {
    argument: positional[0] ?? null,
    option: (wanted) => chosen(layer, wanted),
    load: () => load(layer, surroundings),
  };
}

function chosen<T>(layer: Layer, option: Option<T>): T {
  const sourced = layer.get(option);
  // A value enters the layer only by its own option's `fromText`.
  return sourced === undefined ? option.default : (sourced.value as T);
}

function load(layer: Layer, surroundings: ConfigSurroundings): Loaded | Failed {
  const loaded = loadConfigUnder({ layer, errors: [], warnings: [] }, surroundings);
  if (!loaded.ok || loaded.action === "run" || loaded.action === "print-config") return loaded;
  throw new Error(`a command asked for ${loaded.action}, which it has no option for`);
}
