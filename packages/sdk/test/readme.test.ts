import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CableClient } from "../../server/test/support/cable-client.ts";
import { freePorts, startHawser } from "../../server/test/support/hawser-process.ts";
import { createBroadcaster } from "../src/index.ts";

const EXAMPLE = join(import.meta.dir, "readme-example.ts");
const SECRET = "readme";

test("the README's example is the one that the compiler checks", () => {
  const readme = readFileSync(join(import.meta.dir, "../README.md"), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(readFileSync(EXAMPLE, "utf8"));
});

test("the README's example runs: a token, a room, words in it, a whisper, a signed stream, an end in order", async () => {
  const [port, rpcPort] = await freePorts(2);
  const server = await startHawser([
    `--secret=${SECRET}`,
    "--enforce_jwt",
    `--rpc_host=127.0.0.1:${rpcPort}`,
  ]);
  const application = Bun.spawn([process.execPath, "--no-env-file", EXAMPLE], {
    stdout: "pipe",
    stderr: "inherit",
    env: {
      PATH: process.env.PATH,
      ANYCABLE_SECRET: SECRET,
      CABLE: `127.0.0.1:${server.broadcastPort}`,
      PORT: String(port),
      RPC_PORT: String(rpcPort),
    },
  });
  const clients: CableClient[] = [];
  try {
    const { value } = await application.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toContain(`gRPC on ${rpcPort}`);
    const app = `http://127.0.0.1:${port}`;
    expect((await fetch(`${app}/token`)).status).toBe(401);
    const join = async (name: string) => {
      const { token } = Object(
        await (await fetch(`${app}/token`, { headers: { cookie: `name=${name}` } })).json(),
      );
      const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`, {
        protocols: ["actioncable-v1-json"],
      });
      clients.push(client);
      expect(JSON.parse(await client.message(0))).toMatchObject({ type: "welcome" });
      return client;
    };
    const [ann, ben] = [await join("ann"), await join("ben")];
    const [lobby, staff] = ["lobby", "staff"].map((room) => JSON.stringify({ channel: "ChatChannel", room }));
    const news = JSON.stringify(await (await fetch(`${app}/news`)).json());
    const follow = async (client: CableClient, identifier: string | undefined, type: string) => {
      const at = client.messages.length;
      client.send({ command: "subscribe", identifier });
      expect(JSON.parse(await client.message(at))).toMatchObject({ type: `${type}_subscription` });
    };
    for (const client of [ann, ben]) await follow(client, lobby, "confirm");
    await follow(ann, staff, "confirm");
    await follow(ben, staff, "reject");
    await follow(ben, news, "confirm");
    ann.send({ command: "message", identifier: lobby, data: '{"action":"speak","text":"hé"}' });
    expect(JSON.parse(await ben.message(4))).toMatchObject({ message: { from: "ann", text: "hé", said: 1 } });
    ann.send({ command: "whisper", identifier: lobby, data: { typing: true } });
    expect(JSON.parse(await ben.message(5))).toMatchObject({ message: { typing: true } });
    const publisher = createBroadcaster({
      url: `http://127.0.0.1:${server.broadcastPort}/_broadcast`,
      secret: SECRET,
    });
    await publisher.broadcast("news", "extra");
    expect(JSON.parse(await ben.message(6))).toMatchObject({ identifier: news, message: "extra" });
    application.kill("SIGTERM");
    expect(await application.exited).toBe(0);
  } finally {
    for (const client of clients) client.close();
    application.kill("SIGKILL");
    await server.stop();
  }
}, 30_000);
