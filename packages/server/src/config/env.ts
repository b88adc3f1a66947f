import { isEnvNotServed, SILENTLY_IGNORED_ENV } from "./not-served.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { complaint, type LayerReading, type Sourced } from "./option-values.ts";
import { closest } from "./suggestion.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "ANYCABLE_";
const KNOWN_NAMES: ReadonlySet<string> = new Set(OPTIONS.flatMap((option) => option.env));
const KNOWN_SUFFIXES: readonly string[] = [...KNOWN_NAMES]
  .filter((name) => name.startsWith(PREFIX))
  .map((name) => name.slice(PREFIX.length));

/** Reads the variables of every option. Names that are not known are one warning: the application may share them. */
export function readEnv(env: Environment): LayerReading {
  const layer = new Map<AnyOption, Sourced<unknown>>();
  const errors: string[] = [];
  for (const option of OPTIONS) {
    const name = option.env.find((candidate) => isSet(option, env[candidate]));
    if (name === undefined) continue;
    const text = env[name] ?? "";
    const parsed = option.fromText(text === "" && option.emptyEnv === "off" ? "false" : text);
    if (parsed.ok) layer.set(option, { value: parsed.value, source: "env", where: name });
    else errors.push(complaint(option, name, text, parsed.why));
  }
  return { layer, errors, warnings: strangers(env) };
}

function isSet(option: AnyOption, text: string | undefined): boolean {
  return text !== undefined && (text !== "" || option.emptyEnv !== "ignored");
}

function strangers(env: Environment): readonly string[] {
  const names = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && env[name] !== undefined)
    .filter((name) => !KNOWN_NAMES.has(name) && !SILENTLY_IGNORED_ENV.has(name))
    .sort();
  const notServed = names.filter((name) => isEnvNotServed(name));
  const unknown = names.filter((name) => !isEnvNotServed(name));
  const warnings: string[] = [];
  if (notServed.length > 0) {
    warnings.push(`ignored variables of AnyCable that this version does not serve: ${notServed.join(", ")}`);
  }
  if (unknown.length > 0) {
    warnings.push(
      `ignored variables that are not options: ${unknown.map(withSuggestion).join(", ")}; ` +
        "fine if they are the application's",
    );
  }
  return warnings;
}

function withSuggestion(name: string): string {
  // Without what all of them begin with: it would make any two look alike.
  const similar = closest(name.slice(PREFIX.length), KNOWN_SUFFIXES);
  return similar === null ? name : `${name} (did you mean ${PREFIX}${similar}?)`;
}
