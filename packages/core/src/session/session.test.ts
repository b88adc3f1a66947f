import { describe, expect, test } from "bun:test";
import { FakeConnection } from "../testing/fake-connection.ts";
import type { Connection } from "./connection.ts";
import { mergeState, Session } from "./session.ts";

function sessionAt(remoteAddress: string | undefined, clientAddress: string | null = null): Session {
  const connection: Connection = Object.assign(new FakeConnection(), { remoteAddress });
  return new Session({
    sid: "s",
    plan: { pingIntervalMs: 0, pingPrecision: "s", pongTimeoutMs: 0, tokenNotices: false },
    clientAddress,
    url: "",
    headers: {},
    connection,
  });
}

describe("a session's remote address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8::7", "2001:db8::7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    [undefined, "unknown"],
  ])("is for the peer %p %p", (peer, address) => {
    expect(sessionAt(peer).remoteAddress).toBe(address);
  });

  test("is what a trusted proxy named, if one did", () => {
    expect(sessionAt("192.0.2.7", "198.51.100.1").remoteAddress).toBe("198.51.100.1");
  });
});

describe("mergeState()", () => {
  test("sets what has a value, deletes what is empty, and leaves the rest and the state that was", () => {
    const before = { a: "1", b: "2", c: "3" };
    expect(mergeState(before, { a: "9", b: "", d: "4" })).toEqual({ a: "9", c: "3", d: "4" });
    expect(before).toEqual({ a: "1", b: "2", c: "3" });
  });

  test("copies nothing when nothing changes", () => {
    const before = { a: "1" };
    expect(mergeState(before, {})).toBe(before);
  });
});
