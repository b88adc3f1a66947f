import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Whatever an application can name has a comment that its editor shows. */

const SRC = resolve(import.meta.dir, "../src");
const CORE = resolve(import.meta.dir, "../../core/src");
const ENTRIES = readdirSync(SRC, { recursive: true })
  .map(String)
  .filter((file) => /(^|\/)index\.ts$/.test(file));

/** The names that an entry exports, each with the file that declares it. */
function exportsOf(entry: string): Array<{ name: string; file: string }> {
  const text = readFileSync(join(SRC, entry), "utf8");
  return [...text.matchAll(/export (?:type )?\{([^}]*)\} from "([^"]+)"/g)].flatMap(
    ([, names = "", from = ""]) => {
      const file = from.startsWith(".")
        ? resolve(dirname(join(SRC, entry)), from)
        : join(CORE, `${from.replace("@hawser/core/", "")}.ts`);
      return names
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "")
        .map((name) => ({ name, file }));
    },
  );
}

/** What has no comment of the declaration of `name`: itself, or members. */
function uncommented(name: string, file: string): string[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const at = lines.findIndex((line) =>
    new RegExp(`^export (async )?(interface|type|function|class|const) ${name}\\b`).test(line),
  );
  if (at === -1) return [`${name} (not declared in ${file})`];
  const missing = lines[at - 1]?.endsWith("*/") ? [] : [name];
  if (!lines[at]?.startsWith("export interface")) return missing;
  for (let line = at + 1; lines[line] !== "}"; line++) {
    const member = /^ {2}(?:readonly )?(\w+)[?(:<]/.exec(lines[line] ?? "")?.[1];
    if (member !== undefined && !lines[line - 1]?.endsWith("*/")) missing.push(`${name}.${member}`);
  }
  return missing;
}

test("every export, and every member of one, is commented", () => {
  const found = ENTRIES.flatMap(exportsOf);
  expect(found.length).toBeGreaterThan(80);
  expect([...new Set(found.flatMap(({ name, file }) => uncommented(name, file)))]).toEqual([]);
});

test("the whole has what its parts have", () => {
  const whole = exportsOf("index.ts").map(({ name }) => name);
  const parts = ENTRIES.filter((entry) => entry !== "index.ts").flatMap(exportsOf);
  expect([...new Set(parts.map(({ name }) => name))].sort()).toEqual([...whole].sort());
});
