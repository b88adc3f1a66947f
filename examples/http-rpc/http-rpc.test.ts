import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createCable } from "@anycable/core";
import {
  freePorts,
  type HawserProcess,
  startHawser,
} from "../../packages/server/test/support/hawser-process.ts";
import { createScratch } from "../../packages/server/test/support/scratch.ts";

const SECRET = "an application over HTTP, with a long secret";
const NODE = Bun.which("node");

const scratch = createScratch();
afterAll(() => scratch.remove());

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** Starts an example on a free port; where it listens. */
async function startExample(command: readonly string[], broadcastPort: number): Promise<string> {
  const example = Bun.spawn([...command], {
    stdout: "pipe",
    stderr: "inherit",
    env: {
      PATH: process.env.PATH,
      ANYCABLE_SECRET: SECRET,
      BROADCAST_URL: `http://127.0.0.1:${broadcastPort}/_broadcast`,
      PORT: "0",
    },
  });
  cleanups.push(async () => {
    example.kill("SIGKILL");
    await example.exited;
  });
  const { value } = await example.stdout.getReader().read();
  const address = /http:\/\/\S+/.exec(new TextDecoder().decode(value))?.[0];
  if (address === undefined) throw new Error("the example did not say where it listens");
  return address;
}

async function started(
  commandOf: () => Promise<readonly string[]>,
): Promise<{ server: HawserProcess; app: string }> {
  // The server is told where the application is, and the application where the server is.
  const [broadcastPort] = await freePorts(1);
  const app = await startExample(await commandOf(), broadcastPort);
  const server = await startHawser([
    `--rpc_host=${app}/_anycable`,
    `--secret=${SECRET}`,
    `--http_broadcast_port=${broadcastPort}`,
  ]);
  cleanups.push(() => server.stop());
  return { server, app };
}

async function bundled(file: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, file)],
    target: "node",
    outdir: scratch.path,
  });
  if (!built.success) throw new AggregateError(built.logs, `cannot bundle ${file}`);
  return join(scratch.path, file.replace(/\.ts$/, ".js"));
}

describe.each(["hono.ts", "express.ts"])("%s", (file) => {
  test.each([
    ["Bun", async () => [process.execPath, "--no-env-file", join(import.meta.dir, file)]],
    ...(NODE === null ? [] : [["Node", async () => [NODE, await bundled(file)]] as const]),
  ] as [string, () => Promise<readonly string[]>][])(
    "under %s serves its pages and, to the server alone, its channels",
    async (_runtime, commandOf) => {
      const { server, app } = await started(commandOf);
      expect(await (await fetch(app)).text()).toBe("a page of the application");
      expect((await fetch(`${app}/_anycable/connect`, { method: "POST", body: "{}" })).status).toBe(401);

      const heard: unknown[] = [];
      const channels = ["ann", "ben"].map((name) => {
        const cable = createCable(`ws://127.0.0.1:${server.port}/cable?name=${name}`, { logLevel: "error" });
        cleanups.push(() => cable.disconnect());
        const channel = cable.subscribeTo("ChatChannel", { room: "lobby" });
        channel.on("message", (message: unknown) => heard.push(message));
        return channel;
      });
      for (const channel of channels) await channel.ensureSubscribed();
      await channels[0]?.perform("speak", { text: "ahoy, é" });
      for (const untilMs = performance.now() + 15_000; heard.length < 2; await Bun.sleep(5)) {
        if (performance.now() > untilMs) throw new Error("nobody heard it within 15 s");
      }
      expect(heard).toEqual([1, 2].map(() => ({ from: "ann", text: "ahoy, é" })));
    },
    60_000,
  );
});
