import { fingerprint, type HmacHex, type TomlPlain } from "@hawser/core/options";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { type OptionValues, sourcedOf } from "./option-values.ts";

/**
 * Settled values as a TOML document that loads as the same configuration, but for its secrets: of those it tells the
 * fingerprint. What was not left at its default says where it came from.
 */
export function printConfig(values: OptionValues, hmacHex: HmacHex): string {
  const tables = new Map<string, string[]>([["", []]]);
  for (const option of OPTIONS) {
    if (option.toml === null || option.deprecated !== null || option.noEffect) continue;
    const dot = option.toml.lastIndexOf(".");
    const table = option.toml.slice(0, Math.max(dot, 0));
    const lines = tables.get(table) ?? [];
    lines.push(printOption(option, option.toml.slice(dot + 1), values, hmacHex));
    tables.set(table, lines);
  }
  const parts = [...tables].map(([table, lines]) => [...(table === "" ? [] : [`[${table}]`]), ...lines]);
  const head = "# The configuration in effect. Secrets are left out: give them again as they were given.";
  return `${head}\n\n${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function printOption(option: AnyOption, key: string, values: OptionValues, hmacHex: HmacHex): string {
  const { value, source, where } = sourcedOf(values, option);
  const origin = source === "default" ? where : `from ${inComment(where)}`;
  const plain = option.toToml(value);
  if (option.kind === "secret" && plain !== "none") {
    if (typeof plain !== "string" || plain === "") return `# ${key} is not set`;
    return `# ${key} is set, fingerprint ${fingerprint(hmacHex, plain, option.flag ?? key)}, ${origin}`;
  }
  return `${key} = ${printValue(plain)}${origin === "" ? "" : ` # ${origin}`}`;
}

function printValue(value: TomlPlain): string {
  if (typeof value === "string") return printString(value);
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(printString).join(", ")}]`;
  const pairs = Object.entries(value).map(([name, text]) => `${printString(name)} = ${printString(text)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function isList(value: readonly string[] | Readonly<Record<string, string>>): value is readonly string[] {
  return Array.isArray(value);
}

/** JSON's escapes are TOML's too, but TOML also wants DEL escaped and takes no half of a surrogate pair. */
function printString(value: string): string {
  return JSON.stringify(value.toWellFormed()).replaceAll("\u007f", "\\u007f");
}

/** A file's name may hold a line break, which would end the comment. */
function inComment(where: string): string {
  return /^[\x20-\x7e]*$/.test(where) ? where : JSON.stringify(where);
}
