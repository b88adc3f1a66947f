import { expect, test } from "bun:test";
import fc from "fast-check";
import { closest } from "./suggestion.ts";

const NAMES = ["port", "host", "jwt_secret", "max-conn", "metrics_port"];

test("a slip of the finger finds its word", () => {
  expect(closest("prot", NAMES)).toBe("port");
  expect(closest("hst", NAMES)).toBe("host");
  expect(closest("jwt-secrets", NAMES)).toBe("jwt_secret");
  expect(closest("MAX_CONN", NAMES)).toBe("max-conn");
});

test("two letters in the wrong order are one slip, so nearer than two", () => {
  expect(closest("prot", ["frost", "port"])).toBe("port");
});

test("a beginning finds its word where only one begins so", () => {
  expect(closest("metrics", NAMES)).toBe("metrics_port");
  expect(closest("metrics", [...NAMES, "metrics_host"])).toBeNull();
});

test("something else finds nothing", () => {
  expect(closest("anything", NAMES)).toBeNull();
  expect(closest("port", [])).toBeNull();
});

test("a name finds itself, and one changed letter finds it too", () => {
  const name = fc.stringMatching(/^[a-z]{4,12}$/);
  fc.assert(
    fc.property(name, fc.nat(), (word, place) => {
      expect(closest(word, [`${word}xyz`, word])).toBe(word);
      const at = place % word.length;
      const changed = `${word.slice(0, at)}0${word.slice(at + 1)}`;
      expect(closest(changed, [word])).toBe(word);
    }),
  );
});
