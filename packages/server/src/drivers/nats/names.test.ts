import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeName, epochIn, keptSubject } from "./names.ts";

describe("a name as a token of NATS", () => {
  test.each([
    ["chat_1-a", "chat_1-a"],
    ["a.b*c>d/e f\\", "a=2Eb=2Ac=3Ed=2Fe=20f=5C"],
    ["ü", "=C3=BC"],
    ["=e", "=3De"],
    ["", "=e"],
    ["\ud800", "=ud800"],
  ])("%p is %p", (name, token) => {
    expect(encodeName(name)).toBe(token);
  });

  test("is another one for each name, and short enough for a file", () => {
    const name = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.stringMatching(/^[.*> $%_=aeh0-9]*$/),
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.constantFrom("x".repeat(180), "x".repeat(181), "x".repeat(182), "ü".repeat(99), "\ud800", "\udc00"),
    );
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(encodeName(one)).toMatch(/^[A-Za-z0-9_=-]{1,180}$/);
        expect(encodeName(one) === encodeName(other)).toBe(one === other);
      }),
    );
  });

  test("stands in the subject of a stream before the epoch", () => {
    expect(epochIn(keptSubject("a.b", "x-_9"))).toBe("x-_9");
  });
});
