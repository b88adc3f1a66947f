import { expect, test } from "bun:test";
import { AcceptRate } from "@hawser/core/engine/accept-rate";
import { createMetrics } from "@hawser/core/metrics/registry";
import { GOOD, setUp } from "@hawser/core/testing/engine-rig";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import type { Exchange } from "../../drivers/http.ts";
import { ClientRequests } from "./client-requests.ts";
import { TurnAway } from "./turn-away.ts";

test("over the accept rate only a session that there is makes room for its client first", () => {
  const { engine, open } = setUp();
  const { sid } = open(GOOD).session;
  const random = new SeededRandom();
  const clock = new ManualClock();
  const turnAway = new TurnAway({
    failedAuths: null,
    acceptRate: new AcceptRate(clock, 1),
    refused: createMetrics().labelled("refused_connections_total"),
    sampled: () => {},
    random,
  });
  const requests = new ClientRequests(
    {
      maxConnections: 0,
      jwtParam: null,
      strictTokens: false,
      proxyHeaders: [],
      proxyCookies: [],
      trustRequestId: false,
    },
    {
      ...{ engine, random, turnAway, log: new RecordingLog(), clientAddress: null },
      ...{ accepting: () => true, isFull: null },
    },
  );
  // As much of an exchange as is looked at.
  const exchange = {
    request: new Request("http://localhost/cable"),
    peerAddress: () => "192.0.2.1",
  } as Exchange<never>;
  const isTaken = (former: string | null) => requests.turnedAway(exchange, former, {}) === null;
  expect([isTaken(null), isTaken("made up")]).toEqual([true, false]);
  clock.advance(900);
  expect(isTaken(sid)).toBe(false);
  clock.advance(500);
  expect([isTaken("made up"), isTaken(null), isTaken(sid)]).toEqual([false, false, true]);
});
