import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { originCheck } from "./origins.ts";

describe("allowed origins", () => {
  test.each([null, "null", "", "https://any.example", "garbage"])("without a list let %p in", (origin) => {
    expect(originCheck([])(origin)).toBe(true);
    expect(originCheck(["", " "])(origin)).toBe(true);
    expect(originCheck(["*"])(origin)).toBe(true);
    expect(originCheck(["good.example", "*"])(origin)).toBe(true);
  });

  test.each([
    ["https://good.example", true],
    ["http://good.example", true],
    ["HTTPS://GOOD.example", true],
    ["https://good.example:443", false],
    ["https://good.example:8080", false],
    ["https://www.good.example", false],
    ["https://evil.example", false],
    ["https://evil.example/good.example", false],
    ["https://evil.example?good.example", false],
    ["https://evil.example#good.example", false],
    ["https://good.example.evil.example", false],
    ["https://evilgood.example", false],
    ["https://good.example@evil.example", false],
    ["good.example", false],
    ["null", false],
    ["", false],
    [null, false],
  ])("with a host listed answer %p with %p", (origin, allowed) => {
    expect(originCheck(["good.example"])(origin)).toBe(allowed);
  });

  test.each([
    ["https://a.good.example", true],
    ["https://a.b.good.example", true],
    ["https://good.example", false],
    ["https://a.good.example:8080", false],
    ["https://agood.example", false],
    ["https://evil.example/.good.example", false],
    [null, false],
  ])("with a wildcard answer %p with %p", (origin, allowed) => {
    expect(originCheck(["*.good.example"])(origin)).toBe(allowed);
  });

  test("count the port where it is listed", () => {
    const check = originCheck(["good.example:8080", "*.good.example:8080"]);
    expect(check("http://good.example:8080")).toBe(true);
    expect(check("http://a.good.example:8080")).toBe(true);
    expect(check("http://good.example")).toBe(false);
  });

  test("are taken without the spaces around them and whatever their case", () => {
    expect(originCheck([" Good.Example ", ""])("https://good.example")).toBe(true);
  });

  test("let in no text that names another host", () => {
    const check = originCheck(["good.example", "*.good.example"]);
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (url) => {
        const { host } = new URL(url);
        if (host !== "good.example" && !host.endsWith(".good.example")) expect(check(url)).toBe(false);
      }),
    );
  });
});

test("any text as an origin is judged without throwing, and none that lacks the host's name is let in", () => {
  const check = originCheck(["good.example", "*.good.example"]);
  const piece = fc.constantFrom(
    "good.example",
    "https://",
    "evil.",
    ".evil",
    "@",
    "/",
    "#",
    "?",
    ":443",
    "\\",
    "%2e",
    "null",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece).map((all) => all.join("")),
      ),
      (origin) => {
        const allowed = check(origin);
        if (allowed) expect(origin).toMatch(/^[a-z][a-z0-9+.-]*:\/\/([^/?#]*[@.])?good\.example([/?#]|$)/i);
      },
    ),
    { numRuns: 2000 },
  );
});
