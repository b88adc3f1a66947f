import { hasCredentials, publicAddress } from "@hawser/core/address-option";
import { fingerprint, type HmacHex, type TomlPlain, type TomlTable } from "@hawser/core/options";
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
    const secrets = typeof plain === "string" ? [plain] : isList(plain) ? plain : [];
    const prints = secrets
      .filter((secret) => secret !== "")
      .map((secret) => fingerprint(hmacHex, secret, option.flag ?? key));
    if (prints.length === 0) return `# ${key} is not set`;
    return `# ${key} is set, fingerprint ${prints.join(", ")}, ${origin}`;
  }
  if (option.kind === "address" && typeof plain === "string" && hasCredentials(plain)) {
    return `# ${key} is set, with credentials, to ${inComment(publicAddress(plain))}, ${origin}`;
  }
  return `${key} = ${printValue(plain)}${origin === "" ? "" : ` # ${origin}`}`;
}

function printValue(value: TomlPlain): string {
  if (typeof value === "string") return printString(value);
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(printString).join(", ")}]`;
  if (isTables(value)) return `[${value.map(printTable).join(", ")}]`;
  return printTable(value);
}

function printTable(table: TomlTable): string {
  const pairs = Object.entries(table).map(([name, value]) => `${printString(name)} = ${printValue(value)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function isList(value: TomlPlain): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isTables(value: TomlPlain): value is readonly TomlTable[] {
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
