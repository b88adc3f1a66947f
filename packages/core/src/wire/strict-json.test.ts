import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type JsonObject, memberOf, parseStrictObject } from "./strict-json.ts";

const parse = (text: string) => parseStrictObject(text, 32);

describe("members", () => {
  test("twice of one name are refused, at the top and inside", () => {
    for (const text of [
      `{"a":1,"a":1}`,
      `{"a":1,"b":2,"a":3}`,
      `{"a":{"b":1,"b":2}}`,
      `{"a":[{"b":1},{"c":1,"c":2}]}`,
      `{"":1,"":2}`,
      `{"1":1,"1":2}`,
      `{"__proto__":1,"__proto__":2}`,
      `{"a":{"x":1,"y":{"z":2}},"a":1}`,
    ]) {
      expect(parse(text)).toBe("duplicate_member");
    }
  });

  test("are compared after their escapes are resolved", () => {
    expect(parse(String.raw`{"exp":1,"\u0065xp":2}`)).toBe("duplicate_member");
    expect(parse(String.raw`{"a\/b":1,"a/b":2}`)).toBe("duplicate_member");
    expect(parse(String.raw`{"\u00e9":1,"é":2}`)).toBe("duplicate_member");
  });

  test("of one name in different objects are fine", () => {
    expect(parse(`{"a":{"a":1},"b":[{"a":1},{"a":2}]}`)).toEqual({ a: { a: 1 }, b: [{ a: 1 }, { a: 2 }] });
  });

  test("may hold colons, braces and quotes in their strings", () => {
    const text = String.raw`{"a:\"b\"":"{\"x\":\"y\",\"x\":[[[\\","\\":":"}`;
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test("named after members of Object.prototype are the object's own or absent", () => {
    const object = parse(`{"__proto__":{"alg":"none"}}`) as JsonObject;
    expect(memberOf(object, "alg")).toBeUndefined();
    expect(memberOf(object, "__proto__")).toEqual({ alg: "none" });
    expect(memberOf(object, "constructor")).toBeUndefined();
    expect(memberOf(parse(`{"toString":1}`) as JsonObject, "toString")).toBe(1);
  });
});

describe("depth", () => {
  const nested = (depth: number) => `${`{"a":`.repeat(depth)}1${"}".repeat(depth)}`;

  test("is allowed up to the limit, the outermost object counting", () => {
    expect(parse(nested(32))).toBeObject();
    expect(parse(nested(33))).toBe("too_deep");
    expect(parse(`{"a":${"[".repeat(31)}${"]".repeat(31)}}`)).toBeObject();
    expect(parse(`{"a":${"[".repeat(32)}${"]".repeat(32)}}`)).toBe("too_deep");
  });

  test("of a text that would overflow a recursive parser is refused without one", () => {
    expect(parse("[".repeat(5_000_000))).toBe("too_deep");
  });

  test("does not count brackets in strings", () => {
    expect(parse(`{"a":"${"[".repeat(100)}"}`)).toBeObject();
  });

  test("counts what is open at once, not in all", () => {
    expect(parse(`{"a":[${"[],".repeat(100)}[]]}`)).toBeObject();
  });
});

test("a number that is not finite is refused, wherever it stands", () => {
  for (const number of ["1e999", "-1e999", "1e309", `1${"0".repeat(400)}`]) {
    expect(parse(`{"exp":${number}}`)).toBe("not_finite");
    expect(parse(`{"a":[{"b":[${number}]}]}`)).toBe("not_finite");
  }
  expect(parse(`{"a":1.7976931348623157e308,"b":1e-999}`)).toEqual({ a: Number.MAX_VALUE, b: 0 });
});

test("what is JSON but no object is refused as such", () => {
  for (const text of ["null", "[1]", "[]", `"a"`, "1", "true", " [ { } ] "])
    expect(parse(text)).toBe("not_object");
});

test("what is no JSON is refused as such", () => {
  for (const text of [
    ...[
      "",
      " ",
      "{",
      "}",
      "{]",
      `{"a"}`,
      `{"a":}`,
      `{"a":1,}`,
      `{'a':1}`,
      "{a:1}",
      `{"a":01}`,
      `{"a":NaN}`,
      `{"a":+1}`,
    ],
    ...[
      `{"a":1}{}`,
      `{"a":1} x`,
      "\ufeff{}",
      `{"a":"\n"}`,
      String.raw`{"a":"\x41"}`,
      `{"a":1/**/}`,
      "{}\u00a0",
      `{"a`,
    ],
  ]) {
    expect(parse(text)).toBe("not_json");
  }
});

test("white space of JSON is fine", () => {
  expect(parse(' \t\r\n{ "a" : [ 1 , 2 ] } \n')).toEqual({ a: [1, 2] });
});

test("any value that JSON can say comes back as JSON.parse gives it", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value);
      expect(parse(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("any text gives an object or a problem, and never throws", () => {
  const unit = fc.constantFrom(...'{}[]:,"\\u0061e1-+. \u0000é\ud800', "null", "1e999", '"a":');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const value = parse(text);
      if (typeof value === "string") return;
      expect(JSON.parse(text)).toEqual(value);
    }),
    { numRuns: 5000 },
  );
});
