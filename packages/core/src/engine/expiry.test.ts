import { describe, expect, test } from "bun:test";
import type { Verdict } from "../jwt/verdict.ts";
import type { ExpiryPolicy } from "../session/expiry.ts";
import { ACCEPTED, counted, NONE, setUp } from "../testing/engine-rig.ts";
import type { Credentials } from "./admission.ts";

const EXPIRED = '{"type":"disconnect","reason":"token_expired","reconnect":false}';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NO_PINGS = { pingIntervalMs: 0 };
const TOLD = { ...NO_PINGS, tokenNotices: true };

const POLICY: ExpiryPolicy = {
  closes: true,
  jitterPercent: 10,
  closesPerS: 0,
  noticeMs: 60_000,
  firstMessageTimeoutMs: 5000,
};

/** A server whose tokens are the milliseconds that they live; `never` for ever. They came late, `usedS` of life behind them. */
function server(policy: Partial<ExpiryPolicy> = {}, usedS = 0) {
  const verify = (token: string): Verdict => ({
    ...ACCEPTED,
    connectionEndsAtMs: token === "never" ? null : rig.clock.nowMs() + Number(token),
    marks: {
      ...ACCEPTED.marks,
      issuedAtS: usedS === 0 ? null : Math.floor(rig.clock.nowMs() / 1000) - usedS,
    },
  });
  const rig = setUp({ admission: { verify }, options: { expiry: { ...POLICY, ...policy } } });
  const startMs = rig.clock.monotonicMs();
  const came = (lifeMs: number | "never", plan: object = NO_PINGS) => {
    const credentials: Credentials = { token: String(lifeMs), carrier: "query", queryMalformed: false };
    const client = rig.open(credentials, plan);
    const onClose = client.connection.onClose;
    const ended = { atMs: Number.NaN };
    client.connection.onClose = () => {
      ended.atMs = rig.clock.monotonicMs() - startMs;
      onClose?.();
    };
    return { ...client, ended };
  };
  /** When each of so many that came together with tokens of this life ended, in order. */
  const ends = (count: number, lifeMs: number) => {
    const clients = Array.from({ length: count }, () => came(lifeMs));
    rig.clock.advance(lifeMs + 1000);
    return clients.map(({ ended }) => ended.atMs).sort((a, b) => a - b);
  };
  return { ...rig, came, ends };
}

/** The most that came within any second. */
function most(times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}

describe("a connection whose token ends", () => {
  test("is told token_expired, closed 1000, counted and logged, and not before the last tenth of the token's life", () => {
    const { came, clock, metrics, log, sampledKinds } = server();
    const { connection } = came(100_000);
    clock.advance(89_000);
    expect(connection.closedWith).toBeNull();
    clock.advance(11_000);
    expect(connection.sent.at(-1)).toBe(EXPIRED);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Token Expired" });
    expect(counted(metrics, "disconnects_total")).toEqual(["token_expired 1"]);
    expect(sampledKinds).toEqual(["token_expired"]);
    expect(log.lines.at(-1)).toMatchObject({ level: "info", fields: { sid: "s1", remote: "192.0.2.1" } });
  });

  test("lives on by default, as in the reference", () => {
    const { came, clock } = server({ closes: false });
    const { connection } = came(1000);
    clock.advance(HOUR_MS);
    expect(connection.sent).toHaveLength(1);
    expect(connection.closedWith).toBeNull();
  });

  test("lives on where the token has no end", () => {
    const { came, clock } = server();
    const { connection } = came("never");
    clock.advance(24 * HOUR_MS);
    expect(connection.closedWith).toBeNull();
  });

  test("ends by the wall clock, also where that jumps", () => {
    const { came, clock } = server({ jitterPercent: 0 });
    const [ahead, behind] = [came(HOUR_MS), came(2 * HOUR_MS)];
    clock.jumpWall(HOUR_MS - 10_000);
    clock.advance(9000);
    expect(ahead.connection.closedWith).toBeNull();
    clock.advance(1000);
    expect(ahead.connection.closedWith).not.toBeNull();
    clock.jumpWall(-HOUR_MS);
    clock.advance(HOUR_MS);
    expect(behind.connection.closedWith).toBeNull();
    clock.advance(HOUR_MS);
    expect(behind.connection.closedWith).not.toBeNull();
  });

  test("that is gone by then is not looked at again", () => {
    const { engine, came, clock, metrics } = server({ closesPerS: 1 });
    const { session } = came(10_000);
    engine.closed(session);
    clock.advance(20_000);
    expect(counted(metrics, "disconnects_total")).toEqual([]);
  });

  test("is pinged until then, from the same place in the wheel", () => {
    const { came, clock } = server({ jitterPercent: 0 });
    const { connection } = came(10_000, { pingIntervalMs: 1000 });
    clock.advance(11_000);
    expect(connection.sent.filter((frame) => frame.includes("ping")).length).toBeGreaterThanOrEqual(8);
    expect(connection.sent.at(-1)).toBe(EXPIRED);
  });
});

