import { expect, test } from "bun:test";
import { runHawser } from "../support/hawser-command.ts";
import { freePorts } from "../support/hawser-process.ts";
import { startJetStream } from "../support/jet-stream.ts";
import { HAS_NATS, startNats } from "../support/nats-server.ts";
import { HAS_REDIS, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";

const PASSWORD = "pw-c4n4ry-of-doctor";

/** What the doctor says of Redis and NATS. */
async function examine(...flags: string[]): Promise<string[]> {
  const [port, broadcastPort] = await freePorts(2);
  const placed = ["--norpc", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`];
  const { stdout } = await runHawser(["doctor", "--json", ...placed, ...flags]);
  expect(stdout).not.toContain("c4n4ry");
  const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; text: string }[] };
  return findings
    .filter(({ check }) => ["Redis", "NATS", "broker"].includes(check))
    .map(({ check, level, text }) => `${check} ${level}: ${text}`);
}

test("the doctor says that brokers cannot be reached, and nothing of those that are not used", async () => {
  expect(await examine()).toEqual([]);
  expect(
    await examine(
      ...[`--redis_url=redis://me:${PASSWORD}@127.0.0.1:1`, "--broadcast_adapter=http,nats"],
      ...[`--nats_servers=nats://me:${PASSWORD}@127.0.0.1:1`],
    ),
  ).toEqual([
    expect.stringMatching(/^Redis fail: it cannot be used: .*ECONNREFUSED/),
    expect.stringMatching(/^NATS fail: nats:\/\/127\.0\.0\.1:1 cannot be used: /),
  ]);
}, 60_000);

test.skipIf(!HAS_NATS)(
  "the doctor looks for JetStream where the broker needs it",
  async () => {
    const without = await startNats();
    const nats = await startJetStream();
    try {
      expect(await examine("--broker=nats", `--nats_servers=${without.url}`)).toEqual([
        expect.stringMatching(/^NATS fail: .*no JetStream.*start nats-server with --jetstream/),
      ]);
      expect(await examine("--broker=nats", `--nats_servers=${nats.url}`)).toEqual([
        expect.stringMatching(/^NATS ok: nats:\/\/127\.0\.0\.1:\d+ answered in \d+ ms, and has JetStream$/),
      ]);
    } finally {
      await Promise.all([without.kill(), nats.remove()]);
    }
  },
  60_000,
);

test.skipIf(!HAS_REDIS || !HAS_NATS)(
  "the doctor finds brokers that answer",
  async () => {
    const scratch = createScratch();
    const redis = await startRedis({ folder: scratch.path });
    const nats = await startNats();
    try {
      expect(
        await examine(
          "--broadcast_adapter=redisx",
          `--redis_url=${redis.url}`,
          "--pubsub=nats",
          `--nats_servers=${nats.url}`,
        ),
      ).toEqual([
        expect.stringMatching(/^Redis ok: 127\.0\.0\.1:\d+ answered in \d+ ms$/),
        expect.stringMatching(/^NATS ok: nats:\/\/127\.0\.0\.1:\d+ answered in \d+ ms$/),
      ]);
    } finally {
      await Promise.all([redis.kill(), nats.kill()]);
      scratch.remove();
    }
  },
  60_000,
);

test.skipIf(!HAS_REDIS)(
  "the doctor tries whether Redis can be the broker, and says what it does when its memory is full",
  async () => {
    const scratch = createScratch();
    const args = ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"];
    const redis = await startRedis({ folder: scratch.path, args });
    const rights = ["on", `>${PASSWORD}`, "resetkeys", "~hawser:*", "&*", "+@all"];
    const asUser = `--redis_url=redis://cable:${PASSWORD}@127.0.0.1:${redis.port}`;
    try {
      await redis.command("ACL", "SETUSER", "cable", ...rights);
      expect(await examine("--broker=redis", asUser)).toEqual([
        expect.stringMatching(/^Redis ok: /),
        expect.stringMatching(/^broker ok: Redis \d+\.\d+\.\d+ runs scripts and keeps messages$/),
        expect.stringMatching(/^broker warn: when its memory is full, Redis throws away .*volatile-lru/),
      ]);
      await redis.command("ACL", "SETUSER", "cable", "-rpush");
      expect(await examine("--broker=redis", asUser)).toEqual([
        expect.stringMatching(/^Redis ok: /),
        expect.stringMatching(/^broker fail: Redis cannot be the broker: .*can't run this command/),
      ]);
    } finally {
      await redis.kill();
      scratch.remove();
    }
  },
  60_000,
);
