import type { AnyOption } from "./option-table.ts";

/** What `--help` and the reference page say of an option's default. */
export function defaultText(option: AnyOption): string {
  const plain = option.toToml(option.default);
  if (typeof plain !== "object") return String(plain);
  return Array.isArray(plain) ? plain.join(",") : "";
}

/** What an option does, with what has to be known before using it. */
export function aboutText(option: AnyOption): string {
  const notes = [option.help];
  if (option.noEffect) notes.push("Accepted, and has no effect.");
  if (option.deprecated !== null) notes.push(`Deprecated: ${option.deprecated}.`);
  return notes.join(" ");
}
