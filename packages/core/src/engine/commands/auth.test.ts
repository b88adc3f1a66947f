import { describe, expect, test } from "bun:test";
import type { Verdict } from "../../jwt/verdict.ts";
import {
  ACCEPTED,
  CHAT,
  counted,
  GOOD,
  NONE,
  PUBSUB,
  REFUSED,
  settle,
  setUp,
} from "../../testing/engine-rig.ts";
import { commandReply, connectReply, ScriptedBackend } from "../../testing/scripted-backend.ts";
import type { AdmissionPolicy, Credentials } from "../admission.ts";

const OK = '{"type":"auth","expires_in":3600}';
const REFUSAL = '{"type":"auth","error":"unauthorized"}';
const UNAUTHORIZED = '{"type":"disconnect","reason":"unauthorized","reconnect":false}';
const FOLLOWS: Credentials = { ...NONE, mayFollow: true };

interface Setup {
  admission?: Partial<AdmissionPolicy>;
  backend?: ScriptedBackend;
  closes?: boolean;
}

/** Tokens: `good` and `fresh` for an hour, `short` for ten seconds, `other` of somebody else, `endless`; no others. */
function server({ admission = {}, backend, closes = true }: Setup = {}) {
  let verified = 0;
  const verify = (token: string): Verdict => {
    verified += 1;
    const lifeMs = token === "short" ? 10_000 : 3_600_000;
    const identity = token === "other" ? '{"user":2}' : ACCEPTED.identity;
    if (!["good", "fresh", "short", "other", "endless"].includes(token)) return REFUSED;
    const connectionEndsAtMs = token === "endless" ? null : rig.clock.nowMs() + lifeMs;
    return { ...ACCEPTED, identity, claimsSegment: `claims-of-${token}`, connectionEndsAtMs };
  };
  const expiry = {
    ...{ closes, jitterPercent: 0, closesPerS: 0, noticeMs: 60_000, firstMessageTimeoutMs: 5000 },
  };
  const rig = setUp({
    admission: { verify, ...admission },
    options: { expiry },
    ...(backend === undefined ? {} : { backend }),
  });
  return { ...rig, verified: () => verified };
}

const came = (token: string): Credentials => ({ ...GOOD, token });

