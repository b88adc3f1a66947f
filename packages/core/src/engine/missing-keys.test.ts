import { describe, expect, test } from "bun:test";
import type { Verdict } from "../jwt/verdict.ts";
import { ACCEPTED, BAD, GOOD, PUBSUB, REFUSED, settle, setUp } from "../testing/engine-rig.ts";

const UNKNOWN: Verdict = { ...REFUSED, reason: "unknown_key" };

/** An issuer whose keys arrive when the test says so. */
function issuer(isBlind = false) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = { asked: 0, verified: 0, isThere: false };
  return {
    seen,
    arrive: () => {
      seen.isThere = true;
      resolve();
    },
    end: resolve,
    admission: {
      verify: () => {
        seen.verified++;
        return seen.isThere ? ACCEPTED : UNKNOWN;
      },
      missingKeys: {
        arrival: () => {
          seen.asked++;
          return seen.isThere ? null : promise;
        },
        isBlind,
      },
    },
  };
}

describe("a token whose key this server does not have yet", () => {
  test("waits for it, and its client's commands wait too", async () => {
    const { admission, arrive } = issuer();
    const { open } = setUp({ admission });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    expect(connection.sent).toEqual([]);
    arrive();
    await settle();
    expect(connection.sent.map((frame) => JSON.parse(frame).type)).toEqual([
      "welcome",
      "confirm_subscription",
    ]);
  });

  test("waits once: without the key it is refused, and counted once", async () => {
    const { admission, end, seen } = issuer();
    const { open, metrics } = setUp({ admission });
    const { connection } = open(BAD);
    end();
    await settle();
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"unauthorized","reconnect":false}']);
    expect(seen).toMatchObject({ asked: 1, verified: 2 });
    expect(metrics.counter("failed_auths_total").value).toBe(1);
  });

  test("costs nothing more when its client has gone meanwhile", async () => {
    const { admission, arrive, seen } = issuer();
    const { open, engine } = setUp({ admission });
    const { connection, session } = open(GOOD);
    engine.closed(session);
    arrive();
    await settle();
    expect(connection.sent).toEqual([]);
    expect(seen.verified).toBe(1);
    expect(engine.sessions.size).toBe(0);
  });

  test("is sent away to come back while its issuer cannot be asked", async () => {
    const { admission, end } = issuer(true);
    const { open, log } = setUp({ admission });
    const { connection } = open(GOOD);
    end();
    await settle();
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"unauthorized","reconnect":true}']);
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Auth Failed" });
    const line = log.lines.find(({ message }) => message === "client refused");
    expect(line?.fields).toMatchObject({
      reason: "unknown_key",
      detail: "the token names a key that is not known here, and its issuer could not be asked just now",
    });
  });
});
