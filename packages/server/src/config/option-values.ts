import type { Infer, Option, Section } from "@hawser/core/options";
import { type AnyOption, OPTIONS } from "./option-table.ts";

export type Source = "default" | "file" | "env" | "flag";

/** A value that remembers where it came from. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: Source;
  /**
   * For people: `--port`, `ANYCABLE_PORT`, `server.port in ./anycable.toml`; empty for the option's own default and
   * `worked out` for one that depends on other options.
   */
  readonly where: string;
}

/** What one source says. */
export type Layer = ReadonlyMap<AnyOption, Sourced<unknown>>;

/** A layer, and what was wrong with the source. */
export interface LayerReading {
  readonly layer: Layer;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** One value for every option of the table. */
export type OptionValues = ReadonlyMap<AnyOption, Sourced<unknown>>;

/** The layers over the defaults; the later layer wins. */
export function mergeLayers(layers: readonly Layer[]): OptionValues {
  const merged = new Map<AnyOption, Sourced<unknown>>();
  for (const option of OPTIONS) merged.set(option, { value: option.default, source: "default", where: "" });
  for (const layer of layers) for (const [option, sourced] of layer) merged.set(option, sourced);
  return merged;
}

export function sourcedOf<T>(values: OptionValues, option: Option<T>): Sourced<T> {
  const sourced = values.get(option);
  if (sourced === undefined) throw new Error(`the option ${option.flag ?? option.toml} is in no section`);
  // A value enters the map only by its own option's `fromText`, `fromToml` or default, or by `Draft.set`.
  return sourced as Sourced<T>;
}

export function valueIn<T>(values: OptionValues, option: Option<T>): T {
  return sourcedOf(values, option).value;
}

/** `--port`, `ANYCABLE_PORT`, ...; the flag's name when it has its default. */
export function placeOf(values: OptionValues, option: AnyOption): string {
  const { source, where } = sourcedOf(values, option);
  return source === "default" ? `${option.flag ?? option.toml}` : where;
}

/** What a check of several options came to. */
export interface Findings {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** The values of a section by property name. */
export function sectionOf<R extends Readonly<Record<string, AnyOption>>>(
  values: OptionValues,
  section: Section<R>,
): Infer<Section<R>> {
  const entries = Object.entries(section.options).map(([name, option]) => [name, valueIn(values, option)]);
  // The same keys, each with a value of its own option.
  return Object.fromEntries(entries) as Infer<Section<R>>;
}

/** The line for a value that cannot be used. A secret is never quoted, and of the rest only what is short and plain. */
export function complaint(option: AnyOption, where: string, value: unknown, why: string): string {
  const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const quoted =
    plain && option.kind !== "secret" && option.kind !== "address"
      ? ` ${shortened(JSON.stringify(value))}`
      : "";
  return `${where}: the value${quoted} ${why}`;
}

const LONGEST_QUOTE = 60;

function shortened(quoted: string): string {
  return quoted.length <= LONGEST_QUOTE ? quoted : `${quoted.slice(0, LONGEST_QUOTE)}...`;
}
