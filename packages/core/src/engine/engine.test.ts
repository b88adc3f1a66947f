import { describe, expect, test } from "bun:test";
import { CableError } from "../errors.ts";
import type { Verdict } from "../jwt/verdict.ts";
import { createMetrics } from "../metrics/registry.ts";
import { pubsubRoute } from "../router/pubsub-route.ts";
import type { Backend } from "../rpc/backend.ts";
import { NULL_BACKEND } from "../rpc/null-backend.ts";
import type { Session } from "../session/session.ts";
import { FakeConnection, FakeTopics } from "../testing/fake-connection.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { RecordingLog } from "../testing/recording-log.ts";
import { commandReply, connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import type { AdmissionPolicy, Credentials } from "./admission.ts";
import { Engine, type EngineOptions } from "./engine.ts";

const ACCEPTED: Verdict = {
  accepted: true,
  identity: '{"user":1}',
  keyName: "secret",
  claimsSegment: "e30",
  expiresAtMs: null,
};
const REFUSED: Verdict = {
  accepted: false,
  reason: "bad_signature",
  keyName: null,
  detail: "no key verifies the signature",
  expiredForMs: null,
};
const GOOD: Credentials = { token: "good", carrier: "query", queryMalformed: false };
const BAD: Credentials = { token: "bad", carrier: "query", queryMalformed: false };
const NONE: Credentials = { token: null, carrier: "none", queryMalformed: false };
const CHAT = '{"channel":"ChatChannel"}';
const PUBSUB = '{"channel":"$pubsub","stream_name":"chat"}';

interface Setup {
  admission?: Partial<AdmissionPolicy>;
  options?: Partial<EngineOptions>;
  backend?: Backend;
}

function setUp({ admission = {}, options = {}, backend = NULL_BACKEND }: Setup = {}) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const topics = new FakeTopics();
  const metrics = createMetrics();
  let sids = 0;
  const engine = new Engine(
    {
      admission: {
        verify: (token) => (token === "good" ? ACCEPTED : REFUSED),
        enforceJwt: false,
        noAuth: false,
        rpcAfterJwt: false,
        hasBackend: backend.kind !== "none",
        ...admission,
      },
      disconnectMode: "auto",
      disconnectRatePerS: 100,
      disconnectBacklog: 4096,
      maxPendingCommands: 3,
      maxPendingBytes: 1000,
      writeTimeoutMs: 2000,
      nativePings: false,
      compress: false,
      ...options,
    },
    {
      backend,
      router: new Map([["$pubsub", pubsubRoute({ publicStreams: true })]]),
      topics,
      clock,
      random: new SeededRandom(1),
      log,
      metrics,
      sampled: (level, _kind, message, fields) => log[level](message, fields),
    },
  );
  const open = (credentials: Credentials, plan = { pongTimeoutMs: 0 }) => {
    const connection = new FakeConnection();
    topics.connections.add(connection);
    sids += 1;
    const session: Session = engine.open(
      {
        sid: `s${sids}`,
        plan: { pingIntervalMs: 3000, pingPrecision: "s", ...plan },
        remoteAddress: "192.0.2.1",
        url: "http://localhost/cable",
        headers: {},
        connection,
      },
      credentials,
    );
    connection.onClose = () => engine.closed(session);
    const say = (command: object | string) => {
      const text = typeof command === "string" ? command : JSON.stringify(command);
      engine.receive(session, text, text.length);
    };
    return { connection, session, say };
  };
  return { engine, clock, log, metrics, open };
}

const settle = () =>
  new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(resolve))));

