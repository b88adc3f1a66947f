import { describe, expect, test } from "bun:test";
import { ManualClock } from "../testing/manual-clock.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import { historyContract } from "./history.contract.ts";
import { MemoryHistory } from "./memory-history.ts";

const MINUTE_MS = 60_000;

function setUp({ limit = 3, ttlMs = MINUTE_MS } = {}) {
  const clock = new ManualClock();
  const history = new MemoryHistory({ limit, ttlMs }, clock, new SeededRandom(1));
  const texts = (stream: string, epoch: string, offset: number) => {
    const backlog = history.after(stream, { epoch, offset });
    return backlog.kept ? backlog.messages.map(({ message }) => message) : backlog.why;
  };
  return { clock, history, texts };
}

historyContract("MemoryHistory", { ttlMs: 60_000 }, (settings) => {
  const clock = new ManualClock();
  const history = new MemoryHistory(settings, clock, new SeededRandom(1));
  return {
    history,
    nowMs: () => clock.nowMs(),
    pass: (ms) => clock.advance(ms),
    stop: () => history.close(),
  };
});

describe("history in memory", () => {
  test("forgets streams by themselves, and lets one that comes back begin under another epoch (D24)", () => {
    const { clock, history, texts } = setUp();
    const first = history.append("a", "1");
    clock.advance(5 * MINUTE_MS);
    history.append("b", "1");
    clock.advance(5 * MINUTE_MS - 2000);
    expect(history.size().streams).toBe(2);
    clock.advance(4000);
    expect(history.size().streams).toBe(1);
    expect(history.head("a")).toBeNull();
    const again = history.append("a", "2");
    expect(again?.offset).toBe(1);
    expect(again?.epoch).not.toBe(first?.epoch);
    expect(texts("a", first?.epoch ?? "", 0)).toBe("the epoch is not that of the stream");
    expect(history.append("b", "2")).toEqual({ epoch: first?.epoch ?? "", offset: 2 });
  });

  test("never gives a stream the epoch of a former life, however the lives of streams overlap", () => {
    const { clock, history } = setUp({ ttlMs: 1000 });
    const seen = new Map<string, Set<string>>();
    const random = new SeededRandom(7);
    for (let step = 0; step < 400; step++) {
      const stream = `s${Math.floor(random.fraction() * 4)}`;
      const known = history.head(stream);
      const position = history.append(stream, "1");
      const epochs = seen.get(stream) ?? new Set();
      if (known === null) expect(epochs.has(position?.epoch ?? "")).toBe(false);
      seen.set(stream, epochs.add(position?.epoch ?? ""));
      clock.advance(Math.floor(random.fraction() * 8000));
    }
    expect([...seen.values()].some((epochs) => epochs.size > 3)).toBe(true);
  });

  test("lets go of expired messages in pieces, and tells nobody of one that is only late to go", () => {
    const { clock, history, texts } = setUp({ limit: 100 });
    let epoch = "";
    for (let stream = 0; stream < 50_000; stream++) epoch = history.append(`s${stream}`, "1")?.epoch ?? "";
    clock.advance(MINUTE_MS + 1100);
    for (const stream of ["s0", "s25000", "s49999"]) expect(texts(stream, epoch, 1)).toEqual([]);
    expect(texts("s0", epoch, 0)).toBe("what came after offset 0 is gone, up to 1");
    expect(history.size().messages).toBeGreaterThan(0);
    clock.advance(10_000);
    expect(history.size()).toEqual({ streams: 50_000, messages: 0 });
    clock.advance(10 * MINUTE_MS);
    expect(history.size().streams).toBe(0);
  });

  test("keeps time by the monotonic clock, whatever happens to the wall's", () => {
    const { clock, history, texts } = setUp();
    const epoch = history.append("a", "1")?.epoch ?? "";
    clock.jumpWall(24 * 60 * MINUTE_MS);
    clock.advance(MINUTE_MS - 1000);
    expect(texts("a", epoch, 0)).toEqual(["1"]);
    clock.advance(2000);
    expect(texts("a", epoch, 0)).toBeString();
  });

  test("keeps nothing where the limit is 0 (D26)", () => {
    const { history } = setUp({ limit: 0 });
    expect(history.append("a", "1")).toBeNull();
    expect(history.head("a")).toBeNull();
    expect(history.since("a", 1).kept).toBe(false);
    expect(history.size().streams).toBe(0);
  });

  test("leaves no timer behind", () => {
    const { clock, history } = setUp();
    history.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
