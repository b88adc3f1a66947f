import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CableError } from "../errors.ts";
import { identityTemplate } from "./identity-template.ts";
import { RULES } from "./rules.ts";

const claims = {
  sub: "248289761001",
  org: { id: "acme", depth: { number: 7 } },
  "https://my.app/tenant": "t1",
  'a"b': "quoted",
  admin: true,
  level: 1.5,
  big: 9_007_199_254_740_992,
  nothing: null,
  list: ["a"],
  half: "\ud800",
};

const identify = (template: string) => identityTemplate(template)(claims);

describe("the identifiers", () => {
  test.each([
    ['{"user_id":"$.sub"}', '{"user_id":"248289761001"}'],
    ['{"user_id":"$.sub","tenant":"$.org.id"}', '{"user_id":"248289761001","tenant":"acme"}'],
    ['{ "z" : "$.sub" , "a" : "$.org.id" }', '{"z":"248289761001","a":"acme"}'],
    ['{"t":"$[\\"https://my.app/tenant\\"]"}', '{"t":"t1"}'],
    [`{"t":"$['https://my.app/tenant']"}`, '{"t":"t1"}'],
    ['{"t":"$[\\"a\\\\\\"b\\"]"}', '{"t":"quoted"}'],
    ['{"n":"$.org.depth.number","x":"$.org[\\"id\\"]"}', '{"n":7,"x":"acme"}'],
    ['{"admin":"$.admin","n":"$.org.depth.number"}', '{"admin":true,"n":7}'],
    [
      '{"user":{"id":"$.sub","kind":"person"},"v":1,"none":null}',
      '{"user":{"id":"248289761001","kind":"person"},"v":1,"none":null}',
    ],
  ])("of %s are %s", (template, identifiers) => {
    expect(identify(template)).toBe(identifiers);
  });

  test("need every claim that they are made of, as a text, a number or a boolean", () => {
    expect(identify('{"a":"$.sub","b":"$.nobody"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.nothing"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.org.id.more"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.list[\\"0\\"]"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.constructor"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.__proto__.toString"}')).toBe(RULES.claim_missing);
    expect(identify('{"a":"$.org"}')).toBe(RULES.claim_not_plain);
    expect(identify('{"a":"$.list"}')).toBe(RULES.claim_not_plain);
    expect(identify('{"a":"$.big"}')).toBe(RULES.claim_not_exact);
    expect(identify('{"a":"$.level"}')).toBe(RULES.claim_not_exact);
    expect(identify('{"a":"$.half"}')).toBe(RULES.claim_not_text);
  });

  test("of two different users are never the same", () => {
    const both = identityTemplate('{"a":"$.a","b":"$.b"}');
    const value = fc.oneof(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), fc.boolean());
    fc.assert(
      fc.property(value, value, value, value, (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        expect(both({ a, b })).not.toBe(both({ a: c, b: d }));
      }),
    );
  });

  test("are JSON of the claims that they name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (sub, tenant) => {
        const text = identityTemplate('{"user_id":"$.sub","tenant":"$.org.id"}')({
          sub,
          org: { id: tenant },
        });
        expect(JSON.parse(String(text))).toEqual({ user_id: sub, tenant });
      }),
    );
  });
});

test.each([
  ["", "not a JSON object"],
  ["[]", "not a JSON object"],
  ['{"a":1,"a":2}', "not a JSON object"],
  ["{}", "uses no claim"],
  ['{"a":"b"}', "uses no claim"],
  ['{"a":["$.sub"]}', "has an array in it"],
  ['{"a":"$"}', "names no claim"],
  ['{"a":"$sub"}', "is no path"],
  ['{"a":"$."}', "is no path"],
  ['{"a":"$.sub."}', "is no path"],
  ['{"a":"$.a b"}', "is no path"],
  ['{"a":"$[0]"}', "is no path"],
  ['{"a":"$[\\"\\\\x\\"]"}', "is no path"],
  ['{"1":"$.sub"}', 'the name "1" is a number'],
])("the template %p is refused", (template, why) => {
  expect(() => identityTemplate(template)).toThrow(CableError);
  expect(() => identityTemplate(template)).toThrow(why);
});
