import { describe, expect, test } from "bun:test";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, startRedis, useRedis } from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { useStarted } from "../support/started.ts";

const FLAGS = ["--norpc", "--public", "--pubsub=none", "--metrics_http=/metrics"];
const PASSWORD = "pw-c4n4ry-of-redis";
const redis = useRedis();
const started = useStarted();

async function start(flags: readonly string[], env: Record<string, string> = {}): Promise<HawserProcess> {
  return started(await startHawser([...FLAGS, ...flags], env));
}

async function follower({ port }: HawserProcess, stream = "chat"): Promise<CableClient> {
  const client = started(new CableClient(`ws://127.0.0.1:${port}/cable`));
  await client.message(0);
  client.send({
    command: "subscribe",
    identifier: JSON.stringify({ channel: "$pubsub", stream_name: stream }),
  });
  await client.message(1);
  return client;
}

const payloads = ({ messages }: CableClient) => messages.slice(2).map((text) => JSON.parse(text).message);
const message = (data: unknown, stream = "chat") => JSON.stringify({ stream, data: JSON.stringify(data) });

describe.skipIf(!HAS_REDIS)("publications by a channel of Redis", () => {
  test("reach clients in order, in every form that the Ruby gem writes", async () => {
    const hawser = await start([`--redis_url=${redis.url}`, "--broadcast_adapter=redis"]);
    await hawser.waitFor(/subscribed to Redis channel .*channel=__anycable__/);
    const client = await follower(hawser);
    const channel = "__anycable__";
    await redis.command("PUBLISH", channel, message({ n: 1 }));
    await redis.command("PUBLISH", channel, `[${message(2)},${message("x", "other")},${message(3)}]`);
    await redis.command(
      "PUBLISH",
      channel,
      JSON.stringify({ stream: "chat", data: '"4"', meta: { broadcast_type: "note" } }),
    );
    await redis.command("PUBLISH", channel, "no JSON");
    await redis.command("PUBLISH", channel, message(5));
    await client.message(6);
    expect(payloads(client)).toEqual([{ n: 1 }, 2, 3, "4", 5]);
    const samples = await scrape(hawser.port);
    // As with the reference what comes this way is no publication, and each message of a batch is a broadcast.
    expect(samples.get("anycable_go_publications_total")).toBe(0);
    expect(samples.get("anycable_go_broadcast_msg_total")).toBe(6);
    expect(samples.get("anycable_go_failed_broadcast_msg_total")).toBe(1);
    // Without http there is no endpoint for it.
    expect((await publish(hawser.port, message(6))).status).toBe(404);
  });

  test("hold remote commands too", async () => {
    const hawser = await start([`--redis_url=${redis.url}`, "--redis_channel=mine"]);
    await hawser.waitFor(/subscribed to Redis channel/);
    const client = await follower(hawser);
    const sid = JSON.parse(client.messages[0] ?? "{}").sid;
    expect(sid).toBeString();
    const bystander = await follower(hawser);
    const identifiers = JSON.stringify({ sid });
    await redis.command(
      "PUBLISH",
      "mine",
      JSON.stringify({ command: "disconnect", payload: { identifier: identifiers } }),
    );
    expect((await client.closed()).code).toBe(1000);
    expect(client.messages.at(-1)).toBe('{"type":"disconnect","reason":"remote","reconnect":false}');
    expect(bystander.closedWith).toBeNull();
  });

  test("come beside those by HTTP where REDIS_URL is all that was said of Redis (D31)", async () => {
    const hawser = await start([], { REDIS_URL: redis.url });
    await hawser.waitFor(/subscribed to Redis channel/);
    const client = await follower(hawser);
    expect((await publish(hawser.broadcastPort, message(1))).status).toBe(201);
    await client.message(2);
    await redis.command("PUBLISH", "__anycable__", message(2));
    await client.message(3);
    expect(payloads(client)).toEqual([1, 2]);
  });

  test("go on after Redis was killed, and no client notices", async () => {
    const own = await startRedis({
      folder: redis.scratch.path,
      args: ["--requirepass", PASSWORD],
      password: PASSWORD,
    });
    try {
      const url = `redis://default:${PASSWORD}@127.0.0.1:${own.port}`;
      const hawser = await start([`--redis_url=${url}`, "--log_level=debug"]);
      await hawser.waitFor(/subscribed to Redis channel/);
      const client = await follower(hawser);
      await own.kill();
      await hawser.waitFor(/connection to Redis lost; connecting again .*address=127\.0\.0\.1:\d+ error=/);
      await hawser.waitFor(/Redis cannot be used; trying again/);
      await own.restart();
      await hawser.waitFor(/reconnected to Redis channel/);
      await own.command("PUBLISH", "__anycable__", message("back"));
      await client.message(2);
      expect(payloads(client)).toEqual(["back"]);
      expect(client.closedWith).toBeNull();
      hawser.signal("SIGTERM");
      expect(await hawser.exited).toBe(0);
      expect(hawser.output()).not.toContain("c4n4ry");
    } finally {
      await own.kill();
    }
  }, 60_000);

  test("begin when Redis is there, if it was not at the start", async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    await own.kill();
    try {
      const hawser = await start([`--redis_url=${own.url}`]);
      await hawser.waitFor(/Redis cannot be used; trying again/);
      const client = await follower(hawser);
      expect((await publish(hawser.broadcastPort, message("by HTTP"))).status).toBe(201);
      await own.restart();
      await hawser.waitFor(/subscribed to Redis channel/);
      await own.command("PUBLISH", "__anycable__", message("by Redis"));
      await client.message(3);
      expect(payloads(client)).toEqual(["by HTTP", "by Redis"]);
    } finally {
      await own.kill();
    }
  }, 60_000);

  test("go on after Redis fell silent with its connections open", async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    try {
      const hawser = await start([`--redis_url=${own.url}`, "--redis_keepalive_interval=1"]);
      await hawser.waitFor(/subscribed to Redis channel/);
      const client = await follower(hawser);
      own.signal("SIGSTOP");
      await hawser.waitFor(/connection to Redis lost.*error="it does not answer any more"/);
      own.signal("SIGCONT");
      await hawser.waitFor(/reconnected to Redis channel/);
      await own.command("PUBLISH", "__anycable__", message(1));
      await client.message(2);
    } finally {
      own.signal("SIGCONT");
      await own.kill();
    }
  }, 60_000);
});