describe("connections whose tokens end together", () => {
  test("are closed over the last tenth of the tokens' lives, evenly, and none later", () => {
    const { ends } = server();
    const times = ends(1000, 100_000);
    expect(times[0]).toBeGreaterThan(89_500);
    expect(times.at(-1)).toBeLessThanOrEqual(100_000);
    for (let from = 90_000; from < 100_000; from += 1000) {
      const within = times.filter((at) => at >= from && at < from + 1000).length;
      expect(within).toBeGreaterThan(50);
      expect(within).toBeLessThan(150);
    }
  });

  test("are closed over the last tenth of the whole life, also where most of it was over when they came", () => {
    const late = server({}, 80).ends(500, 20_000);
    expect(late[0]).toBeGreaterThan(9500);
    expect(late[0]).toBeLessThan(11_000);
    const later = server({}, 95).ends(500, 5000);
    expect(later[0]).toBeLessThan(1000);
    expect(later.at(-1)).toBeLessThanOrEqual(5000);
  });

  test("are closed over a minute at most, however long tokens live", () => {
    const { ends } = server();
    const times = ends(300, 24 * HOUR_MS);
    expect(times[0]).toBeGreaterThan(24 * HOUR_MS - MINUTE_MS - 500);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(50_000);
  });

  test("are closed at the end where there is no jitter, and over all of it where there is nothing else", () => {
    const atTheEnd = server({ jitterPercent: 0 }).ends(50, 10_000);
    expect(atTheEnd[0]).toBeGreaterThan(9800);
    expect(atTheEnd.at(-1)).toBeLessThan(10_000);
    expect(server({ jitterPercent: 100 }).ends(300, 10_000)[0]).toBeLessThan(2000);
  });

  test("are closed no faster than the rate, and begin earlier where the window is too short for them", () => {
    const { ends } = server({ closesPerS: 10 });
    const times = ends(400, 100_000);
    expect(times.at(-1)).toBeLessThanOrEqual(100_000);
    expect(times[0]).toBeLessThan(61_000);
    expect(times[0]).toBeGreaterThan(58_000);
    // Two neighbours may share a second of one's own choosing by a tick.
    expect(most(times)).toBeLessThanOrEqual(11);
  });

  test("stay in the window where the rate allows it", () => {
    const { ends } = server({ closesPerS: 10 });
    const times = ends(90, 100_000);
    expect(times[0]).toBeGreaterThan(89_000);
    expect(most(times)).toBeLessThanOrEqual(11);
  });

  test("are closed in time though the rate does not suffice, and none in the first tenth", () => {
    const { ends } = server({ closesPerS: 1 });
    const times = ends(500, 20_000);
    expect(times.at(-1)).toBeLessThanOrEqual(20_000);
    expect(times[0]).toBeGreaterThanOrEqual(2000);
  });

  test("give their places up when they go", () => {
    const { engine, came, clock } = server({ closesPerS: 1, jitterPercent: 0 });
    const early = Array.from({ length: 50 }, () => came(100_000));
    for (const { session } of early) engine.closed(session);
    const { ended } = came(100_000);
    clock.advance(101_000);
    expect(ended.atMs).toBeGreaterThan(98_000);
  });
});

describe("a client that asks for it", () => {
  test("is told ahead of its end, and how long it has", () => {
    const { came, clock } = server({ jitterPercent: 0 });
    const { connection } = came(HOUR_MS, TOLD);
    clock.advance(HOUR_MS - MINUTE_MS - 1000);
    expect(connection.sent).toHaveLength(1);
    clock.advance(1100);
    expect(connection.sent.slice(1)).toEqual(['{"type":"auth_expiring","expires_in":60}']);
    clock.advance(MINUTE_MS);
    expect(connection.sent.slice(2)).toEqual([EXPIRED]);
  });

  test("is told at half of what was left where that is less than the notice", () => {
    const { came, clock } = server({ jitterPercent: 0 });
    const { connection } = came(20_000, TOLD);
    clock.advance(9500);
    expect(connection.sent).toHaveLength(1);
    clock.advance(600);
    expect(connection.sent.at(-1)).toBe('{"type":"auth_expiring","expires_in":10}');
  });

  test("is told and let live where connections outlive their tokens", () => {
    const { came, clock } = server({ closes: false, noticeMs: 5000 });
    const [told, other] = [came(100_000, TOLD), came(100_000)];
    clock.advance(HOUR_MS);
    expect(told.connection.sent.slice(1)).toEqual(['{"type":"auth_expiring","expires_in":5}']);
    expect(other.connection.sent).toHaveLength(1);
    expect(told.connection.closedWith).toBeNull();
  });
});

describe("a client without a token, where one may come in the first message", () => {
  const FOLLOWS: Credentials = { ...NONE, mayFollow: true };

  test("is refused when none has come in time", () => {
    const { open, clock, metrics, log } = server({ closes: false });
    const { connection } = open(FOLLOWS, NO_PINGS);
    clock.advance(4900);
    expect(connection.sent).toEqual([]);
    clock.advance(200);
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"unauthorized","reconnect":false}']);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Auth Failed" });
    expect(counted(metrics, "jwt_verifications_total")).toEqual(["refused missing none none 1"]);
    expect(log.lines.at(-1)).toMatchObject({ message: "client refused", fields: { reason: "missing" } });
  });

  test("is let in by its token, which ends the connection as any other does", () => {
    const { open, clock, metrics } = server();
    const { connection, say } = open(FOLLOWS, NO_PINGS);
    clock.advance(4000);
    say({ command: "auth", token: "20000" });
    expect(connection.sent).toEqual(['{"type":"welcome","sid":"s1"}']);
    expect(counted(metrics, "jwt_verifications_total")).toEqual(["accepted none message secret 1"]);
    clock.advance(10_000);
    expect(connection.closedWith).toBeNull();
    clock.advance(10_000);
    expect(connection.sent.at(-1)).toBe(EXPIRED);
  });
});
