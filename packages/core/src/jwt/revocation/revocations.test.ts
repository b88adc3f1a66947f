import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Revocation, RevokedBy } from "./revocation.ts";
import { Revocations } from "./revocations.ts";
import type { TokenMarks } from "./token-marks.ts";

const NOW_MS = 1_700_000_000_000;
const MARKS: TokenMarks = { jti: null, sid: null, issuedAtS: null, kid: null, tag: 7, expiresAtMs: null };
const revoked = (by: RevokedBy, value: string, more: Partial<Revocation> = {}): Revocation => ({
  ...{ by, value, issuedBeforeS: 0, untilMs: NOW_MS + 1000 },
  ...more,
});

const takes = (revocations: Revocations, all: Revocation[], nowMs: number): boolean =>
  revocations.add(all, nowMs) !== null;

/** One that holds these. */
function holding(...all: Revocation[]): Revocations {
  const revocations = new Revocations(100);
  expect(takes(revocations, all, NOW_MS)).toBe(true);
  return revocations;
}

const isRefused = (revocations: Revocations, marks: Partial<TokenMarks>, identity = "ann", nowMs = NOW_MS) =>
  revocations.refusalOf(identity, { ...MARKS, ...marks }, nowMs) !== null;

describe("a token is refused", () => {
  test.each([
    [revoked("jti", "a"), { jti: "a" }, { jti: "b" }],
    [revoked("sid", "a"), { sid: "a" }, { sid: "b" }],
    [revoked("kid", "a"), { kid: "a" }, { kid: "b" }],
    [revoked("token", "5"), { tag: 5 }, { tag: 6 }],
  ])("by %j alone, and another is not", (revocation, its, another) => {
    const revocations = holding(revocation);
    expect(isRefused(revocations, its)).toBe(true);
    expect(isRefused(revocations, another)).toBe(false);
    expect(isRefused(revocations, {})).toBe(false);
    expect(revocations.refusalOf("ann", { ...MARKS, ...its }, NOW_MS)?.reason).toBe("revoked");
  });

  test("by one mark, and not because another mark has the same text", () => {
    const revocations = holding(revoked("jti", "a"));
    expect(isRefused(revocations, { sid: "a", kid: "a" }, "a")).toBe(false);
  });

  test("by its identifiers, compared as text", () => {
    const revocations = holding(revoked("identifiers", '{"user":1}'));
    expect(isRefused(revocations, { issuedAtS: 2_000_000_000 }, '{"user":1}')).toBe(true);
    expect(isRefused(revocations, {}, '{"user": 1}')).toBe(false);
  });

  test("when it was issued before the time, or does not say when; not from that second on", () => {
    const revocations = holding(revoked("issued_before", "ann", { issuedBeforeS: 1000 }));
    expect(isRefused(revocations, { issuedAtS: 999 })).toBe(true);
    expect(isRefused(revocations, { issuedAtS: null })).toBe(true);
    expect(isRefused(revocations, { issuedAtS: 1000 })).toBe(false);
    expect(isRefused(revocations, { issuedAtS: 999 }, "bob")).toBe(false);
  });

  test("in the second of a time with a fraction, which may have been before it", () => {
    const revocations = holding(revoked("issued_before", "ann", { issuedBeforeS: 1000.5 }));
    expect(isRefused(revocations, { issuedAtS: 1000 })).toBe(true);
    expect(isRefused(revocations, { issuedAtS: 1001 })).toBe(false);
  });

  test("until the revocation ends, whether it was forgotten by then or not", () => {
    const revocations = holding(revoked("jti", "a", { untilMs: NOW_MS + 10 }));
    expect(isRefused(revocations, { jti: "a" }, "ann", NOW_MS + 9)).toBe(true);
    expect(isRefused(revocations, { jti: "a" }, "ann", NOW_MS + 10)).toBe(false);
    expect(revocations.size).toBe(1);
    revocations.forgetEnded(NOW_MS + 10);
    expect(revocations.size).toBe(0);
  });
});

describe("the same revocation again", () => {
  test("takes no further place and lasts until the later end", () => {
    const revocations = new Revocations(1);
    for (const untilMs of [NOW_MS + 50, NOW_MS + 90, NOW_MS + 70]) {
      expect(takes(revocations, [revoked("jti", "a", { untilMs })], NOW_MS)).toBe(true);
    }
    expect(revocations.size).toBe(1);
    revocations.forgetEnded(NOW_MS + 89);
    expect(isRefused(revocations, { jti: "a" }, "ann", NOW_MS + 89)).toBe(true);
    revocations.forgetEnded(NOW_MS + 90);
    expect(revocations.size).toBe(0);
  });

  test("with another time is for all that were issued before the later one", () => {
    const before = (issuedBeforeS: number) => revoked("issued_before", "ann", { issuedBeforeS });
    const revocations = holding(before(1000), before(3000), before(2000));
    expect(isRefused(revocations, { issuedAtS: 2999 })).toBe(true);
    expect(isRefused(revocations, { issuedAtS: 3000 })).toBe(false);
  });
});

