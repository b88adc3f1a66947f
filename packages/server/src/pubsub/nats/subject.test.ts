import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { subjectOf } from "./subject.ts";

describe("the subject of a stream", () => {
  test.each(["chat", "chat/1", "a.b", "gid://app/Room/1", "__anycable_internal__", "é", "a*b", "x>"])(
    "%p is its name",
    (name) => {
      expect(subjectOf(name)).toBe(name);
    },
  );

  test.each([
    "a b",
    "",
    ".a",
    "a.",
    "a..b",
    "*",
    "a.*",
    ">",
    "a.>",
    "$JS.API.STREAM.LIST",
    "_INBOX.x",
    "a\r\nPUB b 0\r\n",
    "__hawser__.x",
  ])("%p is encoded", (name) => {
    expect(subjectOf(name)).toMatch(/^__hawser__\.[^\s.*>$]*$/);
  });

  test("is another one for each stream, and never what NATS would take for something else", () => {
    const name = fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[.*> $%_a]*$/));
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(subjectOf(one)).toMatch(/^[^\s.]+(\.[^\s.]+)*$|^__hawser__\.$/);
        expect(subjectOf(one)).not.toMatch(/(^|\.)[*>](\.|$)/);
        expect(subjectOf(one) === subjectOf(other)).toBe(one === other);
      }),
    );
  });
});
