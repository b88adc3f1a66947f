import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createCable } from "@anycable/core";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { inSeconds, signToken } from "../support/tokens.ts";

/**
 * AnyCable's own client, with a token refresher and nothing of ours, whose tokens live for a few seconds: each time the
 * server closes its connection, and it comes back, subscribed, with whatever was published meanwhile.
 */

const SECRET = "a secret of thirty-two characters";
const CLIENTS = 10;
const MESSAGES = 240;
const EVERY_MS = 75;

let server: HawserProcess;

beforeAll(async () => {
  server = await startHawser([
    ...["--norpc", "--public_streams", `--jwt_secret=${SECRET}`, "--enforce_jwt", "--metrics_http=/metrics"],
    ...["--session_expiry=close", "--session_expiry_jitter=50", "--broker=memory", "--history_limit=1000"],
  ]);
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

interface Follower {
  readonly numbers: number[];
  readonly refreshed: () => number;
  readonly ends: (string | undefined)[];
  readonly here: Promise<void>;
  leave(): void;
}

function follow(name: string, stream: string): Follower {
  const token = () => signToken(SECRET, { ext: JSON.stringify({ name }), exp: inSeconds(8) });
  const numbers: number[] = [];
  const ends: (string | undefined)[] = [];
  let refreshed = 0;
  const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, {
    protocol: "actioncable-v1-ext-json",
    auth: { token: token() },
    logLevel: "error",
    tokenRefresher: async (transport) => {
      refreshed += 1;
      transport.setToken(token());
    },
  });
  cable.on("close", (end) => ends.push(end?.reason));
  cable.on("disconnect", (end) => ends.push(`lost: ${end.reason}`));
  const channel = cable.streamFrom(stream);
  channel.on("message", (message) => numbers.push(Number(message)));
  const here = new Promise<void>((resolve) => channel.on("connect", () => resolve()));
  return {
    ...{ numbers, ends, here },
    refreshed: () => refreshed,
    leave: () => cable.disconnect(),
  };
}

describe("stock clients whose tokens end again and again", () => {
  test("hear token_expired, come back with fresh tokens, and miss nothing", async () => {
    const stream = crypto.randomUUID();
    const followers = Array.from({ length: CLIENTS }, (_, at) => follow(`user-${at}`, stream));
    await Promise.all(followers.map(({ here }) => here));
    for (let number = 1; number <= MESSAGES; number++) {
      expect((await publish(server.broadcastPort, { stream, data: String(number) })).status).toBe(201);
      await Bun.sleep(EVERY_MS);
    }
    const all = Array.from({ length: MESSAGES }, (_, at) => at + 1);
    for (let waits = 0; waits < 400; waits++) {
      if (followers.every(({ numbers }) => numbers.at(-1) === MESSAGES)) break;
      await Bun.sleep(50);
    }
    for (const { numbers, ends, refreshed } of followers) {
      expect(numbers).toEqual(all);
      expect(refreshed()).toBeGreaterThanOrEqual(2);
      expect(new Set(ends)).toEqual(new Set(["token_expired"]));
    }
    const closes = sumOf(
      await scrape(server.port),
      "anycable_go_disconnects_total",
      'reason="token_expired"',
    );
    expect(closes).toBeGreaterThanOrEqual(2 * CLIENTS);
    for (const follower of followers) follower.leave();
  }, 120_000);
});