describe("auth on a live connection", () => {
  test.each(["good", "bad"])(
    "takes twenty tokens a minute, %s ones: one more ends it, unlooked at",
    (token) => {
      const { open, clock, verified } = server();
      const { connection, say } = open(came("good"), { pingIntervalMs: 0 });
      const before = verified();
      for (let count = 0; count < 20; count++) say({ command: "auth", token });
      clock.advance(3_000);
      say({ command: "auth", token });
      expect(connection.closedWith).toBeNull();
      say({ command: "auth", token });
      expect(connection.closedWith).toMatchObject({ code: 1008, reason: "Too many tokens" });
      expect(verified() - before).toBe(21);
    },
  );

  test("takes no more of a client that sends one for each life of its token", () => {
    const { open, clock } = server();
    const { connection, say } = open(came("short"), { pingIntervalMs: 0 });
    for (let count = 0; count < 100; count++) {
      clock.advance(5_000);
      say({ command: "auth", token: "short" });
    }
    expect(connection.closedWith).toBeNull();
  });

  test("moves the end to that of the new token, and says how long that is", () => {
    const { open, clock } = server();
    const { connection, say } = open(came("short"), { pingIntervalMs: 0 });
    clock.advance(9000);
    say({ command: "auth", token: "fresh" });
    expect(connection.sent.slice(1)).toEqual([OK]);
    clock.advance(3_590_000);
    expect(connection.closedWith).toBeNull();
    clock.advance(10_000);
    expect(connection.sent.at(-1)).toContain("token_expired");
  });

  test("moves it nearer as well, or takes it away", () => {
    const { open, clock } = server();
    const [shortened, endless] = [open(came("good"), { pingIntervalMs: 0 }), open(came("short"))];
    shortened.say({ command: "auth", token: "short" });
    endless.say({ command: "auth", token: "endless" });
    expect(endless.connection.sent.at(-1)).toBe('{"type":"auth"}');
    clock.advance(11_000);
    expect(shortened.connection.closedWith).not.toBeNull();
    expect(endless.connection.closedWith).toBeNull();
  });

  test("is answered where connections outlive their tokens too", () => {
    const { open } = server({ closes: false });
    const { connection, say, session } = open(came("short"));
    say({ command: "auth", token: "fresh" });
    expect(connection.sent.at(-1)).toBe(OK);
    expect(session.term).toBeNull();
  });

  test("with a token that is refused leaves all as it was, and is counted and logged with the reason", () => {
    const { open, clock, metrics, log } = server();
    const { connection, say } = open(came("short"), { pingIntervalMs: 0 });
    say({ command: "auth", token: "bad" });
    expect(connection.sent.slice(1)).toEqual([REFUSAL]);
    expect(counted(metrics, "jwt_verifications_total")).toContain("refused bad_signature message none 1");
    expect(metrics.counter("failed_auths_total").value).toBe(1);
    expect(log.lines.at(-1)).toMatchObject({
      message: "new token refused",
      fields: { reason: "bad_signature", sid: "s1", carrier: "message" },
    });
    clock.advance(9000);
    expect(connection.closedWith).toBeNull();
    clock.advance(1000);
    expect(connection.sent.at(-1)).toContain("token_expired");
  });

  test("without a token, or with one that is no text, is refused for that and leaves all as it was", () => {
    const { open, metrics, log, verified } = server();
    const { connection, say } = open(came("good"));
    const before = verified();
    say({ command: "auth" });
    say({ command: "auth", token: "" });
    say({ command: "auth", token: 5 });
    expect(connection.sent.slice(1)).toEqual([REFUSAL, REFUSAL, REFUSAL]);
    expect(connection.closedWith).toBeNull();
    expect(verified()).toBe(before);
    expect(counted(metrics, "jwt_verifications_total")).toContain("refused missing message none 3");
    expect(log.lines.at(-1)).toMatchObject({
      message: "new token refused",
      fields: { reason: "missing", detail: "the command has no `token`, or one that is not a string" },
    });
  });

  test("with a token of somebody else ends the connection", () => {
    const { open, metrics } = server();
    const { connection, say } = open(came("good"));
    say({ command: "auth", token: "other" });
    expect(connection.sent.slice(1)).toEqual([UNAUTHORIZED]);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Auth Failed" });
    expect(counted(metrics, "disconnects_total")).toEqual(["identity_changed 1"]);
  });

  test("of a client that came without a token ends the connection: it was somebody else", () => {
    const { open } = server({ admission: { noAuth: true } });
    const { connection, say } = open(NONE);
    say({ command: "auth", token: "good" });
    expect(connection.sent.at(-1)).toBe(UNAUTHORIZED);
  });

  test("is refused where no tokens are looked at", () => {
    const { open } = server({ admission: { verify: null, noAuth: true } });
    const { connection, say } = open(NONE);
    say({ command: "auth", token: "good" });
    expect(connection.sent.at(-1)).toBe(REFUSAL);
    expect(connection.closedWith).toBeNull();
  });

  test("waits for a key that is on its way, and is judged once more then", async () => {
    const arrivals: (() => void)[] = [];
    const missingKeys = {
      arrival: () => (arrivals.length > 0 ? null : new Promise<void>((resolve) => arrivals.push(resolve))),
      isBlind: false,
    };
    let known = false;
    const { open } = server({
      admission: {
        missingKeys,
        verify: (token) => (token === "good" || known ? ACCEPTED : REFUSED),
      },
    });
    const { connection, say } = open(GOOD);
    say({ command: "auth", token: "of-a-new-key" });
    say({ command: "ping" });
    expect(connection.sent).toHaveLength(1);
    known = true;
    arrivals[0]?.();
    await settle();
    expect(connection.sent.slice(1)).toEqual(['{"type":"auth"}', '{"type":"pong"}']);
  });

  test("in a flood of bad ones asks nobody, and writes lines through the sampler alone", () => {
    const backend = new ScriptedBackend();
    const { open, sampledKinds, log } = server({ backend, admission: { rpcAfterJwt: "off" } });
    const { connection, say } = open(GOOD);
    const lines = log.lines.length;
    for (let i = 0; i < 1000; i++) say({ command: "auth", token: `bad-${i}` });
    expect(connection.sent).toHaveLength(21);
    expect([backend.connects.length, backend.commands.length]).toEqual([0, 0]);
    // One each, and one for the end.
    expect(sampledKinds).toHaveLength(21);
    expect(log.lines.length - lines).toBe(21);
    expect(log.text()).not.toContain("bad-");
  });
});