describe("admission", () => {
  test("welcomes a client whose token is good, without asking the application", () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, session } = open(GOOD);
    expect(connection.sent).toEqual(['{"type":"welcome","sid":"s1"}']);
    expect(session.identifiers).toBe('{"user":1}');
    expect(backend.connects).toHaveLength(0);
  });

  test("refuses a bad token for good, also where others come in without one", () => {
    const backend = new ScriptedBackend();
    const { open, metrics } = setUp({ backend, admission: { noAuth: true } });
    const { connection } = open(BAD);
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"unauthorized","reconnect":false}']);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Auth Failed" });
    expect(backend.connects).toHaveLength(0);
    expect(metrics.counter("failed_auths_total").value).toBe(1);
    expect([...metrics.labelled("jwt_verifications_total").samples()].map((s) => s.labelValues)).toEqual([
      ["refused", "bad_signature", "query", "none"],
    ]);
  });

  test("says the exact reason to the operator, and the key where one verified", () => {
    const expired: Verdict = { ...REFUSED, reason: "expired", keyName: "secret", expiredForMs: 5400 };
    const { open, log } = setUp({ admission: { verify: () => expired } });
    const { connection } = open(BAD);
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"token_expired","reconnect":false}']);
    const line = log.lines.find(({ message }) => message === "client refused");
    expect(line?.level).toBe("info");
    expect(line?.fields).toMatchObject({
      reason: "expired",
      key: "secret",
      sid: "s1",
      remote: "192.0.2.1",
      expired_for: "5s",
    });
  });

  test("counts a token that has to be there and is not as missing", () => {
    const { open, metrics } = setUp({ admission: { enforceJwt: true, noAuth: true } });
    expect(open(NONE).connection.sent).toEqual([
      '{"type":"disconnect","reason":"unauthorized","reconnect":false}',
    ]);
    const [sample] = metrics.labelled("jwt_verifications_total").samples();
    expect(sample?.labelValues).toEqual(["refused", "missing", "none", "none"]);
  });

  test("gives whoever needs no token an identity of its own", () => {
    const { open } = setUp({ admission: { noAuth: true } });
    expect(open(NONE).session.identifiers).toBe('{"sid":"s1"}');
  });

  test("asks the application about a client without a token and forwards what it says", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, session } = open(NONE);
    expect(connection.sent).toEqual([]);
    backend.connects[0]?.resolve(
      connectReply({ identifiers: "u7", transmissions: ['{"type":"welcome"}'], cstate: { a: "1" } }),
    );
    await settle();
    expect(connection.sent).toEqual(['{"type":"welcome"}']);
    expect(session).toMatchObject({ state: "open", identifiers: "u7", cstate: { a: "1" } });
  });

  test("closes 1011 without a word when the application cannot be asked", async () => {
    const backend = new ScriptedBackend();
    const { open, log, metrics } = setUp({ backend });
    const { connection } = open(NONE);
    backend.connects[0]?.reject(new CableError("backend_unreachable", "call Connect: ECONNREFUSED"));
    await settle();
    expect(connection.sent).toEqual([]);
    expect(connection.closedWith).toEqual({ code: 1011, reason: "Auth Error" });
    expect(metrics.counter("failed_auths_total").value).toBe(0);
    expect(log.lines.find(({ level }) => level === "error")?.fields).toMatchObject({
      code: "backend_unreachable",
    });
  });

  test("asks the application after the token when told to, and adds no welcome of its own", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend, admission: { rpcAfterJwt: true } });
    const { connection, session } = open(GOOD);
    expect(backend.connects[0]?.request.jwtIdentity).toBe("e30");
    backend.connects[0]?.resolve(connectReply({ transmissions: ["hello"] }));
    await settle();
    expect(connection.sent).toEqual(["hello"]);
    expect(session.identifiers).toBe('{"user":1}');
  });

  test("a good token does not save a client that the application refuses", async () => {
    const backend = new ScriptedBackend();
    const { open, metrics } = setUp({ backend, admission: { rpcAfterJwt: true } });
    const { connection } = open(GOOD);
    backend.connects[0]?.resolve(connectReply({ status: "failure", transmissions: ["no"] }));
    await settle();
    expect(connection.sent).toEqual(["no"]);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Auth Failed" });
    expect(metrics.counter("failed_auths_total").value).toBe(1);
  });

  test("forgets an answer that comes after the client has gone", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, session } = open(NONE);
    engine.closed(session);
    expect(backend.connects[0]?.scope.cancelled).toBe(true);
    backend.connects[0]?.resolve(connectReply({ transmissions: ["late"] }));
    await settle();
    expect(connection.sent).toEqual([]);
    expect(engine.sessions.size).toBe(0);
  });
});