test("what changes nothing is not among what was taken", () => {
  const revocations = holding(revoked("jti", "a", { untilMs: NOW_MS + 50 }));
  const [shorter, longer, other] = [
    revoked("jti", "a", { untilMs: NOW_MS + 40 }),
    revoked("jti", "a"),
    revoked("jti", "b"),
  ];
  expect(revocations.add([shorter, other], NOW_MS)).toEqual([other]);
  expect(revocations.add([longer, other], NOW_MS)).toEqual([longer]);
});

describe("where there is no room", () => {
  test("nothing is taken, not even in part, and what is held stays", () => {
    const revocations = new Revocations(2);
    expect(takes(revocations, [revoked("jti", "a")], NOW_MS)).toBe(true);
    expect(takes(revocations, [revoked("sid", "s"), revoked("token", "1")], NOW_MS)).toBe(false);
    expect(isRefused(revocations, { sid: "s" })).toBe(false);
    expect(isRefused(revocations, { jti: "a" })).toBe(true);
    expect(takes(revocations, [revoked("sid", "s")], NOW_MS)).toBe(true);
  });

  test("what has ended makes some", () => {
    const revocations = new Revocations(2);
    revocations.add([revoked("jti", "a", { untilMs: NOW_MS + 5 }), revoked("jti", "b")], NOW_MS);
    expect(takes(revocations, [revoked("jti", "c")], NOW_MS + 4)).toBe(false);
    expect(takes(revocations, [revoked("jti", "c")], NOW_MS + 5)).toBe(true);
    expect(revocations.size).toBe(2);
  });

  test("long values count for as many as they are long", () => {
    const revocations = new Revocations(10);
    expect(takes(revocations, [revoked("identifiers", "x".repeat(10 * 256))], NOW_MS)).toBe(false);
    expect(takes(revocations, [revoked("identifiers", "x".repeat(10 * 256 - 1))], NOW_MS)).toBe(true);
    expect(takes(revocations, [revoked("jti", "a")], NOW_MS)).toBe(false);
  });
});

test("forgetting is a bounded piece of work, however much has ended at once", () => {
  const revocations = new Revocations(10_000);
  for (let n = 0; n < 1000; n++) revocations.add([revoked("jti", `${n}`)], NOW_MS);
  const later = NOW_MS + 1000;
  const sizes: number[] = [];
  while (revocations.size > 0) {
    sizes.push(revocations.size);
    revocations.forgetEnded(later);
  }
  for (const [at, size] of sizes.entries()) expect(size).toBe(1000 - 64 * at);
});

test("whatever happens, what is held is what a list without a bound would still have, and never more than the bound", () => {
  const places = 6;
  const step = fc.oneof(
    fc.record({
      add: fc.record({
        by: fc.constantFrom<RevokedBy>("jti", "sid", "kid", "identifiers", "issued_before", "token"),
        value: fc.constantFrom("a", "b", "c"),
        forMs: fc.integer({ min: 1, max: 20 }),
      }),
    }),
    fc.record({ passMs: fc.nat(8) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const revocations = new Revocations(places);
      const model = new Map<string, number>();
      let nowMs = NOW_MS;
      for (const one of steps) {
        if ("passMs" in one) {
          nowMs += one.passMs;
          revocations.forgetEnded(nowMs);
        } else {
          const { by, value, forMs } = one.add;
          const taken = takes(revocations, [revoked(by, value, { untilMs: nowMs + forMs })], nowMs);
          const key = `${by} ${value}`;
          const alive = [...model].filter(([, untilMs]) => untilMs > nowMs).length;
          expect(taken).toBe((model.get(key) ?? 0) > nowMs || alive < places);
          if (taken) model.set(key, Math.max(model.get(key) ?? 0, nowMs + forMs));
        }
        const alive = [...model].filter(([, untilMs]) => untilMs > nowMs).map(([key]) => key);
        const held = [...revocations.entries()].filter(({ untilMs }) => untilMs > nowMs);
        expect(held.map(({ by, value }) => `${by} ${value}`).sort()).toEqual(alive.sort());
        expect(revocations.size).toBeLessThanOrEqual(places);
      }
    }),
    { numRuns: 300 },
  );
});
