import { afterEach, describe, expect, test } from "bun:test";
import { createCable } from "@anycable/core";
import {
  Application,
  broadcaster,
  Channel,
  type ChannelHandle,
  type ConnectionHandle,
  handler,
  Status,
} from "@anycable/serverless-js";
import { deriveKey } from "@hawser/core/signed/derive";
import { startHawser } from "../../server/test/support/hawser-process.ts";
import { hmacSha256Hex } from "../src/drivers/crypto.ts";

/**
 * An application on AnyCable's library for serverless functions, from npm and as its README has it, behind this server and,
 * where it is on PATH, behind AnyCable's, with AnyCable's own client in front.
 */

const SECRET = "serverless over HTTP";

interface Identifiers {
  readonly [name: string]: string;
  readonly userId: string;
}

const cleanups: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

class ChatChannel extends Channel<Identifiers, { roomId: string }> {
  readonly publish: (stream: string, data: object) => Promise<unknown>;
  readonly log: string[];

  constructor(publish: ChatChannel["publish"], log: string[]) {
    super();
    this.publish = publish;
    this.log = log;
  }

  async subscribed(handle: ChannelHandle<Identifiers>, params: { roomId: string } | null) {
    if (params?.roomId === "staff") handle.reject();
    else handle.streamFrom(`room:${params?.roomId}`);
  }

  async unsubscribed(handle: ChannelHandle<Identifiers>, params: { roomId: string } | null) {
    this.log.push(`${handle.identifiers?.userId} left ${params?.roomId}`);
  }

  async sendMessage(
    handle: ChannelHandle<Identifiers>,
    params: { roomId: string },
    { body }: { body: string },
  ) {
    await this.publish(`room:${params.roomId}`, { from: handle.identifiers?.userId, body });
  }

  async echo(handle: ChannelHandle<Identifiers>, _params: { roomId: string }, { body }: { body: string }) {
    handle.transmit({ body });
  }
}

class CableApplication extends Application<Identifiers> {
  readonly log: string[];

  constructor(log: string[]) {
    super();
    this.log = log;
  }

  async connect(handle: ConnectionHandle<Identifiers>) {
    const userId = new URL(handle.env.url).searchParams.get("user");
    if (userId === null) handle.reject();
    else handle.identifiedBy({ userId });
  }

  async disconnect(handle: ConnectionHandle<Identifiers>) {
    this.log.push(`${handle.identifiers?.userId} disconnected`);
  }
}

/** The functions of the library's README, with the check of the key that it leaves to the framework. */
function serveApplication(log: string[]) {
  const app = new CableApplication(log);
  const key = deriveKey(SECRET, "rpc", hmacSha256Hex);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.headers.get("authorization") !== `Bearer ${key}`)
        return new Response(null, { status: 401 });
      try {
        return Response.json(await handler(request, app));
      } catch (error) {
        log.push(String(error));
        return Response.json({ status: Status.ERROR, error_msg: "Server error" });
      }
    },
  });
  cleanups.push(() => server.stop(true));
  return { app, host: `http://127.0.0.1:${server.port}/api/anycable` };
}

/** The types of the library's own files do not find each other, so the compiler knows nothing of what is inherited. */
function register(app: CableApplication, name: string, channel: ChatChannel): void {
  (app as unknown as { registerChannel(name: string, channel: object): void }).registerChannel(name, channel);
}

const SERVERS = [
  { name: "Hawser", command: null },
  { name: "AnyCable", command: Bun.which("anycable-go") },
] as const;

for (const { name, command } of SERVERS) {
  const missing = name === "AnyCable" && command === null;
  describe.skipIf(missing)(`behind ${name}${missing ? " (skipped: anycable-go is not on PATH)" : ""}`, () => {
    test("its clients are let in, subscribe, act, hear each other, and are seen to go", async () => {
      const log: string[] = [];
      const { app, host } = serveApplication(log);
      const server = await startHawser(
        [`--rpc_host=${host}`, `--secret=${SECRET}`, "--broadcast_adapter=http"],
        {},
        command === null ? {} : { command },
      );
      cleanups.push(() => server.stop());
      const up = () => fetch(`http://127.0.0.1:${server.port}/health`).catch(() => null);
      while ((await up()) === null) await Bun.sleep(10);
      const broadcastKey = deriveKey(SECRET, "broadcast", hmacSha256Hex);
      const url = `http://127.0.0.1:${server.broadcastPort}/_broadcast`;
      const publish = broadcaster(url, broadcastKey);
      register(app, "chat", new ChatChannel(publish, log));

      const cables = ["ann", "ben"].map((user) => {
        const cable = createCable(`ws://127.0.0.1:${server.port}/cable?user=${user}`, { logLevel: "error" });
        cleanups.push(() => cable.disconnect());
        return cable;
      });
      const heard: unknown[] = [];
      const channels = cables.map((cable, client) => {
        const channel = cable.subscribeTo("chat", { roomId: "lobby" });
        channel.on("message", (message: unknown) => heard.push([client, message]));
        return channel;
      });
      for (const channel of channels) await channel.ensureSubscribed();
      await channels[0]?.perform("echo", { body: "hé" });
      await until(() => heard.length === 1);
      expect(heard.splice(0)).toEqual([[0, { body: "hé" }]]);
      await channels[1]?.perform("sendMessage", { body: "ahoy" });
      await until(() => heard.length === 2);
      expect(heard.toSorted()).toEqual([0, 1].map((client) => [client, { from: "ben", body: "ahoy" }]));
      const refused = await cables[0]
        ?.subscribeTo("chat", { roomId: "staff" })
        .ensureSubscribed()
        .catch((error: Error) => error.name);
      expect(refused).toBe("SubscriptionRejectedError");

      const nobody = createCable(`ws://127.0.0.1:${server.port}/cable`, { logLevel: "error" });
      cleanups.push(() => nobody.disconnect());
      const outcome = await nobody.connect().then(
        () => "let in",
        ({ reason }: { reason?: string }) => reason,
      );
      expect(outcome).toBe("unauthorized");

      for (const cable of cables) cable.disconnect();
      await until(() => log.length === 4);
      expect(log.toSorted()).toEqual([
        "ann disconnected",
        "ann left lobby",
        "ben disconnected",
        "ben left lobby",
      ]);
    }, 30_000);
  });
}

async function until(check: () => boolean): Promise<void> {
  for (const untilMs = performance.now() + 15_000; !check(); await Bun.sleep(5)) {
    if (performance.now() > untilMs) throw new Error(`not so within 15 s: ${check}`);
  }
}