describe("commands", () => {
  test("a public stream is confirmed in the same tick and delivers", () => {
    const { engine, open, metrics } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    expect(engine.publish('{"stream":"chat","data":"{\\"b\\":1,\\"a\\":12345678901234567890}"}')).toEqual({
      accepted: true,
    });
    expect(connection.sent.slice(1)).toEqual([
      `{"type":"confirm_subscription","identifier":${JSON.stringify(PUBSUB)}}`,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":{"b":1,"a":12345678901234567890}}`,
    ]);
    expect(metrics.counter("server_msg_total").value).toBe(3);
  });

  test("does not answer a second subscribe and goes on working", () => {
    const { open, metrics } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "ping" });
    expect(connection.sent.slice(2)).toEqual(['{"type":"pong"}']);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
  });

  test("unsubscribing is silent, and nothing is delivered afterwards", () => {
    const { engine, open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "unsubscribe", identifier: PUBSUB });
    engine.publish('{"stream":"chat","data":"1"}');
    expect(connection.sent).toHaveLength(2);
    expect(engine.population().streams).toBe(0);
  });

  test("follows the streams of a reply before it confirms", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ streams: ["room"], transmissions: ["confirmed"], istate: { k: "v" } }),
    );
    await settle();
    engine.publish('{"stream":"room","data":"\\"hi\\""}');
    expect(connection.sent.slice(1)).toEqual([
      "confirmed",
      `{"identifier":${JSON.stringify(CHAT)},"message":"hi"}`,
    ]);
    say({ command: "message", identifier: CHAT, data: "{}" });
    expect(backend.commands[1]?.request).toMatchObject({
      command: "message",
      data: "{}",
      env: { istate: { k: "v" } },
    });
  });

  test("gives a rejected subscription no streams (D11)", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ status: "failure", streams: ["room"], transmissions: ["rejected"] }),
    );
    await settle();
    engine.publish('{"stream":"room","data":"1"}');
    expect(connection.sent.slice(1)).toEqual(["rejected"]);
    say({ command: "subscribe", identifier: CHAT });
    expect(backend.commands).toHaveLength(2);
  });

  test("carries out one command at a time and in order, pings included", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    say({ command: "message", identifier: CHAT, data: "1" });
    say({ command: "ping" });
    expect(backend.commands).toHaveLength(1);
    backend.commands[0]?.resolve(commandReply({ transmissions: ["a"] }));
    await settle();
    expect(connection.sent.slice(1)).toEqual(["a"]);
    backend.commands[1]?.resolve(commandReply({ transmissions: ["b"] }));
    await settle();
    expect(connection.sent.slice(1)).toEqual(["a", "b", '{"type":"pong"}']);
  });

  test("closes 1008 when more commands wait than may", () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    for (let i = 0; i < 5; i++) say({ command: "subscribe", identifier: `c${i}` });
    expect(connection.closedWith?.code).toBe(1008);
    expect(backend.commands[0]?.scope.cancelled).toBe(true);
  });

  test("keeps the commands of a client that the application has not let in yet", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(NONE);
    say({ command: "ping" });
    expect(connection.sent).toEqual([]);
    backend.connects[0]?.resolve(connectReply({ identifiers: "u", transmissions: ["welcome"] }));
    await settle();
    expect(connection.sent).toEqual(["welcome", '{"type":"pong"}']);
  });

  test("an error of the application fails the command and says so to the operator only", async () => {
    const backend = new ScriptedBackend();
    const { open, log } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ status: "error", errorMessage: "boom", transmissions: ["x"] }),
    );
    await settle();
    expect(connection.sent).toHaveLength(1);
    expect(log.lines.find(({ level }) => level === "warn")?.fields?.error).toContain("boom");
    say({ command: "ping" });
    expect(connection.sent).toHaveLength(2);
  });

  test("closes 1000 when the application asks for it, after its transmissions (D17)", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({ disconnect: true, transmissions: ["bye"] }));
    await settle();
    expect(connection.sent.at(-1)).toBe("bye");
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Command Failed" });
  });

  test("answers history and presence as a server without a broker does", () => {
    const { open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB, history: { since: 1 } });
    say({ command: "history", identifier: PUBSUB, history: { streams: {} } });
    say({ command: "presence", identifier: PUBSUB });
    const identifier = JSON.stringify(PUBSUB);
    expect(connection.sent.slice(2)).toEqual([
      `{"type":"reject_history","identifier":${identifier}}`,
      `{"type":"confirm_history","identifier":${identifier}}`,
      `{"type":"presence","identifier":${identifier},"message":{"type":"error","total":0}}`,
    ]);
  });

  test("goes on after malformed frames and closes 1008 past twenty a minute (D6)", () => {
    const { open, clock, metrics } = setUp();
    const { connection, say } = open(GOOD);
    for (let i = 0; i < 20; i++) say("{");
    say({ command: "ping" });
    expect(connection.sent.at(-1)).toBe('{"type":"pong"}');
    clock.advance(61_000);
    for (let i = 0; i < 20; i++) say("[]");
    expect(connection.closedWith).toBeNull();
    say("nonsense");
    expect(connection.closedWith?.code).toBe(1008);
    expect(metrics.counter("failed_client_msg_total").value).toBe(41);
  });
});

