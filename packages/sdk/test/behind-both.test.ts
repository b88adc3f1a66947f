import { afterEach, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { CableClient } from "../../server/test/support/cable-client.ts";
import { startHawser } from "../../server/test/support/hawser-process.ts";
import {
  createBroadcaster,
  createCable,
  createRpcHandler,
  createStreams,
  createTokens,
  nodeListener,
  type RpcHandlers,
  reject,
  serveRpc,
} from "../src/index.ts";

/** One application on the SDK, over gRPC and over HTTP, behind this server and, where it is on PATH, behind AnyCable's. */

const SECRET = "behind-both";
const CHAT = '{"channel":"Chat","room":"lobby"}';
const PUBSUB = JSON.stringify({
  channel: "$pubsub",
  signed_stream_name: createStreams({ secret: SECRET }).sign("news"),
});

const cleanups: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** Everything that the contract has, in one small application; `log` says what it was told of. */
function application(log: string[]) {
  return createCable({
    connect(env) {
      if (env.cookies.session === undefined) return reject({ reason: "no_session" });
      env.cstate.set("visits", 1);
      return { identifiers: { user: env.cookies.session, origin: env.headers.origin ?? null } };
    },
    disconnected({ identifiersText, cstate }) {
      log.push(`gone: ${identifiersText} after ${cstate.get("visits")}`);
    },
  }).channel("Chat", {
    params: (raw) => ({ room: String(raw.room) }),
    subscribed(ctx, { room }) {
      if (room === "staff") return ctx.reject();
      ctx.streamFrom(`room:${room}`, { whisper: true });
      ctx.streamFrom("all");
      ctx.state.set("said", 0);
    },
    unsubscribed(ctx, { room }) {
      log.push(`left: ${room} after ${ctx.state.get("said")}`);
    },
    actions: {
      say(ctx, { text }) {
        const said = Number(ctx.state.get("said")) + 1;
        ctx.state.set("said", said);
        ctx.connection.cstate.set("visits", Number(ctx.connection.cstate.get("visits")) + 1);
        ctx.transmit({ said, text: text ?? null });
      },
      hush: (ctx) => ctx.stopStream("all"),
      quit: (ctx) => ctx.disconnect({ reason: "enough" }),
    },
  });
}

const SERVERS = [
  { name: "Hawser", command: null, missing: null },
  {
    name: "AnyCable",
    command: Bun.which("anycable-go"),
    missing: Bun.which("anycable-go") === null ? "anycable-go is not on PATH" : null,
  },
] as const;

interface Served {
  /** What the server is told as `--rpc_host`. */
  readonly host: string;
  close(): Promise<void> | void;
}

const WAYS: readonly { readonly way: string; readonly serve: (cable: RpcHandlers) => Promise<Served> }[] = [
  {
    way: "gRPC",
    async serve(cable) {
      const service = await serveRpc(cable, { port: 0 });
      return { host: `127.0.0.1:${service.port}`, close: () => service.close() };
    },
  },
  {
    way: "HTTP",
    async serve(cable) {
      const server = createServer(
        nodeListener(createRpcHandler(cable, { secret: SECRET, onNotice: () => {} })),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const host = `http://127.0.0.1:${Object(server.address()).port}/api/cable`;
      return { host, close: () => server.closeAllConnections() };
    },
  },
];

const SIDES = SERVERS.flatMap((server) => WAYS.map((way) => ({ ...server, ...way })));

for (const { name, command, missing, way, serve } of SIDES) {
  const behind = `behind ${name} over ${way}`;
  const title = missing === null ? behind : `${behind} (skipped: ${missing})`;
  describe.skipIf(missing !== null)(title, () => {
    const started = async () => {
      const log: string[] = [];
      const service = await serve(application(log));
      cleanups.push(() => service.close());
      const server = await startHawser(
        [
          `--secret=${SECRET}`,
          `--rpc_host=${service.host}`,
          "--headers=cookie,origin",
          "--broadcast_adapter=http",
          "--streams_whisper",
        ],
        {},
        command === null ? {} : { command },
      );
      cleanups.push(() => server.stop());
      // The reference says where it listens before it does.
      const up = () => fetch(`http://127.0.0.1:${server.port}/health`).catch(() => null);
      while ((await up()) === null) await Bun.sleep(10);
      const broadcaster = createBroadcaster({
        url: `http://127.0.0.1:${server.broadcastPort}/_broadcast`,
        secret: SECRET,
      });
      const client = (query = "", cookie = "") => {
        const headers = { Origin: "http://app.test", ...(cookie === "" ? {} : { Cookie: cookie }) };
        const opened = new CableClient(`ws://127.0.0.1:${server.port}/cable${query}`, {
          headers,
          protocols: ["actioncable-v1-json"],
        });
        cleanups.push(() => opened.close());
        return opened;
      };
      return { log, broadcaster, client };
    };

    const subscribed = async (client: CableClient, identifier: string) => {
      const at = client.messages.length;
      client.send({ command: "subscribe", identifier });
      expect(JSON.parse(await client.message(at))).toEqual({ type: "confirm_subscription", identifier });
    };
    const heard = async (client: CableClient, at: number) => JSON.parse(await client.message(at));

    test("streams, state, rejections, cookies and the end of it all reach the application and the clients", async () => {
      const { log, broadcaster, client } = await started();
      const nobody = client();
      expect(await heard(nobody, 0)).toEqual({ type: "disconnect", reason: "no_session", reconnect: false });
      const ann = client("", "theme=dark; session=ann");
      expect(await heard(ann, 0)).toEqual({ type: "welcome", sid: expect.any(String) });
      await subscribed(ann, CHAT);
      ann.send({ command: "subscribe", identifier: '{"channel":"Chat","room":"staff"}' });
      expect(await heard(ann, 2)).toMatchObject({ type: "reject_subscription" });
      for (const said of [1, 2]) {
        ann.send({ command: "message", identifier: CHAT, data: '{"action":"say","text":"é"}' });
        expect(await heard(ann, 2 + said)).toEqual({ identifier: CHAT, message: { said, text: "é" } });
      }
      await broadcaster.broadcastBatch([
        { stream: "room:lobby", data: { n: 1 } },
        { stream: "all", data: { n: 2 } },
      ]);
      // The reference keeps the order of a stream, and not that among streams.
      const both = [await heard(ann, 5), await heard(ann, 6)];
      expect(both).toContainEqual({ identifier: CHAT, message: { n: 1 } });
      expect(both).toContainEqual({ identifier: CHAT, message: { n: 2 } });
      ann.send({ command: "message", identifier: CHAT, data: '{"action":"hush"}' });
      ann.send({ command: "message", identifier: CHAT, data: '{"action":"say"}' });
      expect(await heard(ann, 7)).toEqual({ identifier: CHAT, message: { said: 3, text: null } });
      await broadcaster.broadcast("all", "not for ann");
      await broadcaster.broadcast("room:lobby", "for ann");
      expect(await heard(ann, 8)).toEqual({ identifier: CHAT, message: "for ann" });
      await broadcaster.disconnect({ user: "ann", origin: "http://app.test" });
      expect(await heard(ann, 9)).toEqual({ type: "disconnect", reason: "remote", reconnect: false });
      await ann.closed();
      while (log.length < 2) await Bun.sleep(10);
      expect(log).toEqual(["left: lobby after 3", 'gone: {"user":"ann","origin":"http://app.test"} after 4']);
    }, 30_000);

    test("whispers of the application's streams and of signed ones reach the others alone", async () => {
      const { client } = await started();
      const token = createTokens({ secret: SECRET }).issue({ user: "ann" });
      const [ann, ben] = [client(`?jid=${token}`), client(`?jid=${token}`)];
      for (const each of [ann, ben]) {
        expect(await heard(each, 0)).toMatchObject({ type: "welcome" });
        await subscribed(each, CHAT);
        await subscribed(each, PUBSUB);
      }
      ann.send({ command: "whisper", identifier: CHAT, data: { typing: true } });
      ann.send({ command: "whisper", identifier: PUBSUB, data: "psst" });
      ann.send({ command: "message", identifier: CHAT, data: '{"action":"say"}' });
      const heardByBen = [await heard(ben, 3), await heard(ben, 4)];
      expect(heardByBen).toContainEqual({ identifier: CHAT, message: { typing: true } });
      expect(heardByBen).toContainEqual({ identifier: PUBSUB, message: "psst" });
      expect(await heard(ann, 3)).toMatchObject({ message: { said: 1 } });
    }, 30_000);

    test("an action ends the connection, with a word", async () => {
      const { client } = await started();
      const ann = client("", "session=ann");
      expect(await heard(ann, 0)).toMatchObject({ type: "welcome" });
      await subscribed(ann, CHAT);
      ann.send({ command: "message", identifier: CHAT, data: '{"action":"quit"}' });
      expect(await heard(ann, 2)).toEqual({ type: "disconnect", reason: "enough", reconnect: false });
      await ann.closed();
    }, 30_000);
  });
}
