import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createBroadcaster } from "@hawser/sdk";
import { type Listeners, startListeners } from "../resume/listeners.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { startTcpFront, type TcpFront } from "../support/tcp-front.ts";
import { goodToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** Servers, and Redis itself, that are killed while messages flow. */

const FULL = process.env.HAWSER_FULL === "1";
const SECRET = "a secret of thirty-two characters";
const CLIENTS = FULL ? 60 : 12;
const MESSAGES = FULL ? 2000 : 400;
const PER_SECOND = 100;
/** How long a Redis that was killed stays away. */
const AWAY_MS = FULL ? 5000 : 1000;

const scratch = createScratch();
let redis: RedisServer | null = null;
const servers: HawserProcess[] = [];
const clients: CableClient[] = [];
let front: TcpFront | null = null;
let listeners: Listeners | null = null;

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await listeners?.stop();
  listeners = null;
  front?.stop();
  front = null;
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await redis?.kill();
  redis = null;
});
afterAll(() => scratch.remove());

async function hawser(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser([
    ...[`--redis_url=${redis?.url}`, "--broker=redis", "--broadcast_adapter=http", "--norpc"],
    ...["--public_streams", `--secret=${SECRET}`, "--ping_interval=1", ...flags],
  ]);
  servers.push(server);
  await server.waitFor(/connected .*context=pubsub channel=/);
  await server.waitFor(/connected to Redis .*context=broker/);
  return server;
}

describe.skipIf(!HAS_REDIS)("servers with a broker in Redis", () => {
  test(`${CLIENTS} stock clients of a server that is killed resume at the other: nothing is lost or doubled, and in order`, async () => {
    redis = await startRedis({ folder: scratch.path });
    const flags = ["--enforce_jwt", `--history_limit=${MESSAGES}`];
    const [a, b] = [await hawser(...flags), await hawser(...flags)];
    front = await startTcpFront([a.port, b.port]);
    const url = `ws://127.0.0.1:${front.port}/cable`;
    const tokens = Array.from({ length: CLIENTS }, (_, client) => goodToken(SECRET, `user-${client}`));
    listeners = startListeners(
      { url, subscription: { stream: "numbers" }, tokens, pingIntervalMs: 1000, seed: 1 },
      1,
    );
    await listeners.all(({ here }) => here, 30_000);
    const [toA, toB] = [a, b].map(({ broadcastPort }) =>
      createBroadcaster({
        url: `http://127.0.0.1:${broadcastPort}/_broadcast`,
        secret: SECRET,
        retryForMs: 0,
      }),
    );
    for (let number = 1; number <= MESSAGES; number += 1) {
      if (number === MESSAGES / 2) {
        a.signal("SIGKILL");
        front.lead([b.port]);
      }
      await (number % 2 === 0 || number >= MESSAGES / 2 ? toB : toA)?.broadcast("numbers", number);
      await Bun.sleep(1000 / PER_SECOND);
    }
    await listeners.all(
      ({ last, faults, lost }) => last === MESSAGES || faults.length + lost.length > 0,
      60_000,
    );
    const reports = await listeners.report();
    expect(reports.filter(({ faults, lost }) => faults.length + lost.length > 0)).toEqual([]);
    expect(reports.map(({ count }) => count)).toEqual(tokens.map(() => MESSAGES));
    expect(reports.reduce((sum, { restored }) => sum + restored, 0)).toBe(CLIENTS / 2);
    expect(reports.reduce((sum, { resubscribed }) => sum + resubscribed, 0)).toBe(0);
  }, 120_000);

  const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "numbers" });
  const numbersOf = (client: CableClient): number[] =>
    client.messages.flatMap((text) => {
      const { message } = JSON.parse(text);
      return typeof message === "number" ? [message] : [];
    });

  for (const keeps of [true, false])
    test(`a Redis that is killed under load drops nobody, and what is taken when it is back, ${keeps ? "with all that it had" : "empty"}, is heard by all`, async () => {
      const kept = ["--appendonly", "yes", "--appendfsync", "always", "--appenddirname", crypto.randomUUID()];
      redis = await startRedis({ folder: scratch.path, args: keeps ? kept : [] });
      const [a, b] = [await hawser("--public"), await hawser("--public")];
      for (const { port } of [a, b, a, b]) {
        const client = new CableClient(`ws://127.0.0.1:${port}/cable`, {
          protocols: ["actioncable-v1-ext-json"],
        });
        clients.push(client);
        await client.message(0);
        client.send({ command: "subscribe", identifier });
        await client.message(1);
      }
      /** Those that a server was not sure of, and so may have gone out. */
      const doubtful = new Set<number>();
      let last = 0;
      let stopped = false;
      const flow = (async () => {
        while (!stopped) {
          const number = last + 1;
          const { broadcastPort } = number % 2 === 0 ? a : b;
          const { status } = await publish(broadcastPort, { stream: "numbers", data: String(number) });
          if (status === 201) last = number;
          else {
            expect(status).toBe(503);
            doubtful.add(number);
          }
          await Bun.sleep(status === 201 ? 2 : 20);
        }
      })();
      await until(() => expect(last).toBeGreaterThan(100));
      await redis.kill();
      const atDeath = last;
      await Bun.sleep(AWAY_MS);
      expect(last).toBeLessThanOrEqual(atDeath + 1);
      await redis.restart();
      for (const server of [a, b]) await server.waitFor(/reconnected .*context=pubsub/);
      for (const server of [a, b]) await server.waitFor(/reconnected to Redis .*context=broker/);
      const atReturn = last;
      await until(() => expect(last).toBeGreaterThan(atReturn + 100));
      stopped = true;
      await flow;
      for (const client of clients) {
        await client.until(() => numbersOf(client).at(-1) === last, `number ${last}`, 20_000);
        const heard = numbersOf(client);
        const once = heard.filter((number, at) => !doubtful.has(number) || heard.indexOf(number) === at);
        expect(once).toEqual(once.toSorted((one, other) => one - other));
        const missing = Array.from({ length: last }, (_, index) => index + 1).filter(
          (number) => !heard.includes(number),
        );
        // An empty Redis cannot tell one server what another took before it was connected again.
        expect(keeps ? missing : missing.filter((number) => number <= atDeath || number > atReturn)).toEqual(
          [],
        );
        expect(client.closedWith).toBeNull();
      }
      const said = servers.map((server) => server.output()).join("\n");
      expect(said).not.toMatch(/unhandled|code=bug|TypeError/i);
    }, 120_000);
});