describe("what the application is told after an auth", () => {
  test("has the new token and its claims in it, and none of the old ones", async () => {
    const backend = new ScriptedBackend();
    const { engine, open, clock } = server({ backend });
    const { session, say } = open(GOOD);
    session.url = "http://localhost/cable?jid=good&x=1";
    say({ command: "auth", token: "fresh" });
    say({ command: "subscribe", identifier: CHAT });
    const [command] = backend.commands;
    expect(command?.request.jwtIdentity).toBe("claims-of-fresh");
    expect(command?.request.env).toMatchObject({ url: "http://localhost/cable?jid=fresh&x=1", headers: {} });
    command?.resolve(commandReply());
    await settle();
    engine.closed(session);
    clock.advance(1000);
    expect(backend.disconnects[0]).toMatchObject({
      jwtIdentity: "claims-of-fresh",
      env: { url: "http://localhost/cable?jid=fresh&x=1" },
    });
  });

  test("is so for commands behind it, and not for those before it", async () => {
    const backend = new ScriptedBackend();
    const { open } = server({ backend });
    const { say, connection } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    say({ command: "auth", token: "fresh" });
    say({ command: "subscribe", identifier: `${CHAT} ` });
    expect(connection.sent).toHaveLength(1);
    backend.commands[0]?.resolve(commandReply());
    await settle();
    expect(backend.commands.map(({ request }) => request.jwtIdentity)).toEqual([
      "claims-of-good",
      "claims-of-fresh",
    ]);
  });

  test("is the token's own identity that has to stay, also where the application gave other identifiers", async () => {
    const backend = new ScriptedBackend();
    const { open } = server({ backend, admission: { rpcAfterJwt: "enforce" } });
    const { say, connection, session } = open(GOOD);
    backend.connects[0]?.resolve(connectReply({ identifiers: "gid://app/User/1" }));
    await settle();
    say({ command: "auth", token: "fresh" });
    expect(connection.sent).toEqual([OK]);
    expect(session.identifiers).toBe("gid://app/User/1");
    say({ command: "auth", token: "fresh" });
    expect(connection.sent).toEqual([OK, OK]);
    say({ command: "auth", token: "other" });
    expect(connection.sent.at(-1)).toBe(UNAUTHORIZED);
    expect(backend.connects).toHaveLength(1);
  });
});

describe("a token in the first message", () => {
  test("lets the client in as any other would, and what was said before it is done then", () => {
    const { open, verified } = server({ admission: { enforceJwt: true } });
    const { connection, say, session } = open(FOLLOWS);
    say({ command: "subscribe", identifier: PUBSUB });
    expect([connection.sent, verified()]).toEqual([[], 0]);
    say({ command: "auth", token: "good" });
    expect(connection.sent).toEqual([
      '{"type":"welcome","sid":"s1"}',
      `{"type":"confirm_subscription","identifier":${JSON.stringify(PUBSUB)}}`,
    ]);
    expect(session.identifiers).toBe(ACCEPTED.identity);
    say({ command: "auth", token: "fresh" });
    expect(connection.sent.at(-1)).toBe(OK);
  });

  test("is final when it is bad, and neither the application nor noauth is asked instead", () => {
    const backend = new ScriptedBackend();
    for (const [token, reason] of [
      ["bad", "bad_signature"],
      ["", "missing"],
    ] as const) {
      const { open, clock, log } = server({ backend, admission: { noAuth: true } });
      const { connection, say } = open(FOLLOWS, { pingIntervalMs: 0 });
      say({ command: "subscribe", identifier: PUBSUB });
      clock.advance(4000);
      expect([connection.sent.length, backend.connects.length]).toEqual([0, 0]);
      say({ command: "auth", token });
      expect(connection.sent).toEqual([UNAUTHORIZED]);
      expect(log.lines.at(-1)).toMatchObject({ message: "client refused", fields: { reason } });
      clock.advance(10_000);
      expect(connection.sent).toEqual([UNAUTHORIZED]);
    }
    expect(backend.connects).toEqual([]);
  });

  test("is followed by the application's word where that is asked for, in its own time", async () => {
    const backend = new ScriptedBackend();
    const { open, clock } = server({ backend, admission: { rpcAfterJwt: "enforce" } });
    const { connection, say } = open(FOLLOWS, { pingIntervalMs: 0 });
    say({ command: "auth", token: "good" });
    say({ command: "subscribe", identifier: PUBSUB });
    expect(backend.connects[0]?.request).toMatchObject({
      jwtIdentity: "claims-of-good",
      env: { headers: { "x-jid": "good" } },
    });
    clock.advance(6000);
    expect(connection.sent).toEqual([]);
    backend.connects[0]?.resolve(connectReply({ transmissions: ['{"type":"welcome"}'] }));
    await settle();
    expect(connection.sent[0]).toBe('{"type":"welcome"}');
    expect(connection.sent[1]).toContain("confirm_subscription");
  });

  test("does not wait behind what nobody may do yet, and that is bounded", () => {
    const { open } = server();
    const { connection, say } = open(FOLLOWS);
    for (let i = 0; i < 3; i++) say({ command: "ping" });
    say({ command: "auth", token: "good" });
    expect(connection.sent).toHaveLength(4);
    const flooding = open(FOLLOWS);
    for (let i = 0; i < 5; i++) flooding.say({ command: "ping" });
    expect(flooding.connection.closedWith).toEqual({ code: 1008, reason: "Too many pending commands" });
  });
});
