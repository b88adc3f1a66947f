import { afterAll, beforeAll, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { inSeconds, signToken } from "../support/tokens.ts";
import { describeClients, STOCK_CLIENTS, type Wish } from "./stock-clients.ts";
import { endsOf, is, messagesOf } from "./told.ts";

/** Clients from npm against the real server: their tokens, the order of what they get, and their way back. */

const SECRET = "qwerty";
const FLAGS = ["--norpc", "--public_streams", `--jwt_secret=${SECRET}`, "--enforce_jwt"];
const MESSAGES = 1000;

const claims = { ext: '{"user":"ann"}' };
const GOOD = signToken(SECRET, { ...claims, exp: inSeconds(3600) });
const EXPIRED = signToken(SECRET, { ...claims, exp: inSeconds(-60) });
const FORGED = signToken("another secret", { ...claims, exp: inSeconds(3600) });

let server: HawserProcess;

beforeAll(async () => {
  server = await startHawser(FLAGS);
});

afterAll(async () => {
  await server?.stop();
});

/** A client with this token and a stream of its own. */
function wish(token: string | null, more: Partial<Wish> & { stream?: string } = {}): Wish {
  const { stream = crypto.randomUUID(), ...rest } = more;
  return {
    url: `ws://127.0.0.1:${server.port}/cable`,
    tokens: [token],
    subscription: { stream },
    ...rest,
  };
}

/** Publishes 0 to 999, one request after another, some of them batches. */
async function publishMany(port: number, stream: string): Promise<void> {
  for (let next = 0; next < MESSAGES; ) {
    const size = next % 3 === 0 ? 50 : 1;
    const batch = Array.from({ length: Math.min(size, MESSAGES - next) }, (_, index) => ({
      stream,
      data: JSON.stringify({ number: next + index }),
    }));
    const { status } = await publish(port, batch.length === 1 ? batch[0] : batch);
    expect(status).toBe(201);
    next += batch.length;
  }
}

describeClients(STOCK_CLIENTS, ({ protocols, carriers }, withClients) => {
  const ways = carriers.flatMap((carrier) => protocols.map((protocol) => ({ carrier, protocol })));
  for (const { carrier, protocol } of ways) {
    test(`gets ${MESSAGES} broadcasts in order, its token by ${carrier}, by ${protocol}`, async () => {
      const stream = crypto.randomUUID();
      await withClients(wish(GOOD, { protocol, carrier, stream }), async (clients) => {
        await clients.log.waitFor(is("subscribed"));
        await publishMany(server.broadcastPort, stream);
        await clients.log.until(() => messagesOf(clients).length >= MESSAGES);
        expect(messagesOf(clients)).toEqual(Array.from({ length: MESSAGES }, (_, number) => ({ number })));
        expect(endsOf(clients)).toEqual([]);
      });
    });

    test(`presents a fresh token by ${carrier}, by ${protocol}, when the server says that its own expired`, async () => {
      const stream = crypto.randomUUID();
      const task = wish(EXPIRED, { protocol, carrier, stream, freshToken: GOOD });
      await withClients(task, async (clients) => {
        await clients.log.waitFor(is("subscribed"));
        expect(endsOf(clients)).toEqual([{ client: 0, event: "close", reason: "token_expired" }]);
        expect(clients.log.told.filter(is("refreshing")).length).toBe(1);
        await publish(server.broadcastPort, { stream, data: '"fresh"' });
        await clients.log.waitFor(is("message"));
        expect(messagesOf(clients)).toEqual(["fresh"]);
      });
    });
  }

  // These wait more than they work, and each has a client, and a server where it matters, of its own.
  const waiting = test.concurrent;

  for (const [what, token] of [
    ["its token is not of this server", FORGED],
    ["it has no token", null],
  ] as const) {
    waiting(`stays away when ${what}`, async () => {
      await withClients(wish(token, { freshToken: GOOD }), async (clients) => {
        await clients.log.waitFor(is("close"));
        // AnyCable's client would come back after 100 ms here.
        await Bun.sleep(500);
        expect(clients.log.told).toEqual([{ client: 0, event: "close", reason: "unauthorized" }]);
      });
    });
  }

  waiting("does not ask for a third token when the fresh one has expired too", async () => {
    await withClients(wish(EXPIRED, { freshToken: EXPIRED }), async (clients) => {
      await clients.log.until(() => endsOf(clients).length === 2);
      await Bun.sleep(300);
      expect(clients.log.told.map(({ event }) => event).toSorted()).toEqual(["close", "close", "refreshing"]);
    });
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    waiting(`comes back and subscribes again after a ${signal} and a restart`, async () => {
      const stream = crypto.randomUUID();
      let restarting = await startHawser(FLAGS);
      const { port } = restarting;
      const url = `ws://127.0.0.1:${port}/cable`;
      try {
        await withClients(wish(GOOD, { url, stream }), async (clients) => {
          await clients.log.waitFor(is("subscribed"));
          const before = clients.log.told.length;
          restarting.signal(signal);
          await restarting.exited;
          const lost = await clients.log.waitFor(is("disconnect"), before);
          if (signal === "SIGTERM") expect(lost).toMatchObject({ reason: "server_restart" });
          restarting = await startHawser([...FLAGS, `--port=${port}`]);
          expect(await clients.log.waitFor(is("subscribed"), before)).toMatchObject({ again: true });
          await publish(restarting.broadcastPort, { stream, data: '"again"' });
          await clients.log.waitFor(is("message"), before);
          expect(messagesOf(clients)).toEqual(["again"]);
          expect(clients.log.told.filter(is("close"))).toEqual([]);
        });
      } finally {
        await restarting.stop();
      }
    });
  }
});