test("what a wrong address of Redis says holds no password", async () => {
  for (const wrong of [
    `redis://a:${PASSWORD}@h:1/x`,
    `ftp://a:${PASSWORD}@h`,
    `redis://a:${PASSWORD}%@h`,
    `redis://:${PASSWORD}@`,
  ]) {
    const refused = await startHawser([...FLAGS, `--redis_url=${wrong}`]).then(
      () => "it started",
      (thrown: Error) => thrown.message,
    );
    expect(refused).toContain("--redis_url: the value");
    expect(refused).not.toContain("c4n4ry");
  }
});

test.skipIf(!HAS_REDIS)(
  "a login that is refused is said, and tried again",
  async () => {
    const own = await startRedis({
      folder: redis.scratch.path,
      args: ["--requirepass", "right"],
      password: "right",
    });
    try {
      const hawser = await start([`--redis_url=redis://:${PASSWORD}@127.0.0.1:${own.port}`]);
      await hawser.waitFor(/Redis cannot be used; trying again .*WRONGPASS/);
      await own.command("CONFIG", "SET", "requirepass", PASSWORD);
      await hawser.waitFor(/subscribed to Redis channel/);
      expect(hawser.output()).not.toContain("c4n4ry");
    } finally {
      await own.kill();
    }
  },
  60_000,
);
