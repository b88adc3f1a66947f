import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { OPTIONS } from "./option-table.ts";
import { optionsReference } from "./reference.ts";

describe("the reference page", () => {
  test("is the one that the tables give: else run scripts/gen-docs.ts", () => {
    const page = new URL("../../../../docs/reference/options.md", import.meta.url);
    expect(readFileSync(page, "utf8")).toBe(optionsReference());
  });

  test("has a row of seven cells for every option, the hidden ones too", () => {
    const rows = optionsReference()
      .split("\n")
      .filter((line) => /^\| (`--|\|| )/.test(line));
    expect(rows).toHaveLength(OPTIONS.length);
    for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(8);
  });
});
