import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Broadcaster, createStreams } from "@hawser/sdk";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";
import type { RunningClients } from "./client-runtime.ts";
import type { Subscribed } from "./client-task.ts";
import { type DeckApplication, startDeckApplication } from "./deck-application.ts";
import { describeClients, STOCK_CLIENTS, type Wish } from "./stock-clients.ts";
import { endsOf, is, messagesOf } from "./told.ts";

/** Clients from npm on streams that are signed for them, and whispering to each other. */

const SECRET = "a secret of thirty-two characters";
const streams = createStreams({ secret: SECRET });
const foreign = createStreams({ secret: "another secret" });

let application: DeckApplication;
let broadcaster: Broadcaster;
let server: HawserProcess;

beforeAll(async () => {
  application = await startDeckApplication();
  server = await startHawser([
    `--secret=${SECRET}`,
    "--enforce_jwt",
    "--public_streams",
    "--streams_whisper",
    `--rpc_host=127.0.0.1:${application.rpcPort}`,
  ]);
  broadcaster = application.publishTo(server.broadcastPort, SECRET);
});

afterAll(async () => {
  await server?.stop();
  await application?.stop();
});

const wish = (subscription: Subscribed, users: readonly string[] = ["ann"]): Wish => ({
  url: `ws://127.0.0.1:${server.port}/cable`,
  tokens: users.map((user) => goodToken(SECRET, user)),
  subscription,
});

async function allSubscribed({ log }: RunningClients, count: number): Promise<void> {
  for (let client = 0; client < count; client++) await log.waitFor(is("subscribed", client));
}

describeClients(STOCK_CLIENTS, (_client, withClients) => {
  test("follows a stream by its signed name, whatever is in the name", async () => {
    for (const name of ["chat/2024", "Hafen Ü/Ж 漢 🌊?>~"]) {
      await withClients(wish({ signed: streams.sign(name) }), async (clients) => {
        await allSubscribed(clients, 1);
        await broadcaster.broadcast(name, { to: name });
        await clients.log.waitFor(is("message"));
        expect(messagesOf(clients)).toEqual([{ to: name }]);
      });
    }
  });

  test("is rejected with a name that another secret signed, and stays connected", async () => {
    await withClients(wish({ signed: foreign.sign("chat/2024") }), async (clients) => {
      await clients.log.waitFor(is("rejected"));
      await broadcaster.broadcast("chat/2024", "for others");
      await Bun.sleep(200);
      expect(messagesOf(clients)).toEqual([]);
      expect(endsOf(clients)).toEqual([]);
    });
  });
});

/** Rails' client has no whispers. */
const WHISPERERS = STOCK_CLIENTS.filter(({ library }) => library !== "@rails/actioncable");

const PLACES: readonly [string, () => Subscribed][] = [
  ["a public stream", () => ({ stream: crypto.randomUUID() })],
  ["a signed stream", () => ({ signed: streams.sign(crypto.randomUUID()) })],
  ["a channel of the application", () => ({ channel: "DeckChannel", params: { deck: crypto.randomUUID() } })],
];

describe("whispers", () => {
  describeClients(WHISPERERS, (_client, withClients) => {
    for (const [place, subscription] of PLACES) {
      test(`on ${place} reach the others and not their sender, in order`, async () => {
        const whispers = [{ typing: true, text: "ñ 漢字 🌊" }, "a text", ["a", "list"], { typing: false }];
        await withClients(wish(subscription(), ["ann", "ben", "cleo"]), async (clients) => {
          await allSubscribed(clients, 3);
          for (const data of whispers) await clients.order(0, { order: "whisper", data });
          await clients.log.until(() => [1, 2].every((client) => messagesOf(clients, client).length >= 4));
          await clients.order(1, { order: "whisper", data: "aye" });
          await clients.log.until(() =>
            [0, 2].every((client) => messagesOf(clients, client).includes("aye")),
          );
          expect(messagesOf(clients, 0)).toEqual(["aye"]);
          expect(messagesOf(clients, 1)).toEqual(whispers);
          expect(messagesOf(clients, 2)).toEqual([...whispers, "aye"]);
        });
      });
    }
  });
});
