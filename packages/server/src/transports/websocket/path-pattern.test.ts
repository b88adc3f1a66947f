import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pathPattern } from "./path-pattern.ts";

describe("pathPattern()", () => {
  test.each([
    ["/cable", ["/cable"], ["/cable/", "/cables", "/", "/Cable", "/a/cable", ""]],
    ["/", ["/"], ["/x", ""]],
    ["/admin/*", ["/admin/", "/admin/x", "/admin/x/y"], ["/admin", "/adminx", "/x/admin/"]],
    ["/*", ["/", "/x", "/x/y"], [""]],
    ["/cable*", ["/cable", "/cable/", "/cablecar"], ["/cabl"]],
    [
      "/t/{tenant}/cable",
      ["/t/a/cable", "/t/a-b.c/cable"],
      ["/t//cable", "/t/a/b/cable", "/t/a/cable/", "/t/a"],
    ],
    ["/{a}/{b}", ["/x/y"], ["/x", "/x/", "/x/y/z"]],
    ["/{a}/*", ["/x/", "/x/y/z"], ["/x", "//"]],
    ["/v-{n}/c", ["/v-1/c"], ["/v-/c", "/v1/c"]],
  ] as [string, string[], string[]][])("%s matches %p and not %p", (pattern, matching, others) => {
    const matches = pathPattern(pattern);
    for (const path of matching) expect([path, matches(path)]).toEqual([path, true]);
    for (const path of others) expect([path, matches(path)]).toEqual([path, false]);
  });

  test("takes every other character for itself", () => {
    const special = "/a.b+c(d)[e]^$|\\?";
    for (const pattern of [special, `${special}/{x}`]) {
      expect(pathPattern(pattern)(pattern.replace("{x}", "y"))).toBe(true);
    }
    expect(pathPattern("/a.b/{x}")("/aXb/y")).toBe(false);
    expect(pathPattern("/{x")("/{x")).toBe(true);
  });
});

test("any pattern matches any path in time that is in proportion, and itself where it has no wildcard", () => {
  const piece = fc.constantFrom("/", "{", "}", "{a}", "*", ".", "+", "(", "x", "[", "\\", "$", "^");
  const text = fc.oneof(
    fc.array(piece).map((all) => `/${all.join("")}`),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(text, text, (pattern, path) => {
      const matches = pathPattern(pattern);
      expect(typeof matches(path)).toBe("boolean");
      if (!/[{*]/.test(pattern)) expect(matches(pattern)).toBe(true);
    }),
    { numRuns: 2000 },
  );
  const slow = pathPattern("/{a}/{b}/{c}/{d}/*");
  const startedMs = performance.now();
  slow(`/${"a".repeat(500_000)}`);
  slow("/a".repeat(500_000));
  slow("/".repeat(500_000));
  expect(performance.now() - startedMs).toBeLessThan(1000);
});
