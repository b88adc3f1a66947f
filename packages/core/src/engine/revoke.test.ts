import { describe, expect, test } from "bun:test";
import { MemorySessions } from "../broker/memory-sessions.ts";
import type { SessionSnapshot } from "../broker/sessions.ts";
import { CableError } from "../errors.ts";
import { REVOCATION_RULES, type Revocation } from "../jwt/revocation/revocation.ts";
import { Revocations } from "../jwt/revocation/revocations.ts";
import type { TokenMarks } from "../jwt/revocation/token-marks.ts";
import type { Verdict } from "../jwt/verdict.ts";
import { ACCEPTED, GOOD, NONE, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import { connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import type { PubSub } from "./pub-sub.ts";
import { isSessionRevoked } from "./revocation-terms.ts";

const HOUR_MS = 3_600_000;
const LEEWAY_MS = 300_000;

/** An engine whose tokens are the JSON of what they say. */
function engineWith(more: Parameters<typeof setUp>[0] = {}) {
  const inForce = new Revocations(4);
  const written: Revocation[] = [];
  const verify = (token: string): Verdict => {
    const { ext = "ann", ...marks }: Partial<TokenMarks> & { ext?: string } = JSON.parse(token);
    const accepted = { ...ACCEPTED, identity: ext, marks: { ...ACCEPTED.marks, ...marks } };
    const rule = inForce.refusalOf(ext, accepted.marks, rig.clock.nowMs());
    return rule === null ? accepted : { ...REFUSED, ...rule };
  };
  const write = (added: readonly Revocation[]): void => void written.push(...added);
  const rig = setUp({
    ...more,
    admission: { verify, noAuth: true, ...more?.admission },
    revocations: { inForce, write, ...more?.revocations },
  });
  const connect = (claims: Partial<TokenMarks> & { ext?: string } = {}, resumable = false) =>
    rig.open({ ...GOOD, token: JSON.stringify(claims), carrier: "header" }, {}, resumable);
  const revoke = (payload: object) => rig.engine.publish(JSON.stringify({ command: "revoke", payload }));
  /** For how long the only revocation is in force. */
  const lastsMs = () => Math.max(...[...inForce.entries()].map(({ untilMs }) => untilMs - rig.clock.nowMs()));
  return { ...rig, inForce, written, connect, revoke, lastsMs };
}

type Client = ReturnType<ReturnType<typeof engineWith>["connect"]>;
const isClosed = ({ connection }: Client) => connection.closedWith !== null;
const wasRefused = ({ connection }: Client) =>
  connection.sent.includes('{"type":"disconnect","reason":"unauthorized","reconnect":false}');

describe("a revocation", () => {
  test("by jti ends the connections of that token, tells them so, and refuses it from then on", () => {
    const { connect, revoke, metrics } = engineWith();
    const [one, again, other] = [connect({ jti: "a" }), connect({ jti: "a" }), connect({ jti: "b" })];
    expect(revoke({ jti: "a" })).toEqual({ accepted: true });
    for (const { connection } of [one, again]) {
      expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"revoked","reconnect":false}');
      expect(connection.closedWith).toEqual({ code: 1000, reason: "Revoked" });
    }
    expect(isClosed(other)).toBe(false);
    expect(wasRefused(connect({ jti: "a" }))).toBe(true);
    expect(wasRefused(connect({ jti: "b" }))).toBe(false);
    const labels = (name: "disconnects_total" | "revocations_total" | "jwt_verifications_total") =>
      [...metrics.labelled(name).samples()].map(({ labelValues, value }) => `${labelValues} ${value}`);
    expect(labels("disconnects_total")).toEqual(["revoked 2"]);
    expect(labels("revocations_total")).toEqual(["jti,taken 1"]);
    expect(labels("jwt_verifications_total")).toContain("refused,revoked,header,none 1");
  });

  test("tells clients to come again when asked to", () => {
    const { connect, revoke } = engineWith();
    const { connection } = connect({ jti: "a" });
    revoke({ jti: "a", reconnect: true });
    expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"revoked","reconnect":true}');
  });

  test("by the sid of a session ends it alone, and refuses the token that it was opened with", () => {
    const { connect, revoke } = engineWith();
    const [phone, laptop] = [connect({ tag: 1 }), connect({ tag: 2 })];
    revoke({ sid: phone.session.sid });
    expect([phone, laptop].map(isClosed)).toEqual([true, false]);
    expect(wasRefused(connect({ tag: 1 }))).toBe(true);
    expect(wasRefused(connect({ tag: 2 }))).toBe(false);
  });

  test("by the sid of a session refuses the tokens that it had before as well, connected or not", () => {
    for (const isConnected of [true, false]) {
      const rig = engineWith({
        broker: (clock) => ({
          ...{ history: null, presence: null, close: () => {} },
          sessions: new MemorySessions({ clock, ttlMs: HOUR_MS }),
        }),
      });
      const expiresAtMs = rig.clock.nowMs() + HOUR_MS;
      const { connection, say } = rig.connect({ tag: 11, expiresAtMs }, true);
      for (const tag of [12, 12, 13]) say({ command: "auth", token: JSON.stringify({ tag, expiresAtMs }) });
      if (!isConnected) connection.terminate();
      rig.revoke({ sid: "s1" });
      for (const tag of [11, 12, 13]) expect(wasRefused(rig.connect({ tag }))).toBe(true);
      expect(wasRefused(rig.connect({ tag: 14 }))).toBe(false);
    }
  });

  test("by the sid of a session ends every other that the same token was used for", () => {
    const { connect, revoke } = engineWith();
    const tabs = [connect({ tag: 1 }), connect({ tag: 1 })];
    revoke({ sid: "s2" });
    expect(tabs.map(isClosed)).toEqual([true, true]);
  });

  test("by the sid that tokens have ends the connections of that sign-in", () => {
    const { connect, revoke, inForce } = engineWith();
    const [one, other] = [connect({ sid: "idp-1" }), connect({ sid: "idp-2" })];
    revoke({ sid: "idp-1" });
    expect([one, other].map(isClosed)).toEqual([true, false]);
    expect(wasRefused(connect({ sid: "idp-1" }))).toBe(true);
    expect(inForce.size).toBe(1);
  });

  test("by kid ends the connections of every token of that key", () => {
    const { connect, revoke } = engineWith();
    const [one, other] = [connect({ kid: "spring" }), connect({ kid: "summer" })];
    revoke({ kid: "spring" });
    expect([one, other].map(isClosed)).toEqual([true, false]);
    expect(wasRefused(connect({ kid: "spring", ext: "bob" }))).toBe(true);
  });

  test("by identifiers ends all of their connections, also of those who came without a token", () => {
    const { connect, open, revoke } = engineWith();
    const clients = [connect({ ext: "ann" }), connect({ ext: "bob" }), open(NONE)];
    revoke({ identifiers: "ann" });
    expect(clients.map(isClosed)).toEqual([true, false, false]);
    revoke({ identifiers: '{"sid":"s3"}' });
    expect(clients.map(isClosed)).toEqual([true, false, true]);
    expect(wasRefused(connect({ ext: "ann", issuedAtS: 4_000_000_000 }))).toBe(true);
  });

  test("by identifiers and time spares what was issued since, and nothing that does not say when", () => {
    const { connect, revoke } = engineWith();
    const clients = [connect({ issuedAtS: 999 }), connect({ issuedAtS: 1000 }), connect()];
    revoke({ identifiers: "ann", issued_before: 1000 });
    expect(clients.map(isClosed)).toEqual([true, false, true]);
    expect(wasRefused(connect({ issuedAtS: 999 }))).toBe(true);
    expect(wasRefused(connect())).toBe(true);
    expect(wasRefused(connect({ issuedAtS: 1000 }))).toBe(false);
  });

  test("reaches a client about whom the application is still asked", async () => {
    const backend = new ScriptedBackend();
    const { connect, revoke } = engineWith({ backend, admission: { rpcAfterJwt: "enforce" } });
    const [first, second] = [connect({ jti: "a" }), connect({ jti: "b" })];
    revoke({ jti: "a" });
    expect([first, second].map(isClosed)).toEqual([true, false]);
    revoke({ identifiers: "who the application says" });
    backend.connects[1]?.resolve(connectReply({ identifiers: "who the application says" }));
    await settle();
    expect(second.connection.sent).toEqual(['{"type":"disconnect","reason":"revoked","reconnect":false}']);
  });

  test("by identifiers is by the token's and by the application's, where it was asked as well", async () => {
    const backend = new ScriptedBackend();
    const { connect, revoke } = engineWith({ backend, admission: { rpcAfterJwt: "enforce" } });
    const clients = [connect({ ext: "ann", tag: 1 }), connect({ ext: "bob", tag: 2 })];
    for (const call of backend.connects) call.resolve(connectReply({ identifiers: "of the application" }));
    await settle();
    revoke({ identifiers: "ann" });
    expect(clients.map(isClosed)).toEqual([true, false]);
    revoke({ identifiers: "of the application" });
    expect(clients.map(isClosed)).toEqual([true, true]);
  });

  test("says nothing of whom it is about in the log", () => {
    const { connect, revoke, log } = engineWith();
    connect({ ext: "ann-the-person" });
    revoke({ identifiers: "ann-the-person" });
    const line = log.lines.find(({ message }) => message === "revoked");
    expect(line?.fields).toMatchObject({ by: "identifiers", closed: 1 });
    expect(log.text()).not.toContain("ann-the-person");
  });
});

