import { expect, test } from "bun:test";
import fc from "fast-check";
import { marksOfAll, succeed, type TokenMarks, tokenMarks } from "./token-marks.ts";

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

test("of a session's former tokens are kept while those may be good, and only so many", () => {
  const marks = (tag: number, expiresAtMs: number | null): TokenMarks => ({
    ...tokenMarks({}, null, SIGNATURE, expiresAtMs),
    tag,
  });
  let known: TokenMarks | null = null;
  const take = (next: TokenMarks, nowMs: number) => {
    known = succeed(next, known, nowMs);
    return marksOfAll(known).map(({ tag }) => tag);
  };
  expect(take(marks(1, 1000), 0)).toEqual([1]);
  expect(take(marks(2, null), 0)).toEqual([2, 1]);
  expect(take(marks(2, null), 0)).toEqual([2, 1]);
  expect(take(marks(3, null), 3_600_000)).toEqual([3, 2]);
  for (let tag = 4; tag < 20; tag++) take(marks(tag, null), 3_600_000);
  expect(take(marks(20, null), 3_600_000)).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12]);
});
