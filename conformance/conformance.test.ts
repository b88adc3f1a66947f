import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Outcome, runGroups, whyNot } from "./run-groups.ts";
import { GROUPS } from "./scenarios/all-groups.ts";

/** Servers at a time: each waits more than it works. */
const SERVERS_AT_A_TIME = 4;
/** For the run as a whole, not for a scenario. */
const PATIENCE_MS = 300_000;

/** The scenarios run side by side, so all of them before the first is asked about. */
let outcomes: Map<string, Outcome>;

beforeAll(async () => {
  const command = join(import.meta.dir, "../bin/hawser");
  const all = await runGroups(GROUPS, {
    under: { command, flags: [] },
    side: "ours",
    servers: SERVERS_AT_A_TIME,
  });
  outcomes = new Map(all.map((outcome) => [`${outcome.group.title}: ${outcome.scenario.name}`, outcome]));
}, PATIENCE_MS);

for (const group of GROUPS) {
  describe(group.title, () => {
    for (const { name } of group.scenarios) {
      test.skipIf(whyNot(group, "ours") !== null)(name, () => {
        const { result, why } = outcomes.get(`${group.title}: ${name}`) ?? { result: "not run", why: "" };
        expect(`${result}${why}`).toBe("passed");
      });
    }
  });
}

test("no two scenarios have the same name", () => {
  const names = GROUPS.flatMap(({ title, scenarios }) => scenarios.map(({ name }) => `${title}: ${name}`));
  expect(names).toEqual([...new Set(names)]);
});
