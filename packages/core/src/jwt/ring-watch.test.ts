import { describe, expect, test } from "bun:test";
import { ManualClock } from "../testing/manual-clock.ts";
import { type RingReport, readRingReport, ringDifference, ringReportText } from "./ring-report.ts";
import { RingWatch } from "./ring-watch.ts";

const GRACE_MS = 60_000;

function ring(
  server: string,
  keys: readonly string[],
  passing: readonly string[] = [],
  takenMs = 1,
): RingReport {
  return { server, name: `${server}.example (pid 7)`, takenMs, keys, passing };
}

function watching() {
  const clock = new ManualClock();
  const told: string[] = [];
  const watch = new RingWatch({
    clock,
    graceMs: GRACE_MS,
    onDiffer: (servers) =>
      told.push(
        servers
          .map(({ report, missingHere, missingThere, sinceMs }) => {
            const ageS = (clock.nowMs() - sinceMs) / 1000;
            return `${report.server} lacks [${missingThere}] has [${missingHere}] for ${ageS} s`;
          })
          .join("; "),
      ),
    onAgree: () => told.push("agree"),
    onNewKeys: ({ server }) => told.push(`new at ${server}`),
  });
  return {
    clock,
    watch,
    /** Looks every second for so long; what was told meanwhile. */
    pass(seconds: number, own: RingReport, ...others: RingReport[]): string[] {
      for (let n = 0; n < seconds; n++) {
        watch.look(own, [own, ...others]);
        clock.advance(1000);
      }
      return told.splice(0);
    },
  };
}

describe("servers with different keys", () => {
  test("are named once, when it has lasted longer than new keys take to come to all", () => {
    const { pass, watch } = watching();
    const [own, other, like] = [ring("a", ["new"], ["old"]), ring("b", ["old"]), ring("c", ["new"])];
    expect(pass(60, own, other, like)).toEqual([]);
    expect(watch.differing).toEqual([]);
    expect(pass(600, own, other, like)).toEqual(["b lacks [new] has [] for 60 s"]);
    expect(watch.differing.map(({ report }) => report.server)).toEqual(["b"]);
  });

  test("agree again, in one line, when the last of them has the keys or is gone", () => {
    const { pass } = watching();
    const own = ring("a", ["new"]);
    expect(pass(61, own, ring("b", ["old"]), ring("c", ["old"])).at(-1)).toContain("; c lacks [new]");
    expect(pass(5, own, ring("b", ["new"]), ring("c", ["old"]))).toEqual([]);
    expect(pass(5, own, ring("b", ["new"]))).toEqual(["agree"]);
    expect(pass(300, own, ring("b", ["new"]))).toEqual([]);
  });

  test("are told of again when the difference is another one", () => {
    const { pass } = watching();
    pass(61, ring("a", ["one"]), ring("b", ["two"]));
    expect(pass(9, ring("a", ["one"]), ring("b", ["three"], [], 2))).toEqual([
      "new at b",
      "b lacks [one] has [three] for 61 s",
    ]);
  });

  test("are no matter while new keys go from one to the next", () => {
    const { pass } = watching();
    const [former, between, done] = [ring("a", ["old"]), ring("a", ["new"], ["old"]), ring("a", ["new"])];
    expect(pass(9, former, ring("b", ["old"]))).toEqual([]);
    expect(pass(50, between, ring("b", ["old"]))).toEqual([]);
    expect(pass(3600, between, ring("b", ["new"], ["old"]))).toEqual([]);
    // The former key ends on one after the other, and one that has started since never had it.
    expect(pass(3600, done, ring("b", ["new"], ["old"]), ring("c", ["new"]))).toEqual([]);
  });

  test("begin anew once they have agreed", () => {
    const { pass } = watching();
    for (let n = 0; n < 5; n++) {
      expect(
        pass(50, ring("a", ["x"]), ring("b", ["y"], [], n)).filter((one) => !one.startsWith("new")),
      ).toEqual([]);
      expect(pass(1, ring("a", ["x"]), ring("b", ["x"], [], n + 0.5))).toEqual([]);
    }
  });
});

describe("a server that gets new keys", () => {
  test("makes the others look at their own, once", () => {
    const { pass } = watching();
    const own = ring("a", ["old"]);
    expect(pass(5, own, ring("b", ["old"], [], 1))).toEqual([]);
    expect(pass(5, own, ring("b", ["new"], ["old"], 2))).toEqual(["new at b"]);
  });

  test("does not when the keys are known here", () => {
    const { pass } = watching();
    expect(pass(5, ring("a", ["new"], ["old"]), ring("b", ["old"], [], 1))).toEqual([]);
    expect(pass(5, ring("a", ["new"], ["old"]), ring("b", ["new"], ["old"], 2))).toEqual([]);
  });
});

describe("a report", () => {
  test("is read as it was written", () => {
    const report = ring("a", ["1", "2"], ["3"], 5);
    expect(readRingReport(ringReportText(report))).toEqual(report);
  });

  test.each(["", "null", "7", "{}", '{"server":"a"}', ringReportText(ring("a", [1 as never]))])(
    "is none where it is %s",
    (text) => expect(readRingReport(text)).toBeNull(),
  );

  test("differs from another by what one takes for good and the other not at all", () => {
    expect(ringDifference(ring("a", ["1", "2"], ["3"]), ring("b", ["2", "4"], ["5"]))).toEqual({
      missingThere: ["1"],
      missingHere: ["4"],
    });
    expect(ringDifference(ring("a", ["1"], ["3"]), ring("b", ["1", "3"]))).toBeNull();
  });
});