describe("with sessions that are kept for their clients", () => {
  const keeping = () =>
    engineWith({
      broker: (clock) => ({
        ...{ history: null, presence: null, close: () => {} },
        sessions: new MemorySessions({ clock, ttlMs: 300_000 }),
      }),
    });
  /** Comes for the session, with a token of the same identity that nobody has revoked. */
  const isKept = ({ open }: ReturnType<typeof keeping>, { session }: Client): boolean => {
    const token = '{"tag":99,"jti":"fresh","kid":"fresh","issuedAtS":4000000000}';
    const { connection } = open({ ...GOOD, token, formerSid: session.sid }, {}, true);
    return connection.sent[0]?.includes('"restored":true') ?? false;
  };

  test.each<[object, Partial<TokenMarks>]>([
    [{ jti: "a" }, { jti: "a" }],
    [{ kid: "a" }, { kid: "a" }],
    [{ identifiers: "ann", issued_before: 1000 }, { issuedAtS: 999 }],
    [{ sid: "s1" }, {}],
    [{ sid: "idp" }, { sid: "idp" }],
  ])("%j forgets the one that it is about, connected or not, and no other", (payload, marks) => {
    for (const isConnected of [true, false]) {
      const rig = keeping();
      const [one, other] = [
        rig.connect({ issuedAtS: 2000, tag: 1, ...marks }, true),
        rig.connect({ issuedAtS: 2000, tag: 2 }, true),
      ];
      if (!isConnected) one.connection.terminate();
      other.connection.terminate();
      rig.revoke(payload);
      expect(isKept(rig, one)).toBe(false);
      expect(isKept(rig, other)).toBe(true);
    }
  });

  test("a session whose connection is gone tells the token that goes with it", () => {
    const { connect, revoke } = keeping();
    const phone = connect({ tag: 1 }, true);
    phone.connection.terminate();
    const again = connect({ tag: 1 });
    revoke({ sid: phone.session.sid });
    expect(isClosed(again)).toBe(true);
    expect(wasRefused(connect({ tag: 1 }))).toBe(true);
  });

  /** A cache elsewhere, which answers when it is told to and was not told to forget. */
  function farAway(snapshot: SessionSnapshot) {
    let answer = () => {};
    const found = new Promise<SessionSnapshot>((resolve) => {
      answer = () => resolve(snapshot);
    });
    const nothing = () => {};
    const sessions = {
      isShared: false,
      save: nothing,
      renew: nothing,
      remove: nothing,
      removeOf: nothing,
      removeWhere: nothing,
      find: () => found,
    };
    const rig = engineWith({ broker: () => ({ history: null, presence: null, close: nothing, sessions }) });
    const comeFor = (claims: object) =>
      rig.open({ ...GOOD, token: JSON.stringify(claims), formerSid: "former" }, {}, true);
    return {
      ...rig,
      comeFor,
      answer: () => {
        answer();
        return settle();
      },
    };
  }

  test.each<[object, string]>([
    [{ sid: "former" }, "welcome"],
    [{ sid: "first" }, "welcome"],
    [{ jti: "of the session" }, "welcome"],
    [{ jti: "fresh" }, "revoked"],
    [{ jti: "another" }, "restored"],
  ])("%j, while a cache elsewhere is asked for the session, is heeded: %s", async (payload, expected) => {
    const marks = { ...ACCEPTED.marks, jti: "of the session" };
    const { comeFor, revoke, answer } = farAway({
      ...{
        identifiers: "ann",
        admittedBy: "token",
        tokenIdentity: "ann",
        marks,
        cstate: {},
        subscriptions: [],
      },
      ...{ disconnectInterest: false, lineage: "first" },
    });
    const { connection } = comeFor({ jti: "fresh", tag: 3 });
    revoke(payload);
    await answer();
    const [said = ""] = connection.sent;
    expect(said).toContain(expected);
    expect(said.includes("restored")).toBe(expected === "restored");
  });

  const OF_NOBODY: SessionSnapshot = {
    ...{ identifiers: "the application's", lineage: "first", admittedBy: "backend", tokenIdentity: null },
    ...{ marks: null, cstate: {}, subscriptions: [], disconnectInterest: false },
  };

  test("that is kept elsewhere still is not given back by the application's identifiers either", async () => {
    const kept = { ...OF_NOBODY, admittedBy: "token", tokenIdentity: "ann", marks: ACCEPTED.marks } as const;
    const { comeFor, revoke, answer } = farAway(kept);
    revoke({ identifiers: kept.identifiers });
    const { connection } = comeFor({ jti: "fresh", tag: 3 });
    await answer();
    expect(connection.sent.join()).toContain("welcome");
    expect(connection.sent.join()).not.toContain("restored");
  });

  test("that is kept elsewhere still is not given back to who has no token either", () => {
    const { engine, revoke } = engineWith({});
    expect(isSessionRevoked(engine, "former", OF_NOBODY)).toBe(false);
    revoke({ identifiers: "the application's" });
    expect(isSessionRevoked(engine, "former", OF_NOBODY)).toBe(true);
    expect(isSessionRevoked(engine, "former", { ...OF_NOBODY, identifiers: "another's" })).toBe(false);
  });

  test("who has the session back is known by the token as before", () => {
    const { connect, open, revoke } = engineWith({
      ...{ options: { resumeVerify: false } },
      broker: (clock) => ({
        ...{ history: null, presence: null, close: () => {} },
        sessions: new MemorySessions({ clock, ttlMs: 300_000 }),
      }),
    });
    connect({ jti: "a" }, true).connection.terminate();
    const back = open({ ...NONE, formerSid: "s1" }, {}, true);
    revoke({ jti: "a" });
    expect(isClosed(back)).toBe(true);
  });
});

