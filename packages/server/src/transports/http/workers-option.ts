import { bad, build, good, type Option, type OptionSpec, type Parsed } from "@hawser/core/options";

/** Threads to serve clients by; `auto` is one for each core. */
export type Workers = number | "auto";

const MAX_WORKERS = 256;
const WHAT = `must be a whole number, 1 to ${MAX_WORKERS}, or auto`;

export function workersOption(spec: OptionSpec<Workers>): Option<Workers> {
  const read = (count: number): Parsed<Workers> =>
    Number.isSafeInteger(count) && count >= 1 && count <= MAX_WORKERS ? good(count) : bad(WHAT);
  const fromText = (text: string): Parsed<Workers> => {
    if (text === "auto") return good("auto");
    return /^\d+$/.test(text) ? read(Number(text)) : bad(WHAT);
  };
  return build<Workers>(spec, {
    kind: "integer",
    default: 1,
    placeholder: "N|auto",
    emptyEnv: "ignored",
    fromText,
    fromToml: (value) => {
      if (typeof value === "number") return read(value);
      return value === "auto" ? good("auto") : bad(WHAT);
    },
    toToml: (value) => value,
  });
}
