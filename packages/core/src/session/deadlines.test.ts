import { describe, expect, test } from "bun:test";
import { FakeConnection } from "../testing/fake-connection.ts";
import { type Deadline, Deadlines, NEVER } from "./deadlines.ts";
import { Session } from "./session.ts";
import { TICK_MS } from "./timer-wheel.ts";

function session(): Session {
  return new Session({
    sid: "s",
    plan: { pingIntervalMs: 0, pingPrecision: "s", pongTimeoutMs: 0, tokenNotices: false },
    clientAddress: null,
    url: "",
    headers: {},
    connection: new FakeConnection(),
  });
}

/** One sort of deadline, set by hand. */
class Alarm implements Deadline {
  atMs = NEVER;
  readonly firedMs: number[] = [];
  whenDue: (nowMs: number) => void = () => {};

  dueAtMs(): number {
    return this.atMs;
  }

  onDue(_session: Session, nowMs: number): void {
    this.firedMs.push(nowMs);
    this.atMs = NEVER;
    this.whenDue(nowMs);
  }
}

function setUp() {
  const [first, second] = [new Alarm(), new Alarm()];
  const deadlines = new Deadlines(0, [first, second]);
  const advance = (fromMs: number, toMs: number) => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += TICK_MS) deadlines.advance(nowMs);
  };
  return { first, second, deadlines, advance };
}

describe("the deadlines of a session", () => {
  test("come each at its time, from one place in the wheel", () => {
    const { first, second, deadlines, advance } = setUp();
    const one = session();
    [first.atMs, second.atMs] = [500, 200];
    deadlines.changed(one);
    advance(0, 1000);
    expect([first.firedMs, second.firedMs]).toEqual([[500], [200]]);
    expect(one.wheelSlot).toBe(-1);
  });

  test("move nearer when that is said, and away without a word", () => {
    const { first, second, deadlines, advance } = setUp();
    const one = session();
    [first.atMs, second.atMs] = [500, 800];
    deadlines.changed(one);
    second.atMs = 100;
    deadlines.changed(one);
    first.atMs = 900;
    advance(0, 1000);
    expect([first.firedMs, second.firedMs]).toEqual([[900], [100]]);
  });

  test("come no more once one of them has closed the session, or it is forgotten", () => {
    const { first, second, deadlines, advance } = setUp();
    const [closed, gone] = [session(), session()];
    [first.atMs, second.atMs] = [100, 100];
    first.whenDue = () => {
      closed.state = "closed";
    };
    deadlines.changed(closed);
    advance(0, 200);
    expect([first.firedMs.length, second.firedMs.length]).toEqual([1, 0]);
    second.atMs = 300;
    deadlines.changed(gone);
    deadlines.stop(gone);
    advance(200, 500);
    expect(second.firedMs).toEqual([]);
  });

  test("may be set anew by what comes due", () => {
    const { first, deadlines, advance } = setUp();
    first.atMs = 100;
    first.whenDue = (nowMs) => {
      first.atMs = nowMs + 100;
    };
    deadlines.changed(session());
    advance(0, 450);
    expect(first.firedMs).toEqual([100, 200, 300, 400]);
  });

  test("cost no place in the wheel where there are none", () => {
    const { deadlines } = setUp();
    const one = session();
    deadlines.changed(one);
    expect(one.wheelSlot).toBe(-1);
  });
});
