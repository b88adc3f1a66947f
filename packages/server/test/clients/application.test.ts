import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Broadcaster } from "@hawser/sdk";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";
import type { RunningClients } from "./client-runtime.ts";
import { type DeckApplication, startDeckApplication } from "./deck-application.ts";
import { describeClients, STOCK_CLIENTS, type Wish } from "./stock-clients.ts";
import { endsOf, is, messagesOf } from "./told.ts";

/** Clients from npm, the real server, and an application on the SDK behind it: three processes, gRPC and HTTP. */

const SECRET = "a secret of thirty-two characters";

let application: DeckApplication;
let broadcaster: Broadcaster;
let server: HawserProcess;

beforeAll(async () => {
  application = await startDeckApplication();
  server = await startHawser([
    `--secret=${SECRET}`,
    "--enforce_jwt",
    `--rpc_host=127.0.0.1:${application.rpcPort}`,
  ]);
  broadcaster = application.publishTo(server.broadcastPort, SECRET);
});

afterAll(async () => {
  await server?.stop();
  await application?.stop();
});

const onDeck = (deck: string, users: readonly string[]): Wish => ({
  url: `ws://127.0.0.1:${server.port}/cable`,
  tokens: users.map((user) => goodToken(SECRET, user)),
  subscription: { channel: "DeckChannel", params: { deck } },
});

/** Letters of two, three and four bytes, what JSON has to escape, and what a line or a page may stumble over. */
const STRANGE =
  'ñ ø ж Ω → 漢字 🌊👩🏽‍🚀 e\u0301 "\\ \n\r\t \u0000\u001f\u007f \u2028\u2029 \ufeff </script><!-- %00 &amp;';

/** This many bytes of UTF-8, of which none needs escaping. */
function textOf(bytes: number): string {
  const text = "Gute Fahrt, 一路顺风, доброго пути, bon voyage, 🌊 ".repeat(Math.ceil(bytes / 64));
  const cut = Buffer.from(text)
    .subarray(0, bytes)
    .toString()
    .replace(/\ufffd+$/, "");
  return cut + "~".repeat(bytes - Buffer.byteLength(cut));
}

async function nextMessage(clients: RunningClients, index: number, client = 0): Promise<unknown> {
  await clients.log.until(() => messagesOf(clients, client).length > index);
  return messagesOf(clients, client)[index];
}

describeClients(STOCK_CLIENTS, (_client, withClients) => {
  test("performs an action of the application, which knows who asks", async () => {
    await withClients(onDeck("main", ["ann", "ben"]), async (clients) => {
      for (const [client, user] of ["ann", "ben"].entries()) {
        await clients.log.waitFor(is("subscribed", client));
        await clients.order(client, { order: "perform", action: "whoami", data: {} });
        expect(await nextMessage(clients, 0, client)).toEqual({ user });
      }
    });
  });

  test("hears what another says, and its own words, once", async () => {
    await withClients(onDeck("chat", ["ann", "ben"]), async (clients) => {
      for (const client of [0, 1]) await clients.log.waitFor(is("subscribed", client));
      await clients.order(0, { order: "perform", action: "say", data: { text: "Ahoy" } });
      await nextMessage(clients, 0, 0);
      await clients.order(1, { order: "perform", action: "say", data: { text: "Aye" } });
      const heard = [
        { from: "ann", text: "Ahoy" },
        { from: "ben", text: "Aye" },
      ];
      for (const client of [0, 1]) {
        await nextMessage(clients, 1, client);
        expect(messagesOf(clients, client)).toEqual(heard);
      }
    });
  });

  test("is told that the application rejects its subscription, and stays connected", async () => {
    await withClients(onDeck("bridge", ["ann"]), async (clients) => {
      await clients.log.waitFor(is("rejected"));
      await broadcaster.broadcast("deck:bridge", "for nobody");
      await Bun.sleep(200);
      expect(clients.log.told.filter(is("message"))).toEqual([]);
      expect(endsOf(clients)).toEqual([]);
    });
  });

  test("sends and gets strange text unchanged", async () => {
    await withClients(onDeck("strange", ["ann"]), async (clients) => {
      await clients.log.waitFor(is("subscribed"));
      await clients.order(0, { order: "perform", action: "echo", data: { text: STRANGE } });
      expect(await nextMessage(clients, 0)).toEqual({ text: STRANGE });
      await broadcaster.broadcast("deck:strange", { [STRANGE]: STRANGE });
      expect(await nextMessage(clients, 1)).toEqual({ [STRANGE]: STRANGE });
      expect(endsOf(clients)).toEqual([]);
    });
  });

  test("sends and gets 60 KB, and a message after it", async () => {
    const text = textOf(60 * 1024);
    await withClients(onDeck("cargo", ["ann"]), async (clients) => {
      await clients.log.waitFor(is("subscribed"));
      await clients.order(0, { order: "perform", action: "echo", data: { text } });
      expect(await nextMessage(clients, 0)).toEqual({ text });
      await broadcaster.broadcast("deck:cargo", { text });
      expect(await nextMessage(clients, 1)).toEqual({ text });
      await clients.order(0, { order: "perform", action: "whoami", data: {} });
      expect(await nextMessage(clients, 2)).toEqual({ user: "ann" });
      expect(endsOf(clients)).toEqual([]);
    });
  });
});
