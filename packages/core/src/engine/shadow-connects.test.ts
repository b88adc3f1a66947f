import { describe, expect, test } from "bun:test";
import { CableError } from "../errors.ts";
import type { Refused } from "../jwt/verdict.ts";
import type { AuthReason } from "../reasons.ts";
import type { ConnectReply } from "../rpc/backend.ts";
import { ACCEPTED, BAD, GOOD, NONE, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import { connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";

const BY_A_KEY: Refused = { ...REFUSED, reason: "expired", keyName: "secret", expiredForMs: 5000 };

/** An engine in shadow mode; every token but "good" is refused with `refusal`. */
function shadowing(refusal: Refused = BY_A_KEY) {
  const backend = new ScriptedBackend();
  const verify = (token: string) => (token === "good" ? ACCEPTED : refusal);
  const rig = setUp({ backend, admission: { rpcAfterJwt: "shadow", verify } });
  const counted = () =>
    [...rig.metrics.labelled("auth_disagreements_total").samples()].map(({ labelValues, value }) => [
      ...labelValues,
      value,
    ]);
  const answer = async (call: number, reply: Partial<ConnectReply>) => {
    backend.connects[call]?.resolve(connectReply(reply));
    await settle();
  };
  return { ...rig, backend, counted, answer };
}

describe("a client that its token lets in", () => {
  test("is welcomed at once, may go on at once, and the application is asked as well", () => {
    const { backend, open } = shadowing();
    const { connection, say } = open(GOOD);
    expect(connection.sent).toEqual(['{"type":"welcome","sid":"s1"}']);
    say({ command: "ping" });
    expect(connection.sent.at(-1)).toBe('{"type":"pong"}');
    expect(backend.connects.map(({ request }) => [request.sid, request.jwtIdentity])).toEqual([
      ["s1", "e30"],
    ]);
  });

  test("has nothing of the application's answer, whatever it is", async () => {
    const { engine, backend, open, answer } = shadowing();
    const answers: Partial<ConnectReply>[] = [
      { identifiers: "other", transmissions: ["hello"], cstate: { a: "1" } },
      { status: "failure", transmissions: ["no"] },
      { status: "error", errorMessage: "boom" },
    ];
    for (const [call, reply] of answers.entries()) {
      const { connection, session } = open(GOOD);
      const before = [...connection.sent];
      await answer(call, reply);
      expect(connection.sent).toEqual(before);
      expect(connection.closedWith).toBeNull();
      expect(session).toMatchObject({ state: "open", identifiers: '{"user":1}', cstate: {} });
      engine.closed(session);
    }
    expect(backend.disconnects).toEqual([]);
  });

  test.each([
    ["let in without a name", null, {}],
    ["let in under its name", null, { identifiers: '{"user":1}' }],
    ["let in under another name", "other_identifiers", { identifiers: '{"user":2}' }],
    ["kept out", "failure", { status: "failure", errorMessage: "who is that" }],
    ["answered with an error", "error", { status: "error", errorMessage: "boom" }],
  ] as [string, string | null, Partial<ConnectReply>][])(
    "and by the application %s is counted as %p",
    async (_what, rpc, reply) => {
      const { open, answer, counted, log } = shadowing();
      open(GOOD);
      await answer(0, reply);
      expect(counted()).toEqual(rpc === null ? [] : [["accepted", rpc, 1]]);
      const lines = log.lines.filter(({ message }) => message === "token and application disagree");
      expect(lines.map(({ level, fields }) => [level, fields])).toEqual(
        rpc === null
          ? []
          : [["warn", expect.objectContaining({ jwt: "accepted", rpc, sid: "s1", remote: "192.0.2.1" })]],
      );
    },
  );

  test("is counted apart when the application cannot be asked", async () => {
    const { backend, open, counted, log } = shadowing();
    open(GOOD);
    backend.connects[0]?.reject(new CableError("backend_unreachable", "call Connect: ECONNREFUSED"));
    await settle();
    expect(counted()).toEqual([["accepted", "unreachable", 1]]);
    expect(log.text()).toContain("backend_unreachable: call Connect: ECONNREFUSED");
  });

  test("is asked about also when it has gone meanwhile", async () => {
    const { engine, backend, open, answer, counted } = shadowing();
    engine.closed(open(GOOD).session);
    expect(backend.connects[0]?.scope.cancelled).toBe(false);
    await answer(0, { status: "failure" });
    expect(counted()).toEqual([["accepted", "failure", 1]]);
  });

  test("waits for its turn to be asked about, a few at a time", async () => {
    const { backend, open, answer, counted } = shadowing();
    for (let client = 0; client < 5; client++) {
      expect(open(GOOD).connection.sent).toHaveLength(1);
    }
    expect(backend.connects).toHaveLength(2);
    for (let call = 0; call < 5; call++) {
      await answer(call, { status: "failure" });
      expect(backend.connects).toHaveLength(Math.min(5, call + 3));
    }
    expect(backend.connects.map(({ request }) => request.sid)).toEqual(["s1", "s2", "s3", "s4", "s5"]);
    expect(counted()).toEqual([["accepted", "failure", 5]]);
  });

  test("is not asked about, and counted so, when thousands wait already", () => {
    const { backend, open, counted } = shadowing();
    for (let client = 0; client < 2 + 4096 + 3; client++) open(GOOD);
    expect(backend.connects).toHaveLength(2);
    expect(counted()).toEqual([["accepted", "not_asked", 3]]);
  });
});

describe("a client that its token keeps out", () => {
  test("is refused at once, and asked about without its claims", async () => {
    const { backend, open, answer, counted, log } = shadowing();
    const { connection } = open(BAD);
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"token_expired","reconnect":false}']);
    expect(backend.connects.map(({ request }) => request.jwtIdentity)).toEqual([null]);
    await answer(0, { identifiers: "u7", transmissions: ["welcome"] });
    expect(connection.sent).toHaveLength(1);
    expect(counted()).toEqual([["refused", "success", 1]]);
    const line = log.lines.find(({ message }) => message === "token and application disagree");
    expect(line?.fields).toMatchObject({ jwt: "refused", rpc: "success", reason: "expired" });
  });

  test("is no disagreement when the application says no as well", async () => {
    const { open, answer, counted } = shadowing();
    open(BAD);
    await answer(0, { status: "failure" });
    expect(counted()).toEqual([]);
  });

  test.each(["malformed", "too_large", "alg_not_allowed", "unknown_key", "bad_signature"] as AuthReason[])(
    "is not asked about for %p, which anyone can cause",
    (reason) => {
      const { backend, open } = shadowing({ ...REFUSED, reason });
      open(BAD);
      expect(backend.connects).toEqual([]);
    },
  );

  test("is not asked about when somebody else may have the key", () => {
    const { backend, open } = shadowing({ ...BY_A_KEY, reason: "key_revoked" });
    open(BAD);
    expect(backend.connects).toEqual([]);
  });

  test("is asked about five times a second at most, so that an old token in a loop is no flood", async () => {
    const { backend, clock, open, answer } = shadowing();
    for (let client = 0; client < 1000; client++) open(BAD);
    for (let call = 0; call < 5; call++) await answer(call, { status: "failure" });
    expect(backend.connects).toHaveLength(5);
    clock.advance(1000);
    open(BAD);
    expect(backend.connects).toHaveLength(6);
  });
});

test("a client without a token is the application's to judge, as without the option", async () => {
  const { open, answer, counted } = shadowing();
  const { connection } = open(NONE);
  expect(connection.sent).toEqual([]);
  await answer(0, { transmissions: ["hello"], identifiers: "u" });
  expect(connection.sent).toEqual(["hello"]);
  expect(counted()).toEqual([]);
});

test("at shutdown what is under way is given up and nothing more is asked", async () => {
  const { engine, backend, open, counted } = shadowing();
  for (let client = 0; client < 3; client++) open(GOOD);
  const done = engine.shutdown(1000);
  expect(backend.connects.map(({ scope }) => scope.cancelled)).toEqual([true, true]);
  for (const { reject } of backend.connects) reject(new CableError("canceled", "gave up"));
  await settle();
  expect(backend.connects).toHaveLength(2);
  expect(counted()).toEqual([]);
  await done;
});

test("a bug in the call ends no session", async () => {
  const broken = {
    ...new ScriptedBackend(),
    kind: "grpc",
    connect: () => {
      throw new TypeError("a bug");
    },
  };
  const { open, log } = setUp({ backend: broken as never, admission: { rpcAfterJwt: "shadow" } });
  const { connection } = open(GOOD);
  await settle();
  expect(connection.closedWith).toBeNull();
  expect(log.text()).toContain("bug: a bug");
});
