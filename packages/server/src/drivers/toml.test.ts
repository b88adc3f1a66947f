import { describe, expect, test } from "bun:test";
import { CableError } from "@hawser/core/errors";
import { parseToml } from "./toml.ts";

describe("a TOML document", () => {
  test("is a table", () => {
    expect(parseToml("a = 1\n[b]\nc = ['x']\n")).toEqual({ a: 1, b: { c: ["x"] } });
  });

  test("that is broken is told by place and rule, and none of its text", () => {
    for (const broken of ['a = 1\nb = "canary', "canary canary = 1", "a = canary", "a = 1\na = 'canary'"]) {
      const thrown = (() => {
        try {
          return parseToml(broken);
        } catch (error) {
          return error;
        }
      })();
      if (!(thrown instanceof CableError)) throw new Error("no CableError");
      expect(thrown.code).toBe("config_invalid");
      expect(thrown.message).toMatch(/^line \d+, column \d+: ./);
      expect(thrown.message).not.toContain("\n");
      expect(Bun.inspect(thrown)).not.toMatch(/canary/);
    }
  });

  test("cannot reach the prototype of what it makes", () => {
    expect(() => parseToml("[__proto__]\npolluted = true\n")).toThrow(CableError);
  });
});
