import { afterEach, describe, expect, test } from "bun:test";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { startServer } from "../../src/app/server.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { freePorts } from "../support/hawser-process.ts";
import { configOf } from "../support/load-config.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { goodToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** A server in this process, so that its threads can be laid hands on. */

const RuntimeWorker = globalThis.Worker;
const threads: Worker[] = [];

afterEach(() => {
  globalThis.Worker = RuntimeWorker;
  threads.length = 0;
});

/** @param program runs in place of a connection thread's. */
function watchThreads(program?: string): void {
  globalThis.Worker = class extends RuntimeWorker {
    constructor(...[entry, options]: ConstructorParameters<typeof RuntimeWorker>) {
      super(program ?? entry, options);
      threads.push(this);
    }
  };
}

const IDENTIFIER = JSON.stringify({ channel: "$pubsub", stream_name: "chat" });

async function join(port: number): Promise<CableClient> {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable`);
  await client.message(0);
  client.send({ command: "subscribe", identifier: IDENTIFIER });
  await client.message(1);
  return client;
}

describe("a connection thread that dies", () => {
  test("is replaced by one that takes a secret's former value for as long as the others do", async () => {
    watchThreads();
    const [port = 0, broadcastPort = 0] = await freePorts(2);
    const log = new RecordingLog(["debug"]);
    const [former, present] = ["a former secret of thirty-two bytes", "the present one of thirty-two bytes"];
    const configWith = (secret: string) =>
      configOf(
        ...["--workers=2", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
        ...[`--secret=${secret}`, "--enforce_jwt", "--norpc", "--shutdown_timeout=5"],
      );
    const server = await startServer(configWith(former), log, () => ({
      ok: true,
      config: configWith(present),
    }));
    try {
      // The server has looked by itself already, as it does at its start.
      expect((await server.reloadKeys()).problem).toBeNull();
      threads[0]?.terminate();
      threads[1]?.terminate();
      await until(async () => {
        if (threads.length < 4) throw new Error("not replaced");
        await fetch(`http://127.0.0.1:${port}/health`);
      });
      for (const secret of [former, present]) {
        const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${goodToken(secret)}`);
        expect(await client.message(0)).toContain("welcome");
        client.close();
      }
    } finally {
      await server.stop();
    }
  });

  test("takes its own clients with it, is said in the log and is replaced", async () => {
    watchThreads();
    const [port = 0, broadcastPort = 0] = await freePorts(2);
    const log = new RecordingLog(["debug"]);
    const config = configOf(
      ...["--workers=2", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
      ...["--public", "--norpc", "--shutdown_timeout=5", "--metrics_http=/metrics"],
    );
    const server = await startServer(config, log, () => ({ ok: true, config }));
    try {
      const clients = await Promise.all(Array.from({ length: 16 }, () => join(port)));
      const before = await scrape(port);
      threads[0]?.terminate();
      await until(() => {
        if (threads.length < 3 || !/died; another takes its place/.test(log.text()))
          throw new Error("not replaced");
      });
      const stayed = clients.filter(({ closedWith }) => closedWith === null);
      expect(stayed.length).toBeGreaterThan(0);
      expect(stayed.length).toBeLessThan(clients.length);
      const after = await scrape(port);
      expect(sumOf(after, "anycable_go_connection_threads_died_total")).toBe(1);
      expect(sumOf(after, "anycable_go_clients_num")).toBe(stayed.length);
      // What it had counted is not forgotten.
      const received = "anycable_go_client_msg_total";
      expect(sumOf(after, received)).toBe(sumOf(before, received));
      // Those that come now are spread over both once more, and hear what is published as the others do.
      const back = await Promise.all(clients.slice(stayed.length).map(() => join(port)));
      await publish(broadcastPort, { stream: "chat", data: '"on"' });
      for (const client of [...stayed, ...back]) {
        await client.until(
          () => client.messages.some((text) => text.includes('"on"')),
          "the publication",
          20_000,
        );
        client.close();
      }
    } finally {
      await server.stop();
    }
  });
});

test.skipIf(process.env.HAWSER_FULL !== "1")(
  "a connection thread that hangs is noticed, and replaced like one that died",
  async () => {
    watchThreads(new URL("./hanging-thread.ts", import.meta.url).href);
    const [port = 0, broadcastPort = 0] = await freePorts(2);
    const log = new RecordingLog(["debug"]);
    const config = configOf(
      ...["--workers=2", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
      ...[
        "--public",
        "--norpc",
        "--shutdown_timeout=5",
        "--metrics_http=/metrics",
        `--metrics_port=${broadcastPort}`,
      ],
    );
    const server = await startServer(config, log, () => ({ ok: true, config }));
    try {
      const clients = await Promise.all(Array.from({ length: 16 }, () => join(port)));
      threads[0]?.postMessage("hang");
      await until(() => {
        if (threads.length < 3) throw new Error("not replaced");
      }, 40_000);
      expect(log.text()).toMatch(/died; another takes its place.*it hung: it gave no sign of life for 15 s/);
      const stayed = clients.filter(({ closedWith }) => closedWith === null);
      expect(stayed.length).toBeGreaterThan(0);
      expect(stayed.length).toBeLessThan(clients.length);
      expect(sumOf(await scrape(broadcastPort), "anycable_go_connection_threads_died_total")).toBe(1);
      const back = await join(port);
      await publish(broadcastPort, { stream: "chat", data: '"on"' });
      for (const client of [...stayed, back]) {
        const heard = () => client.messages.some((text) => text.includes('"on"'));
        await client.until(heard, "the publication", 20_000);
        client.close();
      }
    } finally {
      await server.stop();
    }
  },
  60_000,
);
