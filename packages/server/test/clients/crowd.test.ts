import { afterAll, beforeAll, expect, test } from "bun:test";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";
import type { RunningClients } from "./client-runtime.ts";
import { type DeckApplication, startDeckApplication } from "./deck-application.ts";
import { describeClients, STOCK_CLIENTS, type StockClient } from "./stock-clients.ts";
import { messagesOf } from "./told.ts";

/** Many clients of one kind at once, each with a token of its own, in front of one application. */

const SECRET = "a secret of thirty-two characters";
const CLIENTS = 200;
const EVERYBODY = Array.from({ length: CLIENTS }, (_, client) => client);
const BROADCASTS = Array.from({ length: 20 }, (_, number) => ({ number }));

let application: DeckApplication;

beforeAll(async () => {
  application = await startDeckApplication();
});

afterAll(async () => {
  await application?.stop();
});

/** Starts the server, on the port that it had if it had one. */
function start(port = 0): Promise<HawserProcess> {
  const place = port === 0 ? [] : [`--port=${port}`];
  const rpc = `--rpc_host=127.0.0.1:${application.rpcPort}`;
  return startHawser([`--secret=${SECRET}`, "--enforce_jwt", rpc, ...place]);
}

/** Waits until everybody has subscribed, counted from what was told before. */
async function allSubscribed({ log }: RunningClients, from = 0): Promise<void> {
  const missing = new Set(EVERYBODY);
  let seen = from;
  await log.until(() => {
    for (; seen < log.told.length; seen++) {
      const told = log.told[seen];
      if (told?.event === "subscribed") missing.delete(told.client);
    }
    return missing.size === 0;
  });
}

/** Waits until there are so many messages in all, then checks what each has got. */
async function allHave(
  clients: RunningClients,
  expected: (client: number) => readonly unknown[],
): Promise<void> {
  const { log } = clients;
  const total = EVERYBODY.reduce((sum, client) => sum + expected(client).length, 0);
  let seen = 0;
  let messages = 0;
  await log.until(() => {
    for (; seen < log.told.length; seen++) if (log.told[seen]?.event === "message") messages += 1;
    return messages >= total;
  });
  for (const client of EVERYBODY) expect(messagesOf(clients, client)).toEqual([...expected(client)]);
}

/** Rails' client waits for seconds before it comes back. */
const isSlow = ({ library }: StockClient) => library === "@rails/actioncable";

describeClients(
  STOCK_CLIENTS,
  (_client, withClients) => {
    test(`${CLIENTS} at once are each who they are, hear everything in order, and all come back`, async () => {
      let server = await start();
      const { port } = server;
      const wish = {
        url: `ws://127.0.0.1:${port}/cable`,
        tokens: EVERYBODY.map((client) => goodToken(SECRET, `user-${client}`)),
        subscription: { channel: "DeckChannel", params: { deck: "all" } },
      };
      try {
        await withClients(wish, async (clients) => {
          await allSubscribed(clients);
          for (const client of EVERYBODY) {
            await clients.order(client, { order: "perform", action: "whoami", data: {} });
          }
          const own = (client: number) => ({ user: `user-${client}` });
          await allHave(clients, (client) => [own(client)]);

          let broadcaster = application.publishTo(server.broadcastPort, SECRET);
          for (const message of BROADCASTS) await broadcaster.broadcast("deck:all", message);
          await allHave(clients, (client) => [own(client), ...BROADCASTS]);

          const before = clients.log.told.length;
          server.signal("SIGTERM");
          await server.exited;
          server = await start(port);
          await allSubscribed(clients, before);
          broadcaster = application.publishTo(server.broadcastPort, SECRET);
          await broadcaster.broadcast("deck:all", "again");
          await allHave(clients, (client) => [own(client), ...BROADCASTS, "again"]);
          expect(clients.log.told.filter(({ event }) => event === "close")).toEqual([]);
        });
      } finally {
        await server.stop();
      }
    }, 120_000);
  },
  isSlow,
);
