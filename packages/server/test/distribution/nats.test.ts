import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_NATS, type NatsServer, startNats } from "../support/nats-server.ts";
import { HAS_REFERENCE, startReference } from "../support/reference-server.ts";
import { scrape } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, numbers, untilJoined } from "./cluster-client.ts";
import { outlive } from "./outage.ts";

const scratch = createScratch();
const started = useStarted();
const PASSWORD = "pw-c4n4ry-of-nats";
let nats: NatsServer;

beforeAll(async () => {
  if (HAS_NATS) nats = await startNats();
});
afterAll(async () => {
  await nats?.kill();
  scratch.remove();
});

async function start(...flags: string[]): Promise<HawserProcess> {
  return started(
    await startHawser(["--norpc", "--public", "--streams_whisper", "--metrics_http=/metrics", ...flags]),
  );
}

async function node(url = nats.url): Promise<HawserProcess> {
  const server = await start("--pubsub=nats", `--nats_servers=${url}`);
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

async function join({ port }: { readonly port: number }, stream?: string): Promise<ClusterClient> {
  return started(await ClusterClient.join(port, stream));
}

describe.skipIf(!HAS_NATS)("publications by a subject of NATS", () => {
  test("reach the clients of every server, each once and in order", async () => {
    const flags = ["--broadcast_adapter=nats,http", `--nats_servers=${nats.url}`, "--nats_channel=mine.pub"];
    const [a, b] = [await start(...flags), await start(...flags)];
    for (const server of [a, b]) await server.waitFor(/subscribed to NATS channel .*channel=mine\.pub/);
    const both = [await join(a), await join(b)];
    for (const n of numbers(100)) await nats.publish("mine.pub", JSON.stringify(message(n)));
    await nats.publish("mine.pub", "no JSON");
    for (const client of both) expect(await client.untilHeard(100)).toEqual(numbers(100));
    await until(async () =>
      expect((await scrape(a.port)).get("anycable_go_failed_broadcast_msg_total")).toBe(1),
    );
    expect((await scrape(a.port)).get("anycable_go_publications_total")).toBe(0);
  }, 60_000);

  test("begin when NATS is there, and go on after it was killed", async () => {
    const own = await startNats(["--user", "me", "--pass", PASSWORD], { user: "me", pass: PASSWORD });
    await own.kill();
    try {
      const url = `nats://me:${PASSWORD}@127.0.0.1:${own.port}`;
      const server = await start("--broadcast_adapter=nats", `--nats_servers=${url}`, "--log_level=debug");
      await server.waitFor(/NATS cannot be used; trying again .*address=nats:\/\/127/);
      const client = await join(server);
      await own.restart();
      await server.waitFor(/ subscribed to NATS channel/);
      await own.publish("__anycable__", JSON.stringify(message("there")));
      expect(await client.untilHeard(1)).toEqual(["there"]);
      await own.kill();
      await server.waitFor(/connection to NATS lost; connecting again/);
      await own.restart();
      await server.waitFor(/reconnected to NATS channel/);
      await own.publish("__anycable__", JSON.stringify(message("back")));
      expect(await client.untilHeard(2)).toEqual(["there", "back"]);
      server.signal("SIGTERM");
      expect(await server.exited).toBe(0);
      expect(server.output()).not.toContain("c4n4ry");
    } finally {
      await own.kill();
    }
  }, 60_000);
});

describe.skipIf(!HAS_NATS)("servers that pass messages on by NATS", () => {
  test("give each client each message once and in order, wherever it was published", async () => {
    const [a, b] = [await node(), await node()];
    const all = [await join(a), await join(b), await join(b)];
    await untilJoined(all, a.broadcastPort);
    for (const n of numbers(200)) expect((await publish(a.broadcastPort, message(n))).status).toBe(201);
    for (const client of all) expect(await client.untilHeard(200)).toEqual(numbers(200));
    all[0]?.whisper("psst");
    expect((await all[2]?.untilHeard(201))?.at(-1)).toBe("psst");
    const identifier = JSON.stringify({ sid: JSON.parse(all[1]?.cable.messages[0] ?? "{}").sid });
    await publish(a.broadcastPort, { command: "disconnect", payload: { identifier } });
    await all[1]?.cable.closed(20_000);
    expect(all[0]?.heard).toHaveLength(200);
  }, 60_000);

  test("take their channel for commands from the file", async () => {
    const file = scratch.write("channel.toml", "[nats_pubsub]\nchannel = 'inner'\n");
    const a = await start("--pubsub=nats", `--nats_servers=${nats.url}`, `--config-path=${file}`);
    await a.waitFor(/ connected .*channel=inner/);
    const client = await join(a);
    const identifier = JSON.stringify({ sid: JSON.parse(client.cable.messages[0] ?? "{}").sid });
    await nats.publish("inner", JSON.stringify({ command: "disconnect", payload: { identifier } }));
    await client.cable.closed(20_000);
  }, 60_000);

  test("know streams by their whole names, whatever NATS would make of them", async () => {
    const [a, b] = [await node(), await node()];
    const names = ["a.b", "a.*", ">", "with space", "$JS.API.STREAM.NAMES", "x\r\nPUB chat 0\r\n", "é"];
    const followers = await Promise.all(names.map((name) => join(b, name)));
    for (const [index, name] of names.entries())
      await untilJoined([followers[index] as ClusterClient], a.broadcastPort, name);
    for (const name of names) await publish(a.broadcastPort, message(name, name));
    for (const [index, name] of names.entries())
      expect(await followers[index]?.untilHeard(1)).toEqual([name]);
    expect(b.output()).not.toMatch(/ERR|lost/);
  }, 60_000);

  test.skipIf(!HAS_REFERENCE)(
    "may have servers of the reference among them",
    async () => {
      const a = await node();
      const reference = started(
        await startReference([
          ...["--pubsub=nats", "--broadcast_adapter=http", `--nats_servers=${nats.url}`],
        ]),
      );
      const both = [await join(a), await join(reference)];
      await untilJoined(both, a.broadcastPort);
      await untilJoined(both, reference.broadcastPort);
      await publish(a.broadcastPort, message({ from: "here" }));
      await both[1]?.untilHeard(1);
      await publish(reference.broadcastPort, message("there"));
      for (const client of both) expect(await client.untilHeard(2)).toEqual([{ from: "here" }, "there"]);
      both[0]?.whisper("hi");
      expect((await both[1]?.untilHeard(3))?.[2]).toBe("hi");
    },
    60_000,
  );

  test("drop no client when NATS is killed under load, and deliver when it is back", async () => {
    const own = await startNats();
    try {
      const [a, b] = [await node(own.url), await node(own.url)];
      const both = [await join(a), await join(b)];
      await untilJoined(both, a.broadcastPort);
      await outlive({ servers: [a, b], broker: own, clients: both });
    } finally {
      await own.kill();
    }
  }, 90_000);
});
