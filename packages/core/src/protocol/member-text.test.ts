import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { memberText } from "./member-text.ts";

describe("the text of a member", () => {
  test.each([
    ['{"a":1}', "a", "1"],
    ['{ "a" : 1 , "b" : 2 }', "b", "2"],
    ['{"a":{"b":1},"b":[1,{"b":2}]}', "b", '[1,{"b":2}]'],
    ['{"x":"\\"b\\":1}","b":"\\\\"}', "b", '"\\\\"'],
    ['{"a":12345678901234567890}', "a", "12345678901234567890"],
    ['{"\\u0061":1}', "a", "1"],
    ['{"a":1,"a":2}', "a", "2"],
    ['{"a":{"message":1}}', "message", null],
    ["{}", "a", null],
    [' {"a":\n{"b": 1}\n}\n', "a", '{"b": 1}'],
  ])("of %s named %s is %p", (json, name, text) => {
    expect(memberText(json, name)).toBe(text);
  });

  test("stands in the object as it was written, whatever it is", () => {
    const json = fc.json({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.constantFrom("", " ", "\n\t"), (members, space) => {
        const pairs = Object.entries(members).map(
          ([name, text]) => `${space}${JSON.stringify(name)}${space}:${space}${text}${space}`,
        );
        const object = `{${pairs.join(",")}}`;
        for (const [name, text] of Object.entries(members))
          expect(memberText(object, name)).toBe(text.trim());
        expect(memberText(object, "no such name, surely")).toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});
