import { describe, expect, test } from "bun:test";
import { BUDGETS, judge, type MedianOf } from "./budgets.ts";

const medians =
  (figures: Partial<Record<string, number>>): MedianOf =>
  (_scenario, peer) =>
    figures[peer] ?? null;
const atMost = {
  scenario: "connect",
  metric: "cpuUsPerConnect",
  against: "anycable-go",
  atMost: 0.45,
} as const;
const atLeast = {
  scenario: "fanout-saturated",
  metric: "deliveriesPerSecond",
  against: "anycable-go",
  atLeast: 1.2,
} as const;

describe("a budget", () => {
  test("is kept on its bound and broken past it", () => {
    expect(judge(atMost, medians({ hawser: 45, "anycable-go": 100 })).verdict).toBe("kept");
    expect(judge(atMost, medians({ hawser: 46, "anycable-go": 100 })).verdict).toBe("broken");
    expect(judge(atLeast, medians({ hawser: 120, "anycable-go": 100 })).verdict).toBe("kept");
    expect(judge(atLeast, medians({ hawser: 119, "anycable-go": 100 })).verdict).toBe("broken");
  });

  test("is broken when this server has no figure", () => {
    expect(judge(atMost, medians({ "anycable-go": 100 })).verdict).toBe("broken");
  });

  test("is left open, and says so, when the other peer was absent", () => {
    const { verdict, why, ratio } = judge(atMost, medians({ hawser: 45 }));
    expect({ verdict, why, ratio }).toEqual({
      verdict: "not judged",
      why: "anycable-go has no figure",
      ratio: null,
    });
  });

  test("may be against another figure, of this server's own too", () => {
    const own = {
      scenario: "resume",
      metric: "cpuUsPerResumeOfFive",
      against: "hawser",
      figure: { metric: "cpuUsPerConnectOfFive" },
      atMost: 1.5,
    } as const;
    const figures: Partial<Record<string, number>> = {
      cpuUsPerResumeOfFive: 160,
      cpuUsPerConnectOfFive: 100,
    };
    const { verdict, ratio, budget } = judge(own, (_scenario, _peer, metric) => figures[metric] ?? null);
    expect({ verdict, ratio }).toEqual({ verdict: "broken", ratio: 1.6 });
    expect(budget).toContain("hawser / hawser CPU a connect with five subscribes <= 1.5");
  });

  test("has exactly one bound", () => {
    for (const { atMost: most, atLeast: least } of BUDGETS)
      expect((most === undefined) !== (least === undefined)).toBe(true);
  });
});
