import {
  bad,
  build,
  good,
  type Infer,
  isTable,
  type Option,
  type OptionSpec,
  type Parsed,
  type Section,
  type TomlTable,
} from "./options.ts";

/** Options whose values one table of a file holds. None of them is a table itself. */
export type TableEntry = Readonly<
  Record<string, Option<string> | Option<number> | Option<boolean> | Option<readonly string[]>>
>;

type EntryOf<R extends TableEntry> = Infer<Section<R>>;

export type TablesSpec<R extends TableEntry> = Pick<OptionSpec<never>, "help"> & {
  readonly toml: string;
  /** What each table may hold; the key is the last name of the option's own key. */
  readonly entry: R;
};

/** An array of tables, which only a file can hold: `[[jwt.issuers]]`. */
export function tables<const R extends TableEntry>(spec: TablesSpec<R>): Option<readonly EntryOf<R>[]> {
  const members = Object.entries(spec.entry).map(
    ([name, option]) => [name, keyIn(option), option as Option<unknown>] as const,
  );
  const read = (table: unknown, at: number): Parsed<EntryOf<R>> => {
    const what = `in table ${at + 1}`;
    if (!isTable(table)) return bad("must be an array of tables");
    const foreign = Object.keys(table).find((key) => !members.some(([, known]) => known === key));
    const known = members.map(([, key]) => key).join(", ");
    if (foreign !== undefined) return bad(`has ${JSON.stringify(foreign)} ${what}, and takes ${known}`);
    const values: [string, unknown][] = [];
    for (const [name, key, option] of members) {
      const parsed = Object.hasOwn(table, key) ? option.fromToml(table[key]) : good(option.default);
      if (!parsed.ok) return bad(`has a value for ${key} ${what} that ${parsed.why}`);
      values.push([name, parsed.value]);
    }
    // Each value came from the option of its name.
    return good(Object.fromEntries(values) as EntryOf<R>);
  };
  return build(
    { flag: null, ...spec },
    {
      kind: "tables",
      default: [],
      placeholder: "[[TABLES]]",
      emptyEnv: "ignored",
      fromText: () => bad("can only be given in a file"),
      fromToml: (value) => {
        if (!Array.isArray(value)) return bad("must be an array of tables");
        const parsed = value.map(read);
        const wrong = parsed.find((one) => !one.ok);
        return wrong ?? good(parsed.flatMap((one) => (one.ok ? [one.value] : [])));
      },
      toToml: (entries) => entries.map((entry) => printedTable(entry, members)),
    },
  );
}

function keyIn(option: Pick<Option<unknown>, "toml">): string {
  return option.toml?.slice(option.toml.lastIndexOf(".") + 1) ?? "";
}

/** Without what is left at its default. */
function printedTable(
  entry: Readonly<Record<string, unknown>>,
  members: readonly (readonly [name: string, key: string, option: Option<unknown>])[],
): TomlTable {
  const printed = members.flatMap(([name, key, option]) => {
    const plain = option.toToml(entry[name]);
    const same = JSON.stringify(plain) === JSON.stringify(option.toToml(option.default));
    return same ? [] : [[key, plain] as const];
  });
  // The options of an entry print no tables.
  return Object.fromEntries(printed) as TomlTable;
}