describe("with other nodes", () => {
  class Told implements PubSub {
    isUp = true;
    readonly commands: string[] = [];
    publish(): void {}
    command(text: string): void {
      this.commands.push(text);
    }
    follow(): void {}
    unfollow(): void {}
    following(): null {
      return null;
    }
    settled(): Promise<boolean> {
      return Promise.resolve(true);
    }
  }

  test("holds here at once, and there for as long and for the same tokens", () => {
    const pubSub = new Told();
    const here = engineWith({ pubSub });
    const there = engineWith({ pubSub: new Told() });
    const phone = here.connect({ tag: 1, expiresAtMs: here.clock.nowMs() + 1000 });
    const samePhone = there.connect({ tag: 1, expiresAtMs: there.clock.nowMs() + 1000 });
    here.revoke({ sid: phone.session.sid, reconnect: true });
    expect(isClosed(phone)).toBe(true);
    expect(pubSub.commands).toHaveLength(2);
    for (const text of [...pubSub.commands])
      for (const { engine } of [here, there]) engine.deliver(text, null);
    const held = ({ inForce }: typeof here) => [...inForce.entries()];
    expect(held(there)).toEqual(held(here));
    expect(samePhone.connection.sent.at(-1)).toBe(
      '{"type":"disconnect","reason":"revoked","reconnect":true}',
    );
    expect(here.written).toHaveLength(2);
    expect(pubSub.commands).toHaveLength(2);
  });

  test("the node that has the session tells the others of its token", () => {
    const [asked, having] = [new Told(), new Told()];
    const here = engineWith({ pubSub: asked });
    const there = engineWith({ pubSub: having });
    const { session } = there.connect({ tag: 5 });
    here.revoke({ sid: session.sid });
    there.engine.deliver(asked.commands[0] ?? "", null);
    expect(having.commands).toHaveLength(1);
    here.engine.deliver(having.commands[0] ?? "", null);
    expect(wasRefused(here.connect({ tag: 5 }))).toBe(true);
  });

  test("which cannot be reached, nothing is done, so that it can be asked for again", () => {
    const pubSub = new Told();
    const { connect, revoke } = engineWith({ pubSub });
    const client = connect({ jti: "a" });
    pubSub.isUp = false;
    expect(revoke({ jti: "a" })).toMatchObject({ accepted: false, fault: "unavailable" });
    expect(isClosed(client)).toBe(false);
  });
});

