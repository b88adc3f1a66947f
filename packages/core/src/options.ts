/**
 * One option is one literal: flag, environment variable, TOML key, help text, printed configuration, reference page and
 * type all derive from it. External names and units stay AnyCable's; the code sees the property name and its unit.
 */

export type OptionKind =
  | "text"
  | "integer"
  | "bytes"
  | "seconds"
  | "milliseconds"
  | "flag"
  | "list"
  | "choice"
  | "path"
  | "secret"
  | "address"
  | "tags"
  | "tables";

/** `off` is false. Text counts even when there is none of it; a number does not. */
export type EmptyEnv = "value" | "off" | "ignored";

/** What came of reading a value. `why` completes the sentence "the value ...". */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/** What an option's value looks like in a TOML file. */
export type TomlPlain =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string>>
  | readonly TomlTable[];

/** A table of an array of tables. */
export type TomlTable = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What the literal of any option says. */
export interface OptionSpec<T> {
  /** As it is typed after the dashes; null when only a file can set it. */
  readonly flag: string | null;
  /** Dotted key; null when a file cannot set it. */
  readonly toml: string | null;
  /** One sentence or two, for `--help` and the reference page. */
  readonly help: string;
  /** Names in order of preference; `ANYCABLE_` and the flag unless said. Empty for none. */
  readonly env?: readonly string[];
  /** One letter, typed after a single dash. */
  readonly short?: string;
  /** Another key under which files may hold it. */
  readonly tomlAlias?: string;
  /** Left out of `--help`; the reference page shows it. */
  readonly hidden?: boolean;
  /** What to do instead, as a full clause. */
  readonly deprecated?: string;
  /** Taken so that an AnyCable command line works, and then ignored. */
  readonly noEffect?: boolean;
  /** What stands for the value in `--help`. */
  readonly placeholder?: string;
  /** Says why a well-formed value cannot be used, or null. */
  readonly check?: (value: T) => string | null;
}

/** An option with everything filled in. */
export interface Option<T> {
  readonly kind: OptionKind;
  readonly flag: string | null;
  readonly env: readonly string[];
  readonly short: string | null;
  readonly toml: string | null;
  readonly tomlAlias: string | null;
  /** In the unit of the code. */
  readonly default: T;
  readonly help: string;
  readonly hidden: boolean;
  readonly deprecated: string | null;
  readonly noEffect: boolean;
  /** Null when the flag stands alone. */
  readonly placeholder: string | null;
  /** What an environment variable that is set to nothing means (anycable cli/options.go@1.6.16). */
  readonly emptyEnv: EmptyEnv;
  /** From a flag or an environment variable. */
  fromText(text: string): Parsed<T>;
  /** From a parsed TOML value. */
  fromToml(value: unknown): Parsed<T>;
  toToml(value: T): TomlPlain;
}

/** Options that are read about together: a part of `--help` and the type of a part of the code. */
export interface Section<R extends Readonly<Record<string, Option<unknown>>>> {
  readonly title: string;
  readonly options: R;
}

/** The values of a section by property name. */
export type Infer<S extends Section<Readonly<Record<string, Option<unknown>>>>> = {
  readonly [K in keyof S["options"]]: S["options"][K] extends Option<infer T> ? T : never;
};

export function section<const R extends Readonly<Record<string, Option<unknown>>>>(
  title: string,
  options: R,
): Section<R> {
  return { title, options };
}

/** HMAC-SHA256 of `message` under `key` as lower-case hex. */
export type HmacHex = (key: string, message: string) => string;

/** Tells two secrets apart without telling what they are: 8 hex digits, different for each purpose. */
export function fingerprint(hmacHex: HmacHex, secret: string, purpose: string): string {
  return hmacHex(secret, `hawser-fingerprint:${purpose}`).slice(0, 8);
}

interface Codec<T> {
  readonly kind: OptionKind;
  readonly default: T;
  readonly placeholder: string | null;
  readonly emptyEnv: EmptyEnv;
  readonly fromText: (text: string) => Parsed<T>;
  readonly fromToml: (value: unknown) => Parsed<T>;
  readonly toToml: (value: T) => TomlPlain;
}

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const bad = (why: string): Parsed<never> => ({ ok: false, why });

/** For the builders; an option is never put together by hand. */
export function build<T>(spec: OptionSpec<T>, codec: Codec<T>): Option<T> {
  const checked = (parsed: Parsed<T>): Parsed<T> => {
    const why = parsed.ok ? (spec.check?.(parsed.value) ?? null) : null;
    return why === null ? parsed : bad(why);
  };
  return {
    kind: codec.kind,
    flag: spec.flag,
    env: spec.env ?? (spec.flag === null ? [] : [envName(spec.flag)]),
    short: spec.short ?? null,
    toml: spec.toml,
    tomlAlias: spec.tomlAlias ?? null,
    default: codec.default,
    help: spec.help,
    hidden: spec.hidden ?? false,
    deprecated: spec.deprecated ?? null,
    noEffect: spec.noEffect ?? false,
    placeholder: codec.placeholder === null ? null : (spec.placeholder ?? codec.placeholder),
    emptyEnv: codec.emptyEnv,
    fromText: (text) => checked(codec.fromText(text)),
    fromToml: (value) => checked(codec.fromToml(value)),
    toToml: codec.toToml,
  };
}

