import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

test("the README's example is the one that the compiler checks", () => {
  const readme = readFileSync(join(import.meta.dir, "../README.md"), "utf8");
  const example = readFileSync(join(import.meta.dir, "readme-example.ts"), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
});
