import { expect, test } from "bun:test";
import fc from "fast-check";
import { tokenMarks } from "./token-marks.ts";

const SIGNATURE = "oKLheFg2qqZ2c-td1atBirR9FiodfSNHB9IvHQNcsaA";
const marksOf = (claims: Parameters<typeof tokenMarks>[0], signature = SIGNATURE) =>
  tokenMarks(claims, "k", signature, null);

test("are the claims that name a token and a sign-in, as text", () => {
  expect(marksOf({ jti: "a", sid: "b", iat: 1000.7 })).toMatchObject({ jti: "a", sid: "b", issuedAtS: 1000 });
  expect(marksOf({ jti: 17 })).toMatchObject({ jti: "17", sid: null, issuedAtS: null });
  for (const odd of [null, true, 1.5, ["a"], { a: 1 }])
    expect(marksOf({ jti: odd, sid: odd })).toMatchObject({ jti: null, sid: null });
});

test("have no time of issue where `iat` is none", () => {
  for (const iat of ["1000", null, 0, [1]]) expect(marksOf({ iat }).issuedAtS).toBeNull();
});

test("tell tokens apart by the beginning of their signatures, exactly", () => {
  const start = fc.stringMatching(/^[A-Za-z0-9_-]{8}$/);
  fc.assert(
    fc.property(start, start, (a, b) => {
      const [one, other] = [a, b].map((text) => marksOf({}, `${text}${SIGNATURE}`).tag);
      expect(one === other).toBe(a === b);
      expect(Number.isSafeInteger(one)).toBe(true);
    }),
  );
});