describe("a revocation is in force", () => {
  test("for the maximal time where the end of its tokens is not known", () => {
    for (const payload of [{ jti: "a" }, { sid: "a" }, { kid: "a" }, { identifiers: "a" }]) {
      const { revoke, lastsMs } = engineWith();
      revoke(payload);
      expect(lastsMs()).toBe(HOUR_MS);
    }
  });

  test("until the token's end, as the publisher says it or a connection shows it", () => {
    const { revoke, lastsMs, clock, connect } = engineWith();
    const exp = Math.floor(clock.nowMs() / 1000) + 60;
    revoke({ jti: "a", exp });
    expect(lastsMs()).toBe(exp * 1000 + LEEWAY_MS - clock.nowMs());
    connect({ jti: "b", expiresAtMs: clock.nowMs() + 2 * HOUR_MS });
    revoke({ jti: "b" });
    expect(lastsMs()).toBe(2 * HOUR_MS + LEEWAY_MS);
  });

  test("for as long as a token can live, where that is bounded and no more of them can be issued", () => {
    const expected = { jti: 60_000 + 2 * LEEWAY_MS, kid: HOUR_MS, identifiers: HOUR_MS };
    for (const [name, ms] of Object.entries(expected)) {
      const { revoke, lastsMs } = engineWith({ revocations: { longestLifetimeMs: 60_000 } });
      revoke({ [name]: "a" });
      expect(lastsMs()).toBe(ms);
    }
    const { revoke, lastsMs, clock } = engineWith({ revocations: { longestLifetimeMs: 60_000 } });
    revoke({ identifiers: "a", issued_before: clock.nowMs() / 1000 + 100 });
    expect(Math.round(lastsMs())).toBe(100_000 + 60_000 + 2 * LEEWAY_MS);
  });

  test("and is forgotten by itself when that is over", () => {
    const { revoke, inForce, clock, connect } = engineWith();
    revoke({ jti: "a" });
    clock.advance(HOUR_MS - 1);
    expect(wasRefused(connect({ jti: "a" }))).toBe(true);
    clock.advance(1000);
    expect(inForce.size).toBe(0);
    expect(wasRefused(connect({ jti: "a" }))).toBe(false);
  });
});

