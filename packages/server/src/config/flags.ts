import { isFlagNotServed } from "./not-served.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { complaint, type Layer, type LayerReading, type Sourced } from "./option-values.ts";
import { closest } from "./suggestion.ts";

/** What a command line may hold. */
export interface FlagTable {
  readonly byName: ReadonlyMap<string, AnyOption>;
  /** Every flag that may be suggested. */
  readonly offered: readonly string[];
  /** What to type to see them. */
  readonly listedBy: string;
}

/** @param suggested those of the options that a misspelt one may be told to be. */
export function flagTable(
  options: readonly AnyOption[],
  listedBy: string,
  suggested: readonly AnyOption[] = options,
): FlagTable {
  const named = options.flatMap((option) =>
    [option.flag, option.short].flatMap((name) => (name === null ? [] : [[name, option] as const])),
  );
  return {
    // Of two with one name the first counts.
    byName: new Map(named.reverse()),
    offered: suggested.flatMap((option) =>
      option.flag === null || option.deprecated !== null ? [] : [option.flag],
    ),
    listedBy,
  };
}

const SERVER_FLAGS = flagTable(OPTIONS, "--help");

/**
 * Reads the server's command line as Go's flag package does: one dash or two, `--name=value` or `--name value`, a boolean
 * needs no value and takes one only after `=`, the last of several wins, and the first argument that is no flag ends it.
 *
 * DEVIATION: D21. Go's package passes over flags behind that argument, and so over an `--enforce_jwt`.
 */
export function readFlags(argv: readonly string[]): LayerReading {
  const { layer, errors, end } = scanFlags(argv, 0, SERVER_FLAGS);
  const first = argv[end] === "--" ? end + 1 : end;
  const passedOver = argv.slice(first).find((argument) => namesFlag(argument, SERVER_FLAGS));
  if (passedOver === undefined) return { layer, errors, warnings: leftOver(argv, first) };
  const lost = `--${splitFlag(passedOver).name} stands behind argument ${end + 1}, which is no option and ends them`;
  return { layer, errors: [...errors, `${lost}: ${HOW_TO_WRITE}`], warnings: [] };
}

export interface ArgumentReading {
  readonly layer: Layer;
  readonly errors: readonly string[];
  /** What is no flag, in order; all that stands after `--`. */
  readonly positional: readonly string[];
}

/** Reads the command line of a sub-command: as `readFlags` does, with flags also behind what is none. */
export function readArguments(argv: readonly string[], table: FlagTable): ArgumentReading {
  const layer = new Map<AnyOption, Sourced<unknown>>();
  const errors: string[] = [];
  const positional: string[] = [];
  let index = 0;
  while (index < argv.length) {
    const scan = scanFlags(argv, index, table);
    for (const [option, sourced] of scan.layer) layer.set(option, sourced);
    errors.push(...scan.errors);
    if (argv[scan.end] === "--") {
      positional.push(...argv.slice(scan.end + 1));
      break;
    }
    positional.push(...argv.slice(scan.end, scan.end + 1));
    index = scan.end + 1;
  }
  return { layer, errors, positional };
}

interface FlagScan {
  readonly layer: Layer;
  readonly errors: readonly string[];
  /** Where the first argument stands that is no flag. */
  readonly end: number;
}

function scanFlags(argv: readonly string[], from: number, table: FlagTable): FlagScan {
  const layer = new Map<AnyOption, Sourced<unknown>>();
  const errors: string[] = [];
  let index = from;
  while (index < argv.length) {
    const argument = argv[index] ?? "";
    if (!isFlag(argument)) break;
    index++;
    const { name, inline } = splitFlag(argument);
    const option = table.byName.get(name);
    const next = argv[index];
    const nextIsValue = next !== undefined && !namesFlag(next, table);
    if (option === undefined) {
      errors.push(unknownFlag(name, table));
      // Most flags take a value; taking it for the end of the flags would hide what is wrong after it.
      if (inline === null && nextIsValue && !next.startsWith("-")) index++;
    } else if (inline !== null) {
      readFlag(option, name, inline, layer, errors);
    } else if (option.placeholder === null) {
      readFlag(option, name, "true", layer, errors);
    } else if (nextIsValue) {
      readFlag(option, name, next, layer, errors);
      index++;
    } else {
      errors.push(`--${name}: the value is missing; write --${name}=${option.placeholder}`);
    }
  }
  return { layer, errors, end: index };
}

function isFlag(argument: string): boolean {
  return /^--?[^-]/.test(argument);
}

function splitFlag(argument: string): { readonly name: string; readonly inline: string | null } {
  const body = argument.replace(/^--?/, "");
  const equals = body.indexOf("=");
  if (equals < 0) return { name: body, inline: null };
  return { name: body.slice(0, equals), inline: body.slice(equals + 1) };
}

/** `--jwt_secret --enforce_jwt` is a forgotten value and not a secret of that text. */
function namesFlag(argument: string, { byName }: FlagTable): boolean {
  return isFlag(argument) && byName.has(splitFlag(argument).name);
}

function readFlag(
  option: AnyOption,
  name: string,
  text: string,
  layer: Map<AnyOption, Sourced<unknown>>,
  errors: string[],
): void {
  const where = name.length === 1 ? `-${name}` : `--${name}`;
  const parsed = option.fromText(text);
  if (parsed.ok) layer.set(option, { value: parsed.value, source: "flag", where });
  else errors.push(complaint(option, where, text, parsed.why));
}

/** Names the flag alone: its value may be a secret. */
function unknownFlag(name: string, { offered, listedBy }: FlagTable): string {
  if (isFlagNotServed(name)) {
    return `--${name} is an option of AnyCable that this version does not serve; leave it out`;
  }
  const similar = closest(name, offered);
  return similar === null
    ? `--${name} is not an option; ${listedBy} lists them`
    : `--${name} is not an option; did you mean --${similar}?`;
}

const HOW_TO_WRITE = "write values as --name=value, and booleans as --name=true";

function leftOver(argv: readonly string[], first: number): readonly string[] {
  if (first >= argv.length) return [];
  // What stands there may be a secret that was parted from its flag, so that only its place is told.
  return [`ignored the command line from argument ${first + 1} on, which is no option: ${HOW_TO_WRITE}`];
}
