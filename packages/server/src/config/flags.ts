import { isFlagNotServed } from "./not-served.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { complaint, type LayerReading, type Sourced } from "./option-values.ts";
import { closest } from "./suggestion.ts";

const BY_NAME: ReadonlyMap<string, AnyOption> = new Map(
  OPTIONS.flatMap((option) =>
    [option.flag, option.short].flatMap((name) => (name === null ? [] : [[name, option] as const])),
  ),
);

/** Every flag that `--help` may name, for suggestions. */
const FLAG_NAMES: readonly string[] = OPTIONS.flatMap((option) =>
  option.flag === null || option.deprecated !== null ? [] : [option.flag],
);

/**
 * Reads a command line as Go's flag package does: one dash or two, `--name=value` or `--name value`, a boolean needs no
 * value and takes one only after `=`, the last of several wins, and the first argument that is no flag ends it.
 */
export function readFlags(argv: readonly string[]): LayerReading {
  const layer = new Map<AnyOption, Sourced<unknown>>();
  const errors: string[] = [];
  let index = 0;
  while (index < argv.length) {
    const argument = argv[index] ?? "";
    if (!isFlag(argument)) break;
    index++;
    const { name, inline } = splitFlag(argument);
    const option = BY_NAME.get(name);
    const next = argv[index];
    const nextIsValue = next !== undefined && !namesFlag(next);
    if (option === undefined) {
      errors.push(unknownFlag(name));
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
  return { layer, errors, warnings: leftOver(argv, index) };
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
function namesFlag(argument: string): boolean {
  return isFlag(argument) && BY_NAME.has(splitFlag(argument).name);
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
function unknownFlag(name: string): string {
  if (isFlagNotServed(name)) {
    return `--${name} is an option of AnyCable that this version does not serve; leave it out`;
  }
  const similar = closest(name, FLAG_NAMES);
  return similar === null
    ? `--${name} is not an option; --help lists them`
    : `--${name} is not an option; did you mean --${similar}?`;
}

function leftOver(argv: readonly string[], index: number): readonly string[] {
  const first = argv[index] === "--" ? index + 1 : index;
  if (first >= argv.length) return [];
  // What stands there may be a secret that was parted from its flag, so that only its place is told.
  return [
    `ignored the command line from argument ${first + 1} on, which is no option: write values as --name=value, ` +
      "and booleans as --name=true",
  ];
}
