import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GROUPS } from "../conformance/scenarios/all-groups.ts";

/** docs/security.md names the test that shows each of its points: those names are held against the tests. */

const DOCS = join(import.meta.dir, "../docs");
const page = readFileSync(join(DOCS, "security.md"), "utf8");

const files = new Map(
  [...page.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, id = "", path = ""]) => [id, path]),
);
const named = [...page.matchAll(/\[([^\]]+)\]\[([\w-]+)\]/g)].map(([, name = "", id = ""]) => ({ name, id }));
const scenarios = new Set(
  GROUPS.flatMap(({ title, scenarios: all }) => all.map(({ name }) => `${title}: ${name}`)),
);

describe("the page on security", () => {
  test("names tests that exist", () => {
    expect(named.length).toBeGreaterThan(50);
    const missing = named.filter(({ name, id }) => !isTest(name, files.get(id)));
    expect(missing).toEqual([]);
  });

  test("names a file for each of its references, and uses each", () => {
    expect([...files.keys()].sort()).toEqual([...new Set(named.map(({ id }) => id))].sort());
  });

  test("has a test, or says why there is none, for every point", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("|") && line.split("|").length === 5);
    const points = rows.filter((row) => !/^\|(?:---|(?: point | attack ))/.test(row) && !/ MB \|$/.test(row));
    for (const row of points) expect(row).toMatch(/\]\[[\w-]+\] \|$|\*\*not yet\*\*.* \| - \|$/);
    expect(points.length).toBeGreaterThan(30);
  });
});

/** Whether a test, a group of tests or a scenario has this name. */
function isTest(name: string, path: string | undefined): boolean {
  if (path === undefined) return false;
  if (path.includes("conformance/")) return scenarios.has(name);
  return readFileSync(join(DOCS, path), "utf8").includes(`"${name}"`);
}
