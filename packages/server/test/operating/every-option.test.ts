import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type AnyOption, OPTIONS } from "../../src/config/option-table.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
/** Where the server is run as a process, and what it does is looked at. */
const FOLDERS = ["conformance", "packages/server/test", "packages/sdk/test", "examples"];

function textOf(folder: string): string {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
    .map((file) => readFileSync(join(ROOT, folder, file), "utf8"))
    .join("\n");
}

const TESTS = FOLDERS.map(textOf).join("\n");

/** Under any of its names: the flag, a variable, or the last part of its key in a file. */
function isNamed({ flag, env, toml }: AnyOption): boolean {
  const key = toml?.slice(toml.lastIndexOf(".") + 1);
  const names = [
    ...(flag === null ? [] : [`--${flag}(?![\\w-])`]),
    ...env.map((name) => `\\b${name}\\b`),
    // As a value, or as a table of an array of them.
    ...(key === undefined ? [] : [`(?:\\b|\\\\n)${key} = `, `\\[\\[${toml}\\]\\]`]),
  ];
  return names.some((name) => new RegExp(name).test(TESTS));
}

test("every option that has an effect is given to a running server by some test", () => {
  const unseen = OPTIONS.filter((option) => !option.noEffect && !isNamed(option));
  expect(unseen.map(({ flag, toml }) => flag ?? toml)).toEqual([]);
});
