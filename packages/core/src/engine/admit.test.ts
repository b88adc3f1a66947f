import { describe, expect, test } from "bun:test";
import { CableError } from "../errors.ts";
import type { Verdict } from "../jwt/verdict.ts";
import { AUTH_REASONS } from "../reasons.ts";
import { BAD, GOOD, NONE, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import { connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";

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

  test("refuses who comes with two different tokens, though one is good", () => {
    const { open, log } = setUp();
    const { connection } = open({ ...GOOD, ambiguous: true });
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"unauthorized","reconnect":false}']);
    expect(log.text()).toContain("the request carries two different tokens");
  });

  test("tells the client what the policy makes of the reason", () => {
    const farewell = { ...AUTH_REASONS.bad_signature, wire: "later", reconnect: true };
    const { open } = setUp({ admission: { farewell: () => farewell } });
    expect(open(BAD).connection.sent).toEqual(['{"type":"disconnect","reason":"later","reconnect":true}']);
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
    const { open } = setUp({ backend, admission: { rpcAfterJwt: "enforce" } });
    const { connection, session } = open(GOOD);
    expect(backend.connects[0]?.request.jwtIdentity).toBe("e30");
    backend.connects[0]?.resolve(connectReply({ transmissions: ["hello"] }));
    await settle();
    expect(connection.sent).toEqual(["hello"]);
    expect(session.identifiers).toBe('{"user":1}');
  });

  test("a good token does not save a client that the application refuses", async () => {
    const backend = new ScriptedBackend();
    const { open, metrics } = setUp({ backend, admission: { rpcAfterJwt: "enforce" } });
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

  test("a bug met while an answer is applied ends that session alone, and nothing is left of it", async () => {
    const backend = new ScriptedBackend();
    const { engine, open, log } = setUp({ backend });
    const { connection } = open(NONE);
    const other = open(GOOD);
    backend.connects[0]?.resolve(connectReply({ transmissions: null as never }));
    await settle();
    expect(connection.closedWith).toEqual({ code: 1011, reason: "Auth Error" });
    expect(log.lines.find(({ level }) => level === "error")?.fields).toMatchObject({ code: "bug" });
    expect(engine.sessions.size).toBe(1);
    other.say({ command: "ping" });
    expect(other.connection.sent.at(-1)).toBe('{"type":"pong"}');
  });

  test("a bug met while the application is asked does too", () => {
    const { engine, open } = setUp({
      backend: {
        ...new ScriptedBackend(),
        kind: "grpc",
        connect: () => {
          throw new TypeError("a bug");
        },
        command: () => {
          throw new TypeError("a bug");
        },
      } as never,
    });
    expect(open(NONE).connection.closedWith?.code).toBe(1011);
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: "x" });
    expect(connection.closedWith).toEqual({ code: 1011, reason: "Internal Error" });
    expect(engine.sessions.size).toBe(0);
  });
});
