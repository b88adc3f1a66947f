import { describe, expect, test } from "bun:test";
import type { Broker } from "../broker/broker.ts";
import { MemorySessions } from "../broker/memory-sessions.ts";
import type { Sessions } from "../broker/sessions.ts";
import type { Clock } from "../clock.ts";
import type { Verdict } from "../jwt/verdict.ts";
import { ACCEPTED, CHAT, GOOD, NONE, PUBSUB, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { commandReply, connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import type { Credentials } from "./admission.ts";

const TTL_MS = 300_000;

function brokerOf(sessions: Sessions): Broker {
  return { history: null, sessions, presence: null, close: () => {} };
}

const inMemory = (clock: Clock): Broker => brokerOf(new MemorySessions({ clock, ttlMs: TTL_MS }));

/** Tokens name who they are for; "expired" and "forged" are what they say. */
function verify(token: string): Verdict {
  if (token === "expired") return { ...REFUSED, reason: "expired", expiredForMs: 1000 };
  if (token === "forged") return REFUSED;
  return { ...ACCEPTED, identity: `{"user":"${token}"}`, claimsSegment: `claims of ${token}` };
}

const of = (token: string, formerSid?: string): Credentials => ({
  ...GOOD,
  token,
  ...(formerSid === undefined ? {} : { formerSid }),
});
const tokenless = (formerSid: string): Credentials => ({ ...NONE, formerSid });

type Options = NonNullable<Parameters<typeof setUp>[0]>;

function start(options: Options = {}) {
  const rig = setUp({ broker: inMemory, ...options, admission: { verify, ...options.admission } });
  const come = (credentials: Credentials) => rig.open(credentials, {}, true);
  const subscribe = (client: ReturnType<typeof come>, identifier: string) =>
    client.say({ command: "subscribe", identifier });
  const publish = (stream: string, data: string) => rig.engine.publish(JSON.stringify({ stream, data }));
  return { ...rig, come, subscribe, publish };
}

/** As a client that missed nothing. */
function askForHistory(client: { readonly say: (command: object) => void }, identifier: string): void {
  client.say({ command: "history", identifier, history: { streams: {} } });
}

/** Whether the client was welcomed back. */
const isRestored = ({ connection }: { readonly connection: { readonly sent: readonly string[] } }) =>
  connection.sent[0]?.includes('"restored":true') ?? false;

describe("resuming a session", () => {
  test("welcomes the client back before anything else, and it follows its streams again", () => {
    const { come, subscribe, publish } = start();
    const before = come(of("ann"));
    subscribe(before, PUBSUB);
    before.connection.terminate();
    publish("chat", "1");
    const after = come(of("ann", "s1"));
    askForHistory(after, PUBSUB);
    publish("chat", "2");
    expect(after.connection.sent).toEqual([
      `{"type":"welcome","sid":"s2","restored":true,"restored_ids":[${JSON.stringify(PUBSUB)}]}`,
      `{"type":"confirm_history","identifier":${JSON.stringify(PUBSUB)}}`,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":2}`,
    ]);
    expect(after.session.identifiers).toBe('{"user":"ann"}');
  });

  test("leaves restored_ids out where there is none", () => {
    const { come } = start();
    come(of("ann")).connection.terminate();
    expect(come(of("ann", "s1")).connection.sent).toEqual(['{"type":"welcome","sid":"s2","restored":true}']);
  });

  test("brings back whatever the application knows of the session, and does not ask it again", async () => {
    const backend = new ScriptedBackend();
    const { come, subscribe, engine, clock } = start({ backend });
    const before = come(NONE);
    backend.connects[0]?.resolve(connectReply({ identifiers: "u7", cstate: { a: "1" } }));
    await settle();
    subscribe(before, CHAT);
    backend.commands[0]?.resolve(commandReply({ streams: ["one", "two"], istate: { b: "2" } }));
    await settle();
    subscribe(before, PUBSUB);
    before.connection.terminate();
    clock.advance(50);
    expect(backend.disconnects).toHaveLength(1);

    const after = come(tokenless("s1"));
    expect(isRestored(after)).toBe(true);
    expect(backend.connects).toHaveLength(1);
    after.say({ command: "message", identifier: CHAT, data: "{}" });
    expect(backend.commands[1]?.request).toMatchObject({
      sid: "s2",
      connectionIdentifiers: "u7",
      env: { cstate: { a: "1" }, istate: { b: "2" } },
    });
    backend.commands[1]?.resolve(commandReply());
    await settle();
    after.say({ command: "unsubscribe", identifier: PUBSUB });
    expect(backend.commands).toHaveLength(2); // that one is this server's own
    expect(engine.hub.streamCount).toBe(2);
    after.connection.terminate();
    clock.advance(50);
    expect(backend.disconnects[1]).toMatchObject({ sid: "s2", identifiers: "u7", subscriptions: [CHAT] });
  });

  test("tells the application of the token that was shown last", () => {
    const backend = new ScriptedBackend();
    const claims = (token: string): Verdict => ({ ...ACCEPTED, claimsSegment: token });
    const { come, subscribe } = start({ backend, admission: { verify: claims } });
    come(of("first")).connection.terminate();
    const after = come(of("second", "s1"));
    subscribe(after, CHAT);
    expect(backend.commands[0]?.request.jwtIdentity).toBe("second");
  });

  test("counts what the client has against what it may have", () => {
    const { come, subscribe } = start({ options: { maxSubscriptions: 1 } });
    const before = come(of("ann"));
    subscribe(before, PUBSUB);
    before.connection.terminate();
    const after = come(of("ann", "s1"));
    subscribe(after, '{"channel":"$pubsub","stream_name":"more"}');
    expect(after.connection.sent.at(-1)).toContain("reject_subscription");
  });

  test("can be repeated, from the first id and from the next", () => {
    const { come } = start();
    come(of("ann")).connection.terminate();
    const second = come(of("ann", "s1"));
    expect(isRestored(come(of("ann", "s1")))).toBe(true);
    second.connection.terminate();
    expect(isRestored(come(of("ann", "s2")))).toBe(true);
  });

  test("works while the former connection still seems to be there, and leaves it alone", () => {
    const { come, subscribe, publish } = start();
    const before = come(of("ann"));
    subscribe(before, PUBSUB);
    const after = come(of("ann", "s1"));
    expect(isRestored(after)).toBe(true);
    askForHistory(after, PUBSUB);
    publish("chat", "1");
    expect(before.connection.sent.at(-1)).toContain('"message":1');
    expect(after.connection.sent.at(-1)).toContain('"message":1');
  });

  test("is over when the time to live is", () => {
    const { come, clock } = start();
    come(of("ann")).connection.terminate();
    clock.advance(TTL_MS);
    expect(come(of("ann", "s1")).connection.sent).toEqual(['{"type":"welcome","sid":"s2"}']);
  });

  test("is for clients of the extended protocol alone", () => {
    const { open, come } = start();
    open(of("ann")).connection.terminate();
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
    const live = open(of("ann"));
    expect(isRestored(come(of("ann", live.session.sid)))).toBe(false);
  });

  test("is not offered without a broker", () => {
    const { engine, come } = setUpWithout();
    const before = come(of("ann"));
    before.connection.terminate();
    expect(engine.isFree("s1")).toBe(true);
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
  });
});

function setUpWithout() {
  const rig = setUp({ admission: { verify } });
  return { ...rig, come: (credentials: Credentials) => rig.open(credentials, {}, true) };
}

describe("who may resume", () => {
  test("nobody that was refused leaves a session behind", () => {
    const { come } = start({ admission: { enforceJwt: true } });
    come(NONE);
    come(of("forged"));
    expect(come(tokenless("s1")).connection.closedWith?.reason).toBe("Auth Failed");
    expect(isRestored(come(of("ann", "s2")))).toBe(false);
  });

  test("nor anybody who left before the application had let them in", async () => {
    const backend = new ScriptedBackend();
    const { come } = start({ backend });
    const hasty = come(NONE);
    const watched = come(tokenless("s1"));
    hasty.connection.terminate();
    const later = come(tokenless("s1"));
    expect(backend.connects).toHaveLength(3);
    for (const { connection } of [watched, later]) expect(connection.sent).toEqual([]);
  });

  test("a stolen id is worth nothing without a token", () => {
    const { come, engine } = start({ admission: { noAuth: true } });
    come(of("ann")).connection.terminate();
    const thief = come(tokenless("s1"));
    expect(thief.connection.sent).toEqual(['{"type":"welcome","sid":"s2"}']);
    expect(thief.session.identifiers).toBe('{"sid":"s2"}');
    expect(engine.isFree("s1")).toBe(false); // and its owner still has it
    expect(isRestored(come(of("ann", "s1")))).toBe(true);
  });

  test("with another's token it is a new session of that other", () => {
    const { come } = start();
    come(of("ann")).connection.terminate();
    const thief = come(of("eve", "s1"));
    expect(thief.connection.sent).toEqual(['{"type":"welcome","sid":"s2"}']);
    expect(thief.session.identifiers).toBe('{"user":"eve"}');
  });

  test("an expired token is told so, and a forged one is refused", () => {
    const { come } = start();
    come(of("ann")).connection.terminate();
    expect(come(of("expired", "s1")).connection.sent).toEqual([
      '{"type":"disconnect","reason":"token_expired","reconnect":false}',
    ]);
    expect(come(of("forged", "s1")).connection.sent).toEqual([
      '{"type":"disconnect","reason":"unauthorized","reconnect":false}',
    ]);
  });

  test("what came of those who came for a session is counted, but for those who were not let in", () => {
    const { come, metrics } = start();
    come(of("ann")).connection.terminate();
    for (const credentials of [of("ann", "s1"), of("ann", "s1"), of("eve", "s1"), of("ann", "nobody")]) {
      come(credentials);
    }
    come(of("forged", "s1"));
    const samples = [...metrics.labelled("session_resumes_total").samples()];
    expect(samples.map(({ labelValues, value }) => `${labelValues} ${value}`)).toEqual([
      "restored 2",
      "denied 1",
      "unknown 1",
    ]);
  });

  test("whoever may not have the session is in the log with the reason, and without the token", () => {
    const { come, log, sampledKinds } = start();
    come(of("ann")).connection.terminate();
    come(of("eve", "s1"));
    const [line] = log.lines.filter(({ message }) => message === "session not resumed");
    expect(line).toEqual({
      level: "info",
      message: "session not resumed",
      fields: { sid: "s2", old_sid: "s1", reason: "other_identity" },
    });
    expect(sampledKinds).toContain("resume_denied");
  });

  test("a token that comes for its session is counted as any other", () => {
    const { come, metrics } = start();
    come(of("ann")).connection.terminate();
    come(of("ann", "s1"));
    come(of("expired", "s1"));
    const samples = [...metrics.labelled("jwt_verifications_total").samples()];
    expect(samples.map(({ labelValues, value }) => [...labelValues, value])).toEqual([
      ["accepted", "none", "query", "secret", 2],
      ["refused", "expired", "query", "none", 1],
    ]);
  });

  test("a token whose key is still on its way waits for it", async () => {
    let known = false;
    const { come } = start({
      admission: {
        verify: (token) => (known ? verify(token) : { ...REFUSED, reason: "unknown_key" }),
        missingKeys: { arrival: () => (known ? null : Promise.resolve()), isBlind: false },
      },
    });
    known = true;
    come(of("ann")).connection.terminate();
    known = false;
    const after = come(of("ann", "s1"));
    expect(after.connection.sent).toEqual([]);
    known = true;
    await settle();
    expect(isRestored(after)).toBe(true);
  });

  test("without a token, whoever was let in without one", () => {
    const { come } = start({ admission: { noAuth: true } });
    const before = come(NONE);
    before.connection.terminate();
    const after = come(tokenless("s1"));
    expect(isRestored(after)).toBe(true);
    expect(after.session.identifiers).toBe('{"sid":"s1"}');
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
  });

  test("where a token is demanded by now, nobody without one", () => {
    const shared = new MemorySessions({ clock: new ManualClock(), ttlMs: TTL_MS });
    const open = start({ broker: () => brokerOf(shared), admission: { noAuth: true } });
    open.come(NONE).connection.terminate();
    const strict = start({ broker: () => brokerOf(shared), admission: { noAuth: true, enforceJwt: true } });
    expect(strict.come(tokenless("s1")).connection.closedWith?.reason).toBe("Auth Failed");
    expect(isRestored(open.come(tokenless("s1")))).toBe(true);
  });

  test("where the application is asked after the token, the token's owner, whatever the application called it", async () => {
    const backend = new ScriptedBackend();
    const { come } = start({ backend, admission: { rpcAfterJwt: "enforce" } });
    const before = come(of("ann"));
    backend.connects[0]?.resolve(connectReply({ identifiers: "u7" }));
    await settle();
    before.connection.terminate();
    const after = come(of("ann", "s1"));
    expect(isRestored(after)).toBe(true);
    expect(after.session.identifiers).toBe("u7");
    come(of("eve", "s1"));
    expect(backend.connects).toHaveLength(2);
  });

  test("with --resume_verify=false a session ends with the token that it was opened with, though nobody showed it", () => {
    const expiry = { closes: true, jitterPercent: 0, closesPerS: 0, noticeMs: 0, firstMessageTimeoutMs: 0 };
    const ends = (token: string): Verdict => {
      const accepted = verify(token);
      if (!accepted.accepted) return accepted;
      const expiresAtMs = clock.nowMs() + 60_000;
      return { ...accepted, connectionEndsAtMs: expiresAtMs, marks: { ...accepted.marks, expiresAtMs } };
    };
    const { come, clock } = start({ admission: { verify: ends }, options: { resumeVerify: false, expiry } });
    come(of("ann")).connection.terminate();
    const anybody = come(tokenless("s1"));
    expect(isRestored(anybody)).toBe(true);
    clock.advance(61_000);
    expect(anybody.connection.closedWith?.reason).toBe("Token Expired");
  });

  test("with --resume_verify=false whoever has the id, as in the reference", () => {
    const { come } = start({ admission: { enforceJwt: true }, options: { resumeVerify: false } });
    come(of("ann")).connection.terminate();
    const anybody = come(tokenless("s1"));
    expect(isRestored(anybody)).toBe(true);
    expect(anybody.session.identifiers).toBe('{"user":"ann"}');
    expect(come(tokenless("nobody")).connection.closedWith?.reason).toBe("Auth Failed");
  });
});

describe("a session that was ended on purpose", () => {
  const revoke = (sid: string) => JSON.stringify({ command: "revoke", payload: { sid } });

  test("by a revocation of its id does not come back by the id that it had before it was resumed", () => {
    const { come, engine } = start({ admission: { noAuth: true } });
    come(NONE).connection.terminate();
    const resumed = come(tokenless("s1"));
    engine.publish(revoke("s2"));
    expect(resumed.connection.closedWith?.reason).toBe("Revoked");
    expect(isRestored(come(tokenless("s1")))).toBe(false);
    expect(isRestored(come(tokenless("s2")))).toBe(false);
  });

  test("by a revocation of an id that it had before is ended, however often it was resumed", () => {
    const { come, engine } = start({ admission: { noAuth: true } });
    const first = come(NONE);
    come(tokenless("s1")).connection.terminate();
    const third = come(tokenless("s2"));
    const other = come(NONE);
    engine.publish(revoke("s2"));
    for (const { connection } of [first, third]) expect(connection.closedWith?.reason).toBe("Revoked");
    expect(other.connection.closedWith).toBeNull();
  });

  const disconnect = JSON.stringify({
    command: "disconnect",
    payload: { identifier: '{"user":"ann"}', reconnect: true },
  });

  test("by a remote disconnect does not come back, connected or not", () => {
    const { come, engine } = start();
    come(of("ann")).connection.terminate();
    const live = come(of("ann"));
    come(of("bob")).connection.terminate();
    engine.publish(disconnect);
    expect(live.connection.closedWith?.reason).toBe("Closed remotely");
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
    expect(isRestored(come(of("ann", "s2")))).toBe(false);
    expect(isRestored(come(of("bob", "s3")))).toBe(true);
  });

  test("by the application does not come back", async () => {
    const backend = new ScriptedBackend();
    const { come, subscribe } = start({ backend });
    const before = come(of("ann"));
    subscribe(before, CHAT);
    backend.commands[0]?.resolve(commandReply({ disconnect: true }));
    await settle();
    expect(before.connection.closedWith?.reason).toBe("Command Failed");
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
  });

  test("by the application does not come back by the id that it had before it was resumed", async () => {
    const backend = new ScriptedBackend();
    const { come, subscribe } = start({ backend });
    come(of("ann")).connection.terminate();
    come(of("ann")).connection.terminate();
    const resumed = come(of("ann", "s1"));
    subscribe(resumed, CHAT);
    backend.commands[0]?.resolve(commandReply({ disconnect: true }));
    await settle();
    expect(resumed.connection.closedWith?.reason).toBe("Command Failed");
    expect(isRestored(come(of("ann", "s1")))).toBe(false);
    expect(isRestored(come(of("ann", "s2")))).toBe(true);
  });

  test.each([0, 1, 2])(
    "by the application ends the connections that still seem to be there, whichever of them it was told by: %i",
    async (told) => {
      const backend = new ScriptedBackend();
      const { come, subscribe } = start({ backend });
      const first = come(of("ann"));
      const second = come(of("ann", "s1"));
      const kin = [first, second, come(of("ann", "s2"))];
      const strangers = [come(of("ann")), come(of("bob"))];
      subscribe(kin[told]!, CHAT);
      backend.commands[0]?.resolve(commandReply({ disconnect: true }));
      await settle();
      for (const { connection } of kin) expect(connection.closedWith?.reason).toBe("Command Failed");
      for (const { connection } of strangers) expect(connection.closedWith).toBeNull();
      for (const sid of ["s1", "s2", "s3"]) expect(isRestored(come(of("ann", sid)))).toBe(false);
      expect(isRestored(come(of("ann", "s4")))).toBe(true);
    },
  );

  test("because it did not answer or was too slow does", () => {
    const { come, engine } = start();
    for (const reason of ["no_pong", "too_slow", "bad_frames"] as const) {
      const { session } = come(of("ann"));
      engine.drop(session, reason);
      expect(isRestored(come(of("ann", session.sid)))).toBe(true);
    }
    const { session } = come(of("ann"));
    engine.terminate(session, "write_timeout");
    expect(isRestored(come(of("ann", session.sid)))).toBe(true);
  });

  test("because of a bug does not", () => {
    const { come, engine } = start();
    const { session } = come(of("ann"));
    engine.drop(session, "internal_error");
    expect(isRestored(come(of("ann", session.sid)))).toBe(false);
  });
});

describe("a cache that answers later", () => {
  /** Answers when it is told to. */
  function lateCache() {
    const answers: ((fault?: Error) => void)[] = [];
    const broker = (clock: Clock): Broker => {
      const memory = new MemorySessions({ clock, ttlMs: TTL_MS });
      const later = <T>(answer: T) =>
        new Promise<T>((resolve, reject) =>
          answers.push((fault) => (fault === undefined ? resolve(answer) : reject(fault))),
        );
      return brokerOf({
        isShared: false,
        renew: (sid) => memory.renew(sid),
        save: (sid, snapshot) => later(memory.save(sid, snapshot)),
        find: (sid) => later(memory.find(sid)),
        remove: (sid) => memory.remove(sid),
        removeOf: (identifiers) => memory.removeOf(identifiers),
        removeWhere: (matches) => memory.removeWhere(matches),
      });
    };
    return { answers, broker };
  }

  test("has the client's commands wait for it", async () => {
    const { answers, broker } = lateCache();
    const { come, subscribe } = start({ broker });
    come(of("ann")).connection.terminate();
    const after = come(of("ann", "s1"));
    subscribe(after, PUBSUB);
    expect(after.connection.sent).toEqual([]);
    for (const answer of answers) answer();
    await settle();
    expect(isRestored(after)).toBe(true);
    expect(after.connection.sent[1]).toContain("confirm_subscription");
  });

  test("is an empty one when it fails, and the operator hears of it", async () => {
    const { answers, broker } = lateCache();
    const { come, log } = start({ broker });
    come(of("ann")).connection.terminate();
    const after = come(of("ann", "s1"));
    for (const answer of answers) answer(new Error("gone"));
    await settle();
    expect(after.connection.sent).toEqual(['{"type":"welcome","sid":"s2"}']);
    expect(log.lines.filter(({ message }) => message === "the cache of sessions failed")).toHaveLength(2);
  });

  test("is not waited for by a client that has gone", async () => {
    const { answers, broker } = lateCache();
    const { come, engine } = start({ broker });
    come(of("ann")).connection.terminate();
    const after = come(of("ann", "s1"));
    after.connection.terminate();
    for (const answer of answers) answer();
    await settle();
    expect(after.connection.sent).toEqual([]);
    expect(engine.sessions.size).toBe(0);
  });
});