describe("without room for another", () => {
  test("it is refused with a reason, and nothing is done", () => {
    const { connect, revoke, metrics } = engineWith();
    for (const jti of ["1", "2", "3", "4"]) expect(revoke({ jti })).toEqual({ accepted: true });
    const client = connect({ jti: "a" });
    expect(revoke({ jti: "a" })).toEqual({
      accepted: false,
      fault: "failed",
      why: expect.stringContaining("--revocations_limit"),
    });
    expect(isClosed(client)).toBe(false);
    expect(wasRefused(connect({ jti: "a" }))).toBe(false);
    expect(revoke({ jti: "4" })).toEqual({ accepted: true });
    const samples = [...metrics.labelled("revocations_total").samples()];
    expect(samples.map(({ labelValues, value }) => `${labelValues} ${value}`)).toEqual([
      "jti,taken 4",
      "jti,refused 1",
    ]);
  });
});

describe("what is written down", () => {
  test("is each revocation, with the tokens that go with a session", () => {
    const { connect, revoke, written } = engineWith();
    const { session } = connect({ tag: 17 });
    revoke({ sid: session.sid });
    revoke({ identifiers: "ann", issued_before: 1000 });
    expect(written.map(({ by, value, issuedBeforeS }) => [by, value, issuedBeforeS])).toEqual([
      ["sid", session.sid, 0],
      ["token", "17", 0],
      ["issued_before", "ann", 1000],
    ]);
  });

  test("and where that fails, it holds all the same, and who asked hears of it", () => {
    const write = () => {
      throw new CableError("io_failed", "write /r: no space left");
    };
    const { connect, revoke } = engineWith({ revocations: { write } });
    const client = connect({ jti: "a" });
    expect(revoke({ jti: "a" })).toMatchObject({
      accepted: false,
      fault: "failed",
      why: "it is in force, but not saved: write /r: no space left",
    });
    expect(isClosed(client)).toBe(true);
    expect(wasRefused(connect({ jti: "a" }))).toBe(true);
  });
});

test("each way of revoking has a reason of its own in the log", () => {
  const details = Object.values(REVOCATION_RULES).map(({ detail }) => detail);
  expect(new Set(details).size).toBe(details.length);
});
