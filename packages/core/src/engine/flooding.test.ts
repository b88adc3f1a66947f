import { describe, expect, test } from "bun:test";
import { ACCEPTED, BAD, CHAT, GOOD, NONE, PUBSUB, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import type { RecordingLog } from "../testing/recording-log.ts";
import { commandReply, connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";

const aboveDebug = (log: RecordingLog) => log.lines.filter(({ level }) => level !== "debug");

/** Everything that a client can do to make the operator's log grow, one way at a time. */
describe("lines that clients can cause go through the sampler:", () => {
  test("commands that fail", () => {
    const { open, log, sampledKinds } = setUp();
    const { say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    for (const command of [
      { command: "subscribe", identifier: PUBSUB },
      { command: "nonsense" },
      { command: "unsubscribe", identifier: "x" },
      { command: "message", identifier: PUBSUB, data: 1 },
      { command: "message", identifier: PUBSUB, data: "1" },
      { command: "history", identifier: PUBSUB, history: { since: 1 } },
      { command: "presence", identifier: PUBSUB },
    ]) {
      say(command);
    }
    expect(aboveDebug(log)).toHaveLength(7);
    expect(sampledKinds).toHaveLength(7);
  });

  test("requests for history with a subscription", () => {
    const { open, log, sampledKinds } = setUp();
    const { say } = open(GOOD);
    for (let i = 0; i < 3; i++) {
      say({ command: "subscribe", identifier: PUBSUB, history: { since: 1 } });
      say({ command: "unsubscribe", identifier: PUBSUB });
    }
    expect(aboveDebug(log)).toHaveLength(3);
    expect(sampledKinds).toHaveLength(3);
  });

  test("pongs that do not come", () => {
    const { open, clock, log, sampledKinds } = setUp();
    open(GOOD, { pongTimeoutMs: 1000 });
    clock.advance(20_000);
    expect(aboveDebug(log)).toHaveLength(1);
    expect(sampledKinds).toEqual(["no_pong"]);
  });

  test("refusals, by token and by the application", async () => {
    const backend = new ScriptedBackend();
    const { open, log, sampledKinds } = setUp({ backend });
    open(BAD);
    for (const _ of [1, 2, 3]) open(NONE);
    backend.connects[0]?.resolve(connectReply({ status: "failure" }));
    backend.connects[1]?.resolve(connectReply({ status: "error" }));
    backend.connects[2]?.reject(new Error("a bug"));
    await settle();
    expect(aboveDebug(log)).toHaveLength(4);
    expect(sampledKinds).toHaveLength(4);
  });

  test("tokens in messages that are refused, are somebody else's, or do not come, and those that end", () => {
    const { clock, open, log, sampledKinds } = setUp({
      admission: {
        verify: (token) => {
          if (token === "bad") return REFUSED;
          const connectionEndsAtMs = token === "good" ? null : clock.nowMs() + 10_000;
          return {
            ...ACCEPTED,
            identity: token === "other" ? "other" : ACCEPTED.identity,
            connectionEndsAtMs,
          };
        },
      },
      options: {
        expiry: {
          closes: true,
          jitterPercent: 0,
          closesPerS: 0,
          noticeMs: 1000,
          firstMessageTimeoutMs: 1000,
        },
      },
    });
    open({ ...NONE, mayFollow: true });
    open({ ...GOOD, token: "short" });
    const { say } = open(GOOD);
    for (let i = 0; i < 19; i++) say({ command: "auth", token: "bad" });
    say({ command: "auth", token: "other" });
    clock.advance(11_000);
    expect(aboveDebug(log)).toHaveLength(22);
    expect(sampledKinds).toHaveLength(22);
  });

  test("malformed frames and commands without end", () => {
    const backend = new ScriptedBackend();
    const { open, log, sampledKinds } = setUp({ backend });
    const [first, second] = [open(GOOD), open(GOOD)];
    for (let i = 0; i < 30; i++) first.say("{");
    for (let i = 0; i < 30; i++) second.say({ command: "subscribe", identifier: CHAT });
    expect(aboveDebug(log)).toHaveLength(2);
    expect(sampledKinds).toEqual(["bad_frames", "too_many_commands"]);
  });

  test("publications that nobody understands", () => {
    const { engine, log, sampledKinds } = setUp();
    engine.publish("nonsense");
    engine.publish('{"command":"nonsense"}');
    expect(aboveDebug(log)).toHaveLength(2);
    expect(sampledKinds).toHaveLength(2);
  });
});

test("no line quotes more than a little of what a client sent", async () => {
  const backend = new ScriptedBackend();
  const { engine, open, log } = setUp({ backend });
  const { say } = open(GOOD);
  const long = "x".repeat(60_000);
  const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "s", long });
  say({ command: "subscribe", identifier, history: { since: 1 } });
  say({ command: "subscribe", identifier });
  say({ command: long, identifier: long });
  say({ command: "unsubscribe", identifier: long });
  say({ command: "subscribe", identifier: JSON.stringify({ channel: "$pubsub", long }) });
  say({ command: "subscribe", identifier: `{"long":"${long}"}` });
  backend.commands[0]?.resolve(commandReply({ status: "error", errorMessage: long }));
  await settle();
  engine.publish(JSON.stringify({ command: long }));
  expect(log.lines.length).toBeGreaterThanOrEqual(7);
  for (const line of log.lines) expect(JSON.stringify(line).length).toBeLessThan(1000);
});
