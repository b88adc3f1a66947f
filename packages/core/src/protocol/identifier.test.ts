import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { identifierMembers } from "./identifier.ts";

describe("identifierMembers()", () => {
  test("reads a JSON object, in the spelling that it has", () => {
    expect(identifierMembers('{"channel":"Chat","Room":1}')).toEqual({ channel: "Chat", Room: 1 });
  });

  test("reads names without regard to case where there is no channel", () => {
    expect(identifierMembers('{"Channel":"Chat","Room":1}')).toMatchObject({ channel: "Chat", room: 1 });
  });

  test.each(["", "plain", "null", "1", '"text"', "[]", '{"channel":'])(
    "has no members in %p",
    (identifier) => {
      expect(identifierMembers(identifier)).toBeNull();
    },
  );

  test("takes nothing out of a member named __proto__", () => {
    expect(identifierMembers('{"__proto__":{"channel":"Chat"}}')?.channel).toBeUndefined();
  });
});

test("any text has members of a JSON object or none, and nothing throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (identifier) => {
      const members = identifierMembers(identifier);
      if (members !== null) expect(typeof JSON.parse(identifier)).toBe("object");
    }),
    { numRuns: 1000 },
  );
});