/** The environment variable of a flag, unless its literal says otherwise. */
export function envName(flag: string): string {
  return `ANYCABLE_${flag.replaceAll("-", "_").toUpperCase()}`;
}

export type TextSpec = OptionSpec<string> & { readonly default?: string };

function stringOption(kind: "text" | "path" | "secret", placeholder: string, spec: TextSpec): Option<string> {
  return build(spec, {
    kind,
    default: spec.default ?? "",
    placeholder,
    emptyEnv: "value",
    fromText: good,
    fromToml: (value) => (typeof value === "string" ? good(value) : bad("must be a string, in quotes")),
    toToml: (value) => value,
  });
}

export const text = (spec: TextSpec): Option<string> => stringOption("text", "TEXT", spec);

/** A file's path, kept as it was given. */
export const path = (spec: TextSpec): Option<string> => stringOption("path", "FILE", spec);

/** Never printed, logged or quoted; empty when there is none. */
export const secret = (spec: Omit<TextSpec, "default">): Option<string> =>
  stringOption("secret", "SECRET", spec);

/** Several secrets, separated by commas outside of files. */
export const secrets = (
  spec: Omit<ListSpec, "default" | "lowerCase" | "joined">,
): Option<readonly string[]> => listOption("secret", "SECRET,...", spec);

export type NumberSpec = OptionSpec<number> & {
  /** In the unit of the flag, and so are the bounds. */
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
};

interface Scale {
  readonly kind: OptionKind;
  readonly placeholder: string;
  /** What the number counts, after it: empty or " of seconds". */
  readonly unit: string;
  /** One outside is this many inside. */
  readonly factor: number;
  readonly defaultMax: number;
}

/** Timers of the runtime fire at once past 2^31 - 1 ms, so that no time may be longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function numberOption(spec: NumberSpec, scale: Scale): Option<number> {
  const { min = 0, max = scale.defaultMax } = spec;
  const { factor } = scale;
  const what = `must be a ${factor === 1 ? "whole number" : "number"}${scale.unit}, ${rangeText(min, max)}`;
  const read = (outside: number): Parsed<number> => {
    const inside = Math.round(outside * factor);
    const exact = factor === 1 ? Number.isSafeInteger(outside) : Number.isSafeInteger(inside);
    // `-0` would print as `0` and so not come back as itself.
    return exact && outside >= min && outside <= max ? good(inside === 0 ? 0 : inside) : bad(what);
  };
  const shape = factor === 1 ? /^[+-]?\d+$/ : /^[+-]?\d+(?:\.\d+)?$/;
  return build(spec, {
    kind: scale.kind,
    default: Math.round(spec.default * factor),
    placeholder: scale.placeholder,
    emptyEnv: "ignored",
    fromText: (value) => (shape.test(value) ? read(Number(value)) : bad(what)),
    fromToml: (value) => (typeof value === "number" ? read(value) : bad(`${what}, without quotes`)),
    toToml: (inside) => inside / factor,
  });
}

function rangeText(min: number, max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return min === -max ? "positive or negative" : `${min} or more`;
  return `${min} to ${max}`;
}

export const integer = (spec: NumberSpec): Option<number> =>
  numberOption(spec, {
    kind: "integer",
    placeholder: "N",
    unit: "",
    factor: 1,
    defaultMax: Number.MAX_SAFE_INTEGER,
  });

export const bytes = (spec: NumberSpec): Option<number> =>
  numberOption(spec, {
    kind: "bytes",
    placeholder: "BYTES",
    unit: " of bytes",
    factor: 1,
    defaultMax: Number.MAX_SAFE_INTEGER,
  });

/** Milliseconds inside, so its property's name ends in `Ms`. Fractions are accepted down to a millisecond. */
export const seconds = (spec: NumberSpec): Option<number> =>
  numberOption(spec, {
    kind: "seconds",
    placeholder: "SECONDS",
    unit: " of seconds",
    factor: 1000,
    defaultMax: Math.floor(MAX_TIMER_MS / 1000),
  });

export const milliseconds = (spec: NumberSpec): Option<number> =>
  numberOption(spec, {
    kind: "milliseconds",
    placeholder: "MS",
    unit: " of milliseconds",
    factor: 1,
    defaultMax: MAX_TIMER_MS,
  });