describe("publishing", () => {
  test("refuses a batch with a bad element whole (D12)", () => {
    const { engine, open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    const result = engine.publish('[{"stream":"chat","data":"1"},{"stream":"chat","data":{}}]');
    expect(result).toMatchObject({ accepted: false });
    expect(connection.sent).toHaveLength(2);
    engine.publish('[{"stream":"chat","data":"1"},{"stream":"chat","data":"2"}]');
    expect(connection.sent).toHaveLength(4);
  });

  test("leaves the excluded client out, and only for that message", () => {
    const { engine, open } = setUp();
    const [first, second] = [open(GOOD), open(GOOD)];
    for (const { say } of [first, second]) say({ command: "subscribe", identifier: PUBSUB });
    engine.publish('{"stream":"chat","data":"1","meta":{"exclude_socket":"s1"}}');
    engine.publish('{"stream":"chat","data":"2"}');
    expect(first.connection.sent).toHaveLength(3);
    expect(second.connection.sent).toHaveLength(4);
  });

  test("sends one copy an identifier, and one only", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    for (const identifier of ["a", "b"]) {
      say({ command: "subscribe", identifier });
      backend.commands.at(-1)?.resolve(commandReply({ streams: ["room", "room"] }));
      await settle();
    }
    engine.publish('{"stream":"room","data":"1","meta":{"broadcast_type":"note"}}');
    expect(connection.sent.slice(1)).toEqual([
      '{"type":"note","identifier":"a","message":1}',
      '{"type":"note","identifier":"b","message":1}',
    ]);
  });

  test("a remote disconnect closes every session of the identity (D10)", () => {
    const { engine, open } = setUp();
    const clients = [open(GOOD), open(GOOD)];
    engine.publish(
      JSON.stringify({ command: "disconnect", payload: { identifier: '{"user":1}', reconnect: true } }),
    );
    for (const { connection } of clients) {
      expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"remote","reconnect":true}');
      expect(connection.closedWith).toEqual({ code: 1000, reason: "Closed remotely" });
    }
  });
});

describe("heartbeat", () => {
  test("pings after half to one and a half of the interval, then every interval", () => {
    const { open, clock } = setUp();
    const { connection } = open(GOOD);
    clock.advance(1450);
    expect(connection.sent).toHaveLength(1);
    clock.advance(3100);
    const pings = connection.sent.length - 1;
    expect(pings).toBeGreaterThanOrEqual(1);
    clock.advance(30_000);
    expect(connection.sent.length - 1 - pings).toBe(10);
    expect(connection.sent.at(-1)).toMatch(/^\{"type":"ping","message":\d{10}\}$/);
  });

  test("gives up a client that answers no ping, and not one that does", () => {
    const { open, clock } = setUp();
    const silent = open(GOOD, { pongTimeoutMs: 2000 });
    const lively = open(GOOD, { pongTimeoutMs: 2000 });
    for (let i = 0; i < 200; i++) {
      clock.advance(100);
      lively.say({ command: "pong" });
    }
    expect(silent.connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"no_pong","reconnect":true}');
    expect(silent.connection.closedWith).toEqual({ code: 1000, reason: "No Pong" });
    expect(lively.connection.closedWith).toBeNull();
  });
});

describe("slow clients", () => {
  test("tells a client that does not keep up and closes it (D29)", () => {
    const { engine, open, clock, metrics } = setUp();
    const { connection } = open(GOOD);
    connection.buffered = 1001;
    engine.publish('{"stream":"other","data":"1"}');
    clock.advance(200);
    expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"too_slow","reconnect":true}');
    expect(connection.closedWith).toEqual({ code: 1000, reason: "" });
    expect(metrics.counter("disconnected_slow_clients_total").value).toBe(1);
  });

  test("cuts a client whose socket takes nothing for the write timeout", () => {
    const { engine, open, clock, metrics } = setUp();
    const stuck = open(GOOD);
    const moving = open(GOOD);
    stuck.connection.buffered = 10;
    moving.connection.buffered = 10;
    engine.publish('{"stream":"other","data":"1"}');
    for (let i = 0; i < 30; i++) {
      clock.advance(100);
      engine.drained(moving.session);
    }
    expect(stuck.connection.terminated).toBe(true);
    expect(moving.connection.terminated).toBe(false);
    expect(metrics.counter("timeout_server_msg_total").value).toBe(1);
  });
});

describe("ending", () => {
  test("tells the application of a session that it had a part in, with the state of its channels", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({ istate: { room: "1" } }));
    await settle();
    engine.closed(session);
    await engine.shutdown(1000);
    expect(backend.disconnects).toMatchObject([
      { identifiers: '{"user":1}', subscriptions: [CHAT], env: { istate: { [CHAT]: '{"room":"1"}' } } },
    ]);
  });

  test("does not tell it of one that it never heard of", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    engine.closed(session);
    await engine.shutdown(1000);
    expect(backend.disconnects).toEqual([]);
  });

  test("a shutdown tells every client and closes when its queue is empty (D13)", async () => {
    const { engine, open, clock } = setUp();
    const quick = open(GOOD);
    const slow = open(GOOD);
    slow.connection.buffered = 500;
    const done = engine.shutdown(10_000);
    const restart = '{"type":"disconnect","reason":"server_restart","reconnect":true}';
    expect(quick.connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
    expect(slow.connection.sent.at(-1)).toBe(restart);
    expect(slow.connection.closedWith).toBeNull();
    slow.connection.buffered = 0;
    clock.advance(100);
    await done;
    expect(slow.connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
  });
});
