import { describe, expect, test } from "bun:test";
import { OPTIONS } from "../config/option-table.ts";
import { helpText } from "./help.ts";

describe("--help", () => {
  test("names every option that is not hidden, and no hidden one", () => {
    const named = [...helpText().matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name ?? "");
    const wanted = OPTIONS.flatMap((option) => (option.hidden ? [] : (option.flag ?? [])));
    expect(named.sort()).toEqual(wanted.sort());
  });

  test("tells the default and the variables", () => {
    expect(helpText()).toContain("(default 8080) [ANYCABLE_PORT, PORT]");
    expect(helpText()).toContain("  --headers LIST\n");
    expect(helpText()).toContain("  -h, --help\n");
  });

  test("fits a terminal", () => {
    for (const line of helpText().split("\n")) expect(line.length).toBeLessThanOrEqual(110);
  });
});
