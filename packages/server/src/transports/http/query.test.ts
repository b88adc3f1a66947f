import { describe, expect, test } from "bun:test";
import { LIMITS } from "@hawser/core/limits";
import fc from "fast-check";
import { firstValue, lastValue, parseQuery } from "./query.ts";

describe("parseQuery()", () => {
  test.each([
    ["", []],
    ["a=1", [["a", "1"]]],
    [
      "a=1&b=2&a=3",
      [
        ["a", "1"],
        ["b", "2"],
        ["a", "3"],
      ],
    ],
    ["a", [["a", ""]]],
    ["a=", [["a", ""]]],
    ["=v", [["", "v"]]],
    ["a=b=c", [["a", "b=c"]]],
    ["&&a=1&", [["a", "1"]]],
    ["a+b=c+d", [["a b", "c d"]]],
    ["%61=%2B%26%3D", [["a", "+&="]]],
    ["a=caf%C3%A9", [["a", "café"]]],
    ["__proto__=1", [["__proto__", "1"]]],
    ["a=?", [["a", "?"]]],
  ] as [string, [string, string][]][])("reads %p", (query, pairs) => {
    expect(parseQuery(query)).toEqual({ pairs, malformed: false });
  });

  test.each([
    ["a=%zz&b=2", [["b", "2"]]],
    ["%zz=1&b=2", [["b", "2"]]],
    ["a=%2", []],
    ["a=%", []],
    ["a;b=1&c=3", [["c", "3"]]],
    ["a=1;b", []],
  ] as [string, [string, string][]][])(
    "leaves out of %p what cannot be read, and says so",
    (query, pairs) => {
      expect(parseQuery(query)).toEqual({ pairs, malformed: true });
    },
  );

  test("takes bytes that are no UTF-8 for a value, though for none that can be meant", () => {
    expect(parseQuery("a=%FF")).toEqual({ pairs: [["a", "\uFFFD"]], malformed: false });
  });

  test("agrees with the URL standard on everything that it can read itself", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (pairs) => {
        const query = new URLSearchParams();
        for (const [name, value] of pairs) query.append(name, value);
        const expected = [...query].filter(([name, value]) => name !== "" || value !== "");
        const read = parseQuery(query.toString());
        expect(read.malformed).toBe(false);
        expect(read.pairs.filter(([name, value]) => name !== "" || value !== "")).toEqual(expected);
      }),
    );
  });
});

test("a query with more parameters than any client has is malformed, and costs no more than those that count", () => {
  const most = "a=1&".repeat(LIMITS.maxQueryPairs);
  expect(parseQuery(most)).toMatchObject({ malformed: false });
  expect(parseQuery(`${most}b=2`)).toEqual({ pairs: parseQuery(most).pairs, malformed: true });
  const startedMs = performance.now();
  for (const piece of ["%ff&", "a&", ";&", "%zz&"]) {
    const { pairs, malformed } = parseQuery(piece.repeat(200_000));
    expect([malformed, pairs.length <= LIMITS.maxQueryPairs]).toEqual([true, true]);
  }
  expect(performance.now() - startedMs).toBeLessThan(500);
});

test("the first and the last value of a name are told apart", () => {
  const query = parseQuery("a=1&b=2&a=3&c");
  expect([firstValue(query, "a"), lastValue(query, "a")]).toEqual(["1", "3"]);
  expect([firstValue(query, "c"), lastValue(query, "c")]).toEqual(["", ""]);
  expect([firstValue(query, "A"), lastValue(query, "A")]).toEqual([null, null]);
});

test("any query is read without throwing; a name and a value each hold no more than was sent", () => {
  const piece = fc.constantFrom(
    "&",
    "=",
    ";",
    "%",
    "%zz",
    "%00",
    "%FF",
    "%C3%A9",
    "%e2%82",
    "+",
    "a",
    "jid",
    "?",
    "#",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece).map((all) => all.join("")),
      ),
      (text) => {
        const { pairs, malformed } = parseQuery(text);
        for (const pair of pairs) expect(pair.join("").length).toBeLessThanOrEqual(text.length);
        if (text.includes(";")) expect(malformed).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
