import { describe, expect, test } from "bun:test";
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
