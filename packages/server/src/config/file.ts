import { isTomlNotServed } from "./not-served.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { complaint, type LayerReading, type Sourced } from "./option-values.ts";
import { closest } from "./suggestion.ts";

type Table = Readonly<Record<string, unknown>>;

const BY_KEY: ReadonlyMap<string, AnyOption> = new Map(
  OPTIONS.flatMap((option) =>
    [option.tomlAlias, option.toml].flatMap((key) => (key === null ? [] : [[key, option] as const])),
  ),
);

const KEYS: readonly string[] = OPTIONS.flatMap((option) => option.toml ?? []);

/** Tables that hold options somewhere below: `server` and `server.ssl`. */
const TABLES: ReadonlySet<string> = new Set(
  KEYS.flatMap((key) =>
    key.split(".").flatMap((_, index, parts) => (index === 0 ? [] : [parts.slice(0, index).join(".")])),
  ),
);

/**
 * Reads a parsed TOML file.
 *
 * DEVIATION: D21. The reference ignores keys that it does not know; here each is an error.
 */
export function readFileLayer(document: Table, file: string): LayerReading {
  const layer = new Map<AnyOption, Sourced<unknown>>();
  const errors: string[] = [];
  const readTable = (table: Table, prefix: string): void => {
    for (const [name, value] of Object.entries(table)) {
      const key = prefix + name;
      const where = `${key} in ${file}`;
      const option = BY_KEY.get(key);
      if (option !== undefined) readKey(option, where, value, layer, errors);
      else if (TABLES.has(key) && isTable(value)) readTable(value, `${key}.`);
      else errors.push(`${where} ${whyUnknown(key, value)}`);
    }
  };
  readTable(document, "");
  return { layer, errors, warnings: [] };
}

function readKey(
  option: AnyOption,
  where: string,
  value: unknown,
  layer: Map<AnyOption, Sourced<unknown>>,
  errors: string[],
): void {
  const parsed = option.fromToml(value);
  if (parsed.ok) layer.set(option, { value: parsed.value, source: "file", where });
  else errors.push(complaint(option, where, value, parsed.why));
}

function whyUnknown(key: string, value: unknown): string {
  if (isTomlNotServed(key)) return "is an option of AnyCable that this version does not serve; leave it out";
  if (TABLES.has(key)) return `must be a table: [${key}]`;
  if (isTable(value)) {
    const table = closest(key, [...TABLES]);
    return table === null ? "is not a table of options" : `is not a table of options; did you mean ${table}?`;
  }
  const similar = keyOfFlag(key) ?? keyElsewhere(key) ?? closest(key, KEYS);
  return similar === null ? "is not an option" : `is not an option; did you mean ${similar}?`;
}

/** Someone wrote the flag's name: `jwt_secret` for `jwt.secret`. */
function keyOfFlag(key: string): string | null {
  const name = key.slice(key.lastIndexOf(".") + 1);
  return OPTIONS.find((option) => option.flag === name)?.toml ?? null;
}

/** The right name in the wrong table, where only one table has it. */
function keyElsewhere(key: string): string | null {
  const name = key.slice(key.lastIndexOf(".") + 1);
  const [only, ...others] = KEYS.filter((known) => known.endsWith(`.${name}`));
  return only !== undefined && others.length === 0 ? only : null;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