export type FlagSpec = OptionSpec<boolean> & { readonly default?: boolean };

/** The spellings of Go's strconv.ParseBool. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

/** True when it stands alone. */
export function flag(spec: FlagSpec): Option<boolean> {
  return build(spec, {
    kind: "flag",
    default: spec.default ?? false,
    placeholder: null,
    emptyEnv: "off",
    fromText: (value) => {
      const parsed = BOOLEANS.get(value);
      return parsed === undefined ? bad("must be true or false") : good(parsed);
    },
    fromToml: (value) =>
      typeof value === "boolean" ? good(value) : bad("must be true or false, without quotes"),
    toToml: (value) => value,
  });
}

export type ListSpec = OptionSpec<readonly string[]> & {
  readonly default?: readonly string[];
  /** A list that needs an element: an empty variable then counts as not set. */
  readonly nonEmpty?: boolean;
  readonly lowerCase?: boolean;
  /** The reference's files hold one string with commas here, and so do printed ones; arrays are read all the same. */
  readonly joined?: boolean;
};

/** Separated by commas outside; blanks around the elements and empty elements are dropped. */
export const list = (spec: ListSpec): Option<readonly string[]> => listOption("list", "LIST", spec);

function listOption(kind: "list" | "secret", placeholder: string, spec: ListSpec): Option<readonly string[]> {
  const read = (value: string): Parsed<readonly string[]> => {
    const elements = (spec.lowerCase ? value.toLowerCase() : value)
      .split(",")
      .map((element) => element.trim())
      .filter((element) => element !== "");
    return spec.nonEmpty && elements.length === 0 ? bad("must name at least one") : good(elements);
  };
  return build(spec, {
    kind,
    default: spec.default ?? [],
    placeholder,
    emptyEnv: spec.nonEmpty ? "ignored" : "value",
    fromText: read,
    fromToml: (value) => {
      if (typeof value === "string") return read(value);
      if (!isStringArray(value)) return bad("must be an array of strings");
      // A secret may hold a comma where it does not have to be told from the next one.
      return kind === "secret" ? good(value.filter((element) => element !== "")) : read(value.join(","));
    },
    toToml: (value) => (spec.joined ? value.join(",") : value),
  });
}

export function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}

export type ChoiceSpec<V extends string> = OptionSpec<V> & {
  readonly values: readonly V[];
  readonly default: V;
  /** Words that people have reason to try, and why they cannot be used. */
  readonly refused?: Readonly<Record<string, string>>;
};

/** One of a few words. The empty one, where it is among them, means "not chosen" and is not offered. */
export function choice<const V extends string>(spec: ChoiceSpec<V>): Option<V> {
  const offered = spec.values.filter((value) => value !== "");
  const read = (value: string): Parsed<V> => {
    const chosen = spec.values.find((candidate) => candidate === value);
    if (chosen !== undefined) return good(chosen);
    const refused = new Map(Object.entries(spec.refused ?? {}));
    return bad(refused.get(value) ?? `must be one of ${offered.join(", ")}`);
  };
  return build(spec, {
    kind: "choice",
    default: spec.default,
    placeholder: offered.join("|"),
    emptyEnv: "ignored",
    fromText: read,
    fromToml: (value) => (typeof value === "string" ? read(value) : bad("must be a string, in quotes")),
    toToml: (value) => value,
  });
}

export type TagsSpec = OptionSpec<Readonly<Record<string, string>>>;

/** Prometheus label names; the ones with two underscores in front are its own. */
const TAG_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** `name:value,name:value` outside, a table in a file. A value ends at the comma, so it may hold colons. */
export function tags(spec: TagsSpec): Option<Readonly<Record<string, string>>> {
  const collect = (pairs: Iterable<readonly [string, unknown]>): Parsed<Readonly<Record<string, string>>> => {
    const collected: Record<string, string> = {};
    for (const [name, value] of pairs) {
      if (!TAG_NAME.test(name)) return bad(`holds a tag whose name cannot be used: ${JSON.stringify(name)}`);
      if (typeof value !== "string") return bad(`must hold strings, and ${name} is not one`);
      collected[name] = value;
    }
    return good(collected);
  };
  return build(spec, {
    kind: "tags",
    default: {},
    placeholder: "NAME:VALUE,...",
    emptyEnv: "value",
    fromText: (value) => {
      const pairs = value.split(",").filter((pair) => pair.trim() !== "");
      if (!pairs.every((pair) => pair.includes(":"))) return bad("must look like name:value,name:value");
      return collect(pairs.map((pair) => splitPair(pair)));
    },
    fromToml: (value) =>
      isTable(value) ? collect(Object.entries(value)) : bad("must be a table of strings"),
    toToml: (value) => value,
  });
}

function splitPair(pair: string): readonly [string, string] {
  const colon = pair.indexOf(":");
  return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
