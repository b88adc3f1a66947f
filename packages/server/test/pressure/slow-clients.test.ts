import { describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape } from "../support/scrape.ts";
import { connectStalled } from "../support/stalled-client.ts";
import { useStarted } from "../support/started.ts";

const OPEN = ["--norpc", "--noauth", "--public_streams", "--ping_interval=0", "--metrics_http=/metrics"];
const CHANNEL = JSON.stringify({ channel: "$pubsub", stream_name: "news" });
const PREFIX = "anycable_go_";

const started = useStarted();

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  return started(await startHawser([...OPEN, ...flags]));
}

describe("a client that stops reading", () => {
  test("leaves the counters right: what waits for it counts as sent, byte for byte", async () => {
    const server = await start("--ws_max_pending_size=0", "--ws_write_timeout=0");
    started(await connectStalled(server.port, CHANNEL));
    const before = await scrape(server.port);
    const data = JSON.stringify("é".repeat(20_000));
    for (let i = 0; i < 200; i++) await publish(server.broadcastPort, { stream: "news", data });
    const after = await scrape(server.port);
    const frameBytes = Buffer.byteLength(`{"identifier":${JSON.stringify(CHANNEL)},"message":${data}}`);
    const grown = (name: string) => (after.get(PREFIX + name) ?? 0) - (before.get(PREFIX + name) ?? 0);
    expect(grown("server_msg_total")).toBe(200);
    expect(grown("data_sent_total")).toBe(200 * frameBytes);
  }, 20_000);

  test("is told so and counted, also when everything comes in one burst", async () => {
    const server = await start();
    const client = started(await connectStalled(server.port, CHANNEL));
    const element = { stream: "news", data: JSON.stringify("z".repeat(60_000)) };
    expect(
      (
        await publish(
          server.broadcastPort,
          Array.from({ length: 300 }, () => element),
        )
      ).status,
    ).toBe(201);
    client.resume();
    await client.ended;
    const received = client.received();
    const farewell = received.indexOf('{"type":"disconnect","reason":"too_slow","reconnect":true}');
    expect(farewell).toBeGreaterThan(0);
    expect([...received.subarray(-4)]).toEqual([0x88, 2, 1000 >> 8, 1000 & 255]);
    expect((await scrape(server.port)).get(`${PREFIX}disconnected_slow_clients_total`)).toBe(1);
  }, 20_000);
});
