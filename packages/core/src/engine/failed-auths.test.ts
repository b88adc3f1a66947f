import { describe, expect, test } from "bun:test";
import { BAD, GOOD, NONE, REFUSED, settle, setUp } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import { MemoryFailedAuths } from "./failed-auths.ts";

function limited(maxPerMinute: number, maxAddresses?: number) {
  const clock = new ManualClock();
  const limit = maxAddresses === undefined ? { maxPerMinute } : { maxPerMinute, maxAddresses };
  return { clock, failed: new MemoryFailedAuths(clock, limit) };
}

describe("failed authentications of an address", () => {
  test("are borne up to the limit; then it stays away until a minute after the first", () => {
    const { clock, failed } = limited(2);
    failed.add("192.0.2.1");
    clock.advance(10_000);
    expect(failed.banMs("192.0.2.1")).toBe(0);
    failed.add("192.0.2.1");
    expect(failed.banMs("192.0.2.1")).toBe(50_000);
    expect(failed.banMs("192.0.2.2")).toBe(0);
    clock.advance(50_000);
    expect(failed.banMs("192.0.2.1")).toBe(0);
  });

  test("begin a new minute once one is over", () => {
    const { clock, failed } = limited(2);
    failed.add("192.0.2.1");
    clock.advance(60_000);
    failed.add("192.0.2.1");
    expect(failed.banMs("192.0.2.1")).toBe(0);
    failed.add("192.0.2.1");
    expect(failed.banMs("192.0.2.1")).toBe(60_000);
  });

  test("of IPv6 count for the 64 bits that one site has", () => {
    const { failed } = limited(2);
    failed.add("2001:db8:0:7::1");
    failed.add("2001:db8:0:7:a:b:c:d");
    expect(failed.banMs("2001:db8:0:7:ffff::")).toBeGreaterThan(0);
    expect(failed.banMs("2001:db8:0:8::1")).toBe(0);
    failed.add("2001:db8::1");
    failed.add("2001:db8::2:1");
    expect(failed.banMs("2001:db8::")).toBeGreaterThan(0);
    expect(failed.banMs("::1")).toBe(0);
  });

  test("are remembered of so many addresses: the first of them is forgotten for one more", () => {
    const { failed } = limited(1, 2);
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) failed.add(address);
    expect(failed.banMs("192.0.2.1")).toBe(0);
    expect(failed.banMs("192.0.2.2")).toBeGreaterThan(0);
    expect(failed.banMs("192.0.2.3")).toBeGreaterThan(0);
  });
});

describe("what counts as one:", () => {
  test("a token that is refused, at the connect or in a message, and none where one has to be", () => {
    const { failed } = limited(3);
    const { open } = setUp({ failedAuths: failed, admission: { enforceJwt: true } });
    const { session, say } = open(GOOD);
    open(BAD);
    open(NONE);
    expect(failed.banMs(session.remoteAddress)).toBe(0);
    say({ command: "auth", token: "bad" });
    expect(failed.banMs(session.remoteAddress)).toBeGreaterThan(0);
  });

  test("the application's no, not that it cannot be asked", async () => {
    const { failed } = limited(1);
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend, failedAuths: failed });
    const { session } = open(NONE);
    backend.connects[0]?.resolve(connectReply({ status: "error" }));
    await settle();
    expect(failed.banMs(session.remoteAddress)).toBe(0);
    open(NONE);
    backend.connects[1]?.resolve(connectReply({ status: "failure" }));
    await settle();
    expect(failed.banMs(session.remoteAddress)).toBeGreaterThan(0);
  });

  test("not what is our fault, and may be different soon", () => {
    const { failed } = limited(1);
    const missingKeys = { arrival: () => null, isBlind: true };
    const { open } = setUp({ failedAuths: failed, admission: { verify: () => REFUSED, missingKeys } });
    expect(failed.banMs(open(BAD).session.remoteAddress)).toBe(0);
  });
});
