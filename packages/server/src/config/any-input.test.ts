import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { load, type TestInput } from "../../test/support/load-config.ts";
import { OPTIONS } from "./option-table.ts";

/** What operators write by mistake, and what nobody would: the start may fail, but only in lines for people. */

const flags = OPTIONS.flatMap(({ flag, short }) => [flag, short]).filter((name) => name !== null);
const keys = OPTIONS.flatMap(({ toml }) => toml ?? []);
const noise = fc.string({ unit: "binary", maxLength: 30 });
const value = fc.oneof(
  noise,
  fc.constantFrom(
    "",
    "none",
    "true",
    "-1",
    "1e9",
    "0x10",
    "9999999999999999",
    "::1",
    "http://x",
    "a:b,c",
    ",,",
    "=",
    "--",
  ),
  fc.integer().map(String),
);

const argument = fc.oneof(
  value,
  noise.map((text) => `--${text}`),
  fc.tuple(fc.constantFrom("-", "--"), fc.constantFrom(...flags)).map((parts) => parts.join("")),
  fc.tuple(fc.constantFrom(...flags), value).map(([name, text]) => `--${name}=${text}`),
);
const variables = fc.dictionary(
  fc.oneof(
    fc.constantFrom(...OPTIONS.flatMap(({ env }) => env)),
    noise.map((text) => `ANYCABLE_${text}`),
  ),
  value,
  { maxKeys: 5 },
);
const literal = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom("1979-05-27", "0x1F", "inf", "nan", "'''", '"""', "[1,]", "{ a = 1 }", "1_000", "true"),
);
const line = fc.oneof(
  noise,
  fc.tuple(fc.constantFrom(...keys), literal).map(([key, text]) => `${key} = ${text}`),
  fc.constantFrom(...keys).map((key) => `[${key.slice(0, key.lastIndexOf("."))}]`),
);
const file = fc.array(line, { maxLength: 6 }).map((lines) => lines.join("\n"));

describe("any command line, environment and file", () => {
  test("load, or are refused in single lines", () => {
    const outcomes = { loaded: 0, refused: 0 };
    const input: fc.Arbitrary<TestInput> = fc.record({
      argv: fc.array(argument, { maxLength: 5 }),
      env: variables,
      files: fc.option(file, { nil: "" }).map((text) => ({ "./anycable.toml": text })),
    });
    fc.assert(
      fc.property(input, (given) => {
        const result = load(given);
        if (!result.ok) {
          outcomes.refused += 1;
          expect(result.errors.length).toBeGreaterThan(0);
          for (const error of result.errors) expectLine(error);
          return;
        }
        outcomes.loaded += 1;
        if (!("config" in result)) return;
        for (const warning of result.warnings) expectLine(warning);
        expect(result.printed()).toStartWith("# The configuration in effect.");
      }),
      { numRuns: 600 },
    );
    expect(outcomes.loaded).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });
});

test("control characters of names and paths stay out of the terminal", () => {
  const refused = load({ argv: ["--bad\u001b[2J\nname"] });
  expect(refused).toEqual({
    ok: false,
    errors: ["--bad\\u001b[2J\\u000aname is not an option; --help lists them"],
  });
});

/** Something for a person, on one line, without the places in the code that a fault would bring along. */
function expectLine(text: string): void {
  expect(text).toMatch(/^[^\p{Cc}\u2028\u2029]{10,}$/u);
  expect(text).not.toMatch(/\.ts:\d+|\bat .*\(|undefined|\[object/);
}
