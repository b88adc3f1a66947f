import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { inSeconds, signToken } from "../support/tokens.ts";
import { BUN, bundleForNode, type CableProcess, type Runtime, runCable } from "./cable-process.ts";
import type { Task, Told } from "./cable-program.ts";

/** The reference's own client from npm, under Bun and under Node, against the real server. */

const SECRET = "qwerty";
const FLAGS = ["--norpc", "--public_streams", `--jwt_secret=${SECRET}`, "--enforce_jwt"];
const MESSAGES = 1000;

const claims = { ext: '{"user":"ann"}' };
const GOOD = signToken(SECRET, { ...claims, exp: inSeconds(3600) });
const EXPIRED = signToken(SECRET, { ...claims, exp: inSeconds(-60) });
const FORGED = signToken("another secret", { ...claims, exp: inSeconds(3600) });

const NODE = Bun.which("node");
const scratch = createScratch();
const runtimes = new Map<string, Runtime>([["Bun", BUN]]);
let server: HawserProcess;

beforeAll(async () => {
  server = await startHawser(FLAGS);
  if (NODE !== null) runtimes.set("Node", await bundleForNode(NODE, scratch.path));
});

afterAll(async () => {
  await server?.stop();
  scratch.remove();
});

/** Runs the program and ends it again, whatever happens. */
async function withClient(
  runtime: string,
  task: Partial<Task>,
  use: (client: CableProcess) => Promise<void>,
): Promise<void> {
  const where = runtimes.get(runtime);
  if (where === undefined) throw new Error(`no ${runtime} here`);
  const client = runCable(where, {
    url: `ws://127.0.0.1:${server.port}/cable`,
    protocol: "actioncable-v1-json",
    strategy: "param",
    token: GOOD,
    stream: `${runtime}/${crypto.randomUUID()}`,
    ...task,
  });
  try {
    await use(client);
  } finally {
    await client.stop();
  }
}

const is = (event: Told["event"]) => (told: Told) => told.event === event;

const messagesOf = ({ told }: CableProcess) =>
  told.flatMap((each) => (each.event === "message" ? [each.message] : []));

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

for (const name of ["Bun", "Node"]) {
  describe.skipIf(name === "Node" && NODE === null)(`@anycable/core under ${name}`, () => {
    const ways: readonly Pick<Task, "protocol" | "strategy">[] = [
      { protocol: "actioncable-v1-json", strategy: "param" },
      { protocol: "actioncable-v1-json", strategy: "header" },
      { protocol: "actioncable-v1-json", strategy: "sub-protocol" },
      { protocol: "actioncable-v1-ext-json", strategy: "sub-protocol" },
    ];
    for (const { protocol, strategy } of ways) {
      test(`gets ${MESSAGES} broadcasts in order, its token as a ${strategy}, by ${protocol}`, async () => {
        const stream = `${name}/${strategy}/${protocol}`;
        await withClient(name, { protocol, strategy, stream }, async (client) => {
          await client.waitFor(is("subscribed"));
          await publishMany(server.broadcastPort, stream);
          const last = (told: Told) =>
            told.event === "message" && Bun.deepEquals(told.message, { number: MESSAGES - 1 });
          await client.waitFor(last);
          expect(messagesOf(client)).toEqual(Array.from({ length: MESSAGES }, (_, number) => ({ number })));
          expect(client.told.filter((told) => told.event === "disconnect" || told.event === "close")).toEqual(
            [],
          );
        });
      });

      test(`fetches a fresh token as a ${strategy}, by ${protocol}, when the server says that it expired`, async () => {
        const stream = `${name}/refresh/${strategy}/${protocol}`;
        const task = { protocol, strategy, stream, token: EXPIRED, freshToken: GOOD };
        await withClient(name, task, async (client) => {
          await client.waitFor(is("subscribed"));
          // The client fetches a token before it lets the application's own listeners know.
          expect(client.told.slice(0, 2)).toEqual([
            { event: "refreshing" },
            { event: "close", reason: "token_expired", reconnect: false },
          ]);
          await publish(server.broadcastPort, { stream, data: '"fresh"' });
          await client.waitFor(is("message"));
          expect(messagesOf(client)).toEqual(["fresh"]);
        });
      });
    }

    test("stays away when its token is not of this server", async () => {
      await withClient(name, { token: FORGED, freshToken: GOOD }, async (client) => {
        await client.waitFor(is("close"));
        // Its reconnects, if there were any, would come after 100 ms.
        await Bun.sleep(500);
        expect(client.told).toEqual([{ event: "close", reason: "unauthorized", reconnect: false }]);
      });
    });

    test("does not ask for a third token when the fresh one has expired too", async () => {
      await withClient(name, { token: EXPIRED, freshToken: EXPIRED }, async (client) => {
        await client.waitFor(is("close"), 2);
        await Bun.sleep(300);
        expect(client.told.map(({ event }) => event)).toEqual(["refreshing", "close", "close"]);
      });
    });

    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      test(`comes back and subscribes again after a ${signal} and a restart`, async () => {
        const stream = `${name}/restart`;
        let restarting = await startHawser(FLAGS);
        const { port } = restarting;
        const url = `ws://127.0.0.1:${port}/cable`;
        try {
          await withClient(name, { url, stream }, async (client) => {
            await client.waitFor(is("subscribed"));
            const before = client.told.length;
            restarting.signal(signal);
            await restarting.exited;
            const lost = await client.waitFor(is("disconnect"), before);
            if (signal === "SIGTERM") expect(lost).toMatchObject({ reason: "server_restart" });
            restarting = await startHawser([...FLAGS, `--port=${port}`]);
            await client.waitFor(is("subscribed"), before);
            await publish(restarting.broadcastPort, { stream, data: '"again"' });
            await client.waitFor(is("message"), before);
            expect(messagesOf(client)).toEqual(["again"]);
            expect(client.told.filter(is("close"))).toEqual([]);
          });
        } finally {
          await restarting.stop();
        }
      });
    }
  });
}
