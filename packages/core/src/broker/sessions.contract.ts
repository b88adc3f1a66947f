import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SessionSnapshot, Sessions } from "./sessions.ts";

/** An adapter under test, and how its time passes. */
export interface SessionsUnderTest {
  readonly sessions: Sessions;
  /** Lets this much of the time to live pass. */
  readonly pass: (ms: number) => void | Promise<void>;
  readonly close: () => void | Promise<void>;
}

export const CONTRACT_TTL_MS = 2000;

export const ANN: SessionSnapshot = {
  identifiers: '{"user":"ann"}',
  lineage: "s1",
  admittedBy: "token",
  tokenIdentity: '{"user":"ann"}',
  marks: { jti: "7", sid: null, issuedAtS: 1_700_000_000, kid: "k", tag: 2 ** 50 + 1, expiresAtMs: null },
  cstate: { seen: "1", __proto__x: "2" },
  subscriptions: [
    { identifier: '{"channel":"Chat"}', streams: ["a", "b"], istate: { $w: "a" }, routed: false },
    { identifier: '{"channel":"$pubsub","stream_name":"ü"}', streams: ["ü"], istate: {}, routed: true },
  ],
  disconnectInterest: true,
};
const BOB: SessionSnapshot = {
  identifiers: '{"user":"bob"}',
  lineage: "s2",
  admittedBy: "public",
  tokenIdentity: null,
  marks: null,
  cstate: {},
  subscriptions: [],
  disconnectInterest: false,
};

/** What every adapter of `Sessions` does. `make` is called for each test, with `CONTRACT_TTL_MS` as the time to live. */
export function sessionsContract(
  name: string,
  make: () => SessionsUnderTest | Promise<SessionsUnderTest>,
): void {
  describe(`${name} as Sessions`, () => {
    let under: SessionsUnderTest;
    let sessions: Sessions;
    const found = async (...sids: string[]) => {
      const kept: string[] = [];
      for (const sid of sids) if ((await sessions.find(sid)) !== null) kept.push(sid);
      return kept;
    };

    beforeEach(async () => {
      under = await make();
      sessions = under.sessions;
    });
    afterEach(() => under.close());

    test("gives back everything that was saved, as often as it is asked", async () => {
      await sessions.save("s1", ANN);
      await sessions.save("s2", BOB);
      expect(await sessions.find("s1")).toEqual(ANN);
      expect(await sessions.find("s1")).toEqual(ANN);
      expect(await sessions.find("s2")).toEqual(BOB);
    });

    test("knows no session that was not saved", async () => {
      expect(await sessions.find("s1")).toBeNull();
      await sessions.remove("s1");
      await sessions.removeOf("nobody");
    });

    test("forgets a session when its time is over, and no earlier", async () => {
      await sessions.save("s1", ANN);
      await under.pass(CONTRACT_TTL_MS / 2);
      await sessions.save("s2", ANN);
      expect(await found("s1", "s2")).toEqual(["s1", "s2"]);
      await under.pass(CONTRACT_TTL_MS / 2 + 1);
      expect(await found("s1", "s2")).toEqual(["s2"]);
      await under.pass(CONTRACT_TTL_MS / 2);
      expect(await found("s1", "s2")).toEqual([]);
    });

    test("a session that is saved again is what it was saved as last, and its time begins anew", async () => {
      await sessions.save("s1", ANN);
      await under.pass(CONTRACT_TTL_MS / 2);
      await sessions.save("s1", BOB);
      await under.pass(CONTRACT_TTL_MS / 2 + 1);
      expect(await sessions.find("s1")).toEqual(BOB);
      await sessions.removeOf(ANN.identifiers);
      expect(await found("s1")).toEqual(["s1"]);
    });

    test("finding a session does not prolong it", async () => {
      await sessions.save("s1", ANN);
      await under.pass(CONTRACT_TTL_MS / 2);
      await sessions.find("s1");
      await under.pass(CONTRACT_TTL_MS / 2 + 1);
      expect(await found("s1")).toEqual([]);
    });

    test("a session that is renewed is as it was, and its time begins anew; one that is gone stays so", async () => {
      await sessions.save("s1", ANN);
      await under.pass(CONTRACT_TTL_MS / 2);
      await sessions.renew("s1");
      await sessions.renew("s2");
      await under.pass(CONTRACT_TTL_MS / 2 + 1);
      expect(await sessions.find("s1")).toEqual(ANN);
      await under.pass(CONTRACT_TTL_MS / 2);
      await sessions.renew("s1");
      expect(await found("s1", "s2")).toEqual([]);
    });

    test("removes one session and leaves the others of the same identifiers", async () => {
      for (const sid of ["s1", "s2", "s3"]) await sessions.save(sid, ANN);
      await sessions.remove("s2");
      expect(await found("s1", "s2", "s3")).toEqual(["s1", "s3"]);
    });

    test("removes all sessions of an identity, whichever of them were saved again or are gone", async () => {
      for (const sid of ["s1", "s2", "s3", "s4"]) await sessions.save(sid, ANN);
      await sessions.save("b1", BOB);
      await sessions.remove("s4");
      await sessions.remove("s2");
      await sessions.save("s1", ANN);
      await sessions.removeOf(ANN.identifiers);
      expect(await found("s1", "s2", "s3", "s4", "b1")).toEqual(["b1"]);
      await sessions.save("s5", ANN);
      expect(await found("s1", "s3", "s5")).toEqual(["s5"]);
    });

    test("removes what one session has been, and leaves the others of its identifiers", async () => {
      for (const sid of ["s1", "s2", "s4"]) await sessions.save(sid, ANN);
      await sessions.save("s3", { ...ANN, lineage: "s3" });
      await sessions.removeOf(ANN.identifiers, ANN.lineage);
      expect(await found("s1", "s2", "s3", "s4")).toEqual(["s3"]);
      await sessions.removeOf(BOB.identifiers, "s3");
      expect(await found("s3")).toEqual(["s3"]);
    });

    test("compares identifiers as text", async () => {
      await sessions.save("s1", ANN);
      await sessions.removeOf('{ "user":"ann"}');
      await sessions.removeOf('{"user":"an');
      expect(await found("s1")).toEqual(["s1"]);
    });

    test("removes the sessions that match, and no others", async () => {
      await sessions.save("s1", ANN);
      await sessions.save("s2", BOB);
      await sessions.save("s3", ANN);
      await sessions.removeWhere((sid, { tokenIdentity }) => sid === "s1" || tokenIdentity === null);
      expect(await found("s1", "s2", "s3")).toEqual(["s3"]);
      await sessions.removeOf(ANN.identifiers);
      expect(await found("s3")).toEqual([]);
    });
  });
}
