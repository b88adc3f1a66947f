import { describe, expect, test } from "bun:test";
import { GOOD, setUp } from "../testing/engine-rig.ts";

const PING = { command: "ping" };
const UNSAID = { command: "nonsense" };

describe("a limit of commands a second", () => {
  test("takes a second's commands at once, and then as many as time passes for", () => {
    const { open, clock } = setUp({ options: { maxCommandsPerS: 10 } });
    const { say, session } = open(GOOD);
    for (let i = 0; i < 10; i++) say(UNSAID);
    for (let i = 0; i < 20; i++) {
      clock.advance(100);
      say(UNSAID);
    }
    expect(session.state).toBe("open");
    clock.advance(300);
    for (let i = 0; i < 3; i++) say(UNSAID);
    expect(session.state).toBe("open");
    say(UNSAID);
    expect(session.state).toBe("closed");
  });

  test("drops who says more, with a line, a reason and a count of its own, and nobody else", () => {
    const { open, metrics, sampledKinds } = setUp({ options: { maxCommandsPerS: 3 } });
    const [loud, quiet] = [open(GOOD), open(GOOD)];
    for (let i = 0; i < 3; i++) quiet.say(PING);
    for (let i = 0; i < 10; i++) loud.say(PING);
    expect(loud.connection.closedWith).toEqual({ code: 1008, reason: "Too many commands" });
    expect(quiet.connection.closedWith).toBeNull();
    expect(sampledKinds).toEqual(["command_rate"]);
    expect([...metrics.labelled("disconnects_total").samples()]).toMatchObject([
      { labelValues: ["command_rate"], value: 1 },
    ]);
    // What comes past the limit is not looked at.
    expect(metrics.counter("client_msg_total").value).toBe(6);
  });

  test("counts whatever comes, also what is no command", () => {
    const { open } = setUp({ options: { maxCommandsPerS: 3 } });
    const { connection, say } = open(GOOD);
    for (let i = 0; i < 4; i++) say("null");
    expect(connection.closedWith?.reason).toBe("Too many commands");
  });

  test("is none by default", () => {
    const { open } = setUp();
    const { session, say } = open(GOOD);
    for (let i = 0; i < 10_000; i++) say("null");
    expect(session.state).toBe("open");
  });
});
