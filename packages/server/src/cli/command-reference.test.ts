import { expect, test } from "bun:test";
import { commandReference } from "./command-reference.ts";

test("docs/reference/commands.md is what the tables say; npm run gen writes it", async () => {
  const file = new URL("../../../../docs/reference/commands.md", import.meta.url);
  expect(await Bun.file(file).text()).toBe(commandReference());
});
