import { afterEach, expect, test } from "bun:test";
import WebSocket from "ws";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";

const MESSAGES = 3000;
const BYTES = 3000;
const IDENTIFIER = JSON.stringify({ channel: "$pubsub", stream_name: "long" });

let server: HawserProcess | null = null;
let client: WebSocket | null = null;

afterEach(async () => {
  client?.terminate();
  await server?.stop();
});

test("a client that pauses while it catches up with nine times what may wait for it gets it all, and the rest behind that", async () => {
  server = await startHawser([
    ...["--norpc", "--public", "--broker=memory", `--history_limit=${MESSAGES + 1}`],
  ]);
  const url = `http://127.0.0.1:${server.broadcastPort}/_broadcast`;
  const text = "x".repeat(BYTES);
  const publish = async (from: number, to: number) => {
    const batch = Array.from({ length: to - from + 1 }, (_, index) => ({
      stream: "long",
      data: JSON.stringify({ number: from + index, text }),
    }));
    const { status } = await fetch(url, { method: "POST", body: JSON.stringify(batch) });
    expect(status).toBe(201);
  };
  for (let from = 1; from <= MESSAGES; from += 100) await publish(from, from + 99);

  const numbers: number[] = [];
  const { promise: heardAll, resolve, reject } = Promise.withResolvers<void>();
  client = new WebSocket(`ws://127.0.0.1:${server.port}/cable`, "actioncable-v1-ext-json");
  client.on("close", (code, reason) => reject(new Error(`closed ${code} ${reason}`)));
  client.on("message", (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === "welcome") {
      client?.send(JSON.stringify({ command: "subscribe", identifier: IDENTIFIER, history: { since: 1 } }));
      // Sweeps of the queues come and go before it reads on.
      client?.pause();
      setTimeout(() => client?.resume(), 1500);
      void publish(MESSAGES + 1, MESSAGES + 1);
    }
    if (frame.message?.number === undefined) return;
    numbers.push(frame.message.number);
    if (frame.message.number === MESSAGES + 1) resolve();
  });
  await heardAll;
  expect(numbers).toEqual(Array.from({ length: MESSAGES + 1 }, (_, index) => index + 1));
}, 60_000);
