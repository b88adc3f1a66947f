import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Claims } from "./claims.ts";
import { MismatchDetector } from "./mismatch-detector.ts";

function watching() {
  const clock = new ManualClock();
  const told: string[] = [];
  const detector = new MismatchDetector({
    clock,
    onRaised: (tokens, sinceMs) =>
      told.push(`raised by ${tokens}, ${(clock.nowMs() - sinceMs) / 1000} s old`),
    onCleared: () => told.push("cleared"),
  });
  let n = 0;
  const nowS = () => Math.floor(clock.nowMs() / 1000);
  return {
    clock,
    told,
    detector,
    nowS,
    /** As the SDK issues them. */
    claims: (issuedAgoS = 0, ttlS = 600): Claims => ({
      iat: nowS() - issuedAgoS,
      exp: nowS() - issuedAgoS + ttlS,
    }),
    /** As AnyCable's do, without `iat`. */
    bare: (issuedAgoS = 0, ttlS = 3600): Claims => ({ exp: nowS() - issuedAgoS + ttlS }),
    fail: (claims: Claims) => detector.failed(`signature ${n++}`, claims),
    pass: (claims: Claims) => detector.passed(claims),
  };
}

describe("a mismatch", () => {
  test("is five new tokens that fail while only older ones pass, and named within a second", () => {
    const { clock, told, claims, fail, pass, detector } = watching();
    pass(claims(300));
    clock.advance(2000);
    for (let i = 0; i < 5; i++) {
      fail(claims());
      pass(claims(302));
      clock.advance(100);
    }
    expect(told).toEqual([]);
    clock.advance(500);
    expect(told).toEqual(["raised by 5, 0.9 s old"]);
    expect(detector.raised).toBe(true);
    clock.advance(60_000);
    expect(told).toHaveLength(1);
  });

  test("is there from the start when nothing passes", () => {
    const { clock, told, claims, fail } = watching();
    for (let i = 0; i < 5; i++) fail(claims());
    clock.advance(1000);
    expect(told).toHaveLength(1);
  });

  test("is over with the first newer token that passes, and may come again", () => {
    const { clock, told, claims, fail, pass, detector } = watching();
    for (let i = 0; i < 7; i++) fail(claims());
    clock.advance(1000);
    pass(claims(600));
    expect(detector.raised).toBe(true);
    clock.advance(5000);
    pass(claims(1));
    expect(told).toEqual(["raised by 7, 0.5 s old", "cleared"]);
    expect(detector.raised).toBe(false);
    clock.advance(2000);
    for (let i = 0; i < 5; i++) fail(claims());
    clock.advance(1000);
    expect(told).toHaveLength(3);
  });

  test("counts a token that came again from when it came last", () => {
    const { clock, told, claims, detector, fail } = watching();
    detector.failed("again", claims());
    clock.advance(29_000);
    detector.failed("again", claims(29));
    clock.advance(2000);
    for (let i = 0; i < 4; i++) fail(claims());
    clock.advance(1000);
    expect(told).toEqual(["raised by 5, 2.5 s old"]);
  });

  test("is seen by exp where tokens have no iat", () => {
    const { clock, told, bare, fail, pass, detector } = watching();
    pass(bare(20));
    clock.advance(2000);
    for (let i = 0; i < 5; i++) {
      fail(bare());
      pass(bare(30));
    }
    clock.advance(1000);
    expect(told).toHaveLength(1);
    pass(bare(0));
    expect(detector.raised).toBe(false);
  });

  test("is seen by exp although one token that passed lives for years, some minutes after", () => {
    const { clock, told, bare, fail, pass } = watching();
    pass(bare(0, 1e9));
    for (let i = 0; i < 5; i++) fail(bare());
    clock.advance(1000);
    expect(told).toEqual([]);
    for (let minute = 0; minute < 12; minute++) {
      clock.advance(60_000);
      pass(bare(5));
    }
    for (let i = 0; i < 5; i++) fail(bare());
    clock.advance(1000);
    expect(told).toHaveLength(1);
  });
});

describe("no mismatch", () => {
  const quiet = (run: (parts: ReturnType<typeof watching>) => void) => {
    const parts = watching();
    run(parts);
    parts.clock.advance(5000);
    expect(parts.told).toEqual([]);
  };

  test("are four bad tokens, or one that comes again and again", () => {
    quiet(({ claims, fail, detector }) => {
      for (let i = 0; i < 3; i++) fail(claims());
      for (let i = 0; i < 50; i++) detector.failed("the same", claims());
    });
  });

  test("are bad tokens among good ones of the same time", () => {
    quiet(({ clock, claims, fail, pass }) => {
      for (let second = 0; second < 120; second++) {
        for (let i = 0; i < 10; i++) fail(claims());
        clock.advance(300);
        pass(claims());
        clock.advance(700);
      }
    });
  });

  test("is a stranger who dates tokens ahead, beside working clients", () => {
    quiet(({ clock, nowS, fail, pass, claims }) => {
      for (let second = 0; second < 60; second++) {
        for (let i = 0; i < 10; i++) fail({ iat: nowS() + 1_000_000, exp: nowS() + 2_000_000 });
        clock.advance(300);
        pass(claims());
        clock.advance(700);
      }
    });
  });

  test("are left-overs of an older secret", () => {
    quiet(({ claims, fail, pass }) => {
      pass(claims(10));
      for (let i = 0; i < 50; i++) fail(claims(60));
    });
  });

  test("are tokens that would be refused anyway, or say nothing of their time", () => {
    quiet(({ nowS, fail }) => {
      for (let i = 0; i < 20; i++) {
        fail({ iat: nowS() - 700, exp: nowS() - 100 });
        fail({ exp: nowS() });
        fail({});
        fail({ iat: "now", exp: "later" });
      }
    });
  });

  test("are five in more than half a minute", () => {
    quiet(({ clock, claims, fail }) => {
      for (let i = 0; i < 20; i++) {
        fail(claims());
        clock.advance(8000);
      }
    });
  });
});

test("a flood is remembered to a number, and tokens of any kind never throw", () => {
  const { clock, told, fail, pass, detector } = watching();
  const time = fc.oneof(fc.integer(), fc.double(), fc.constantFrom("x", null, true), fc.constant(undefined));
  fc.assert(
    fc.property(fc.record({ iat: time, exp: time, nbf: time }), fc.boolean(), (claims, good) => {
      if (good) pass(claims as Claims);
      else fail(claims as Claims);
    }),
    { numRuns: 5000 },
  );
  clock.advance(1000);
  expect(told.length).toBeLessThan(100);
  expect(typeof detector.raised).toBe("boolean");
});
