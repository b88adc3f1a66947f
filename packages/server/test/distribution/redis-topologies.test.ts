import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, type RedisServer, startRedis, startSentinel } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

/** Every way to reach Redis: each shows by a subscription that the other side can see. */

const scratch = createScratch();
const running: RedisServer[] = [];
let server: HawserProcess | null = null;

afterEach(async () => {
  await server?.stop();
  server = null;
  await Promise.all(running.splice(0).map((one) => one.kill()));
});
afterAll(() => scratch.remove());

async function redis(place: Partial<Parameters<typeof startRedis>[0]> = {}): Promise<RedisServer> {
  const started = await startRedis({ folder: scratch.path, ...place });
  running.push(started);
  return started;
}

async function hawser(...flags: string[]): Promise<HawserProcess> {
  server = await startHawser(["--norpc", "--broadcast_adapter=redis", ...flags]);
  return server;
}

async function expectHeard(by: RedisServer): Promise<void> {
  await until(async () => expect(await by.command("PUBLISH", "__anycable__", "{}")).toBe(1));
}

describe.skipIf(!HAS_REDIS)("Redis is reached", () => {
  test("as a user with rights to what is needed", async () => {
    const one = await redis();
    await one.command(
      ...(["ACL", "SETUSER", "cable", "on", ">p@ss,w:d", "&__anycable__", "+subscribe", "+ping"] as const),
    );
    await hawser(`--redis_url=redis://cable:${encodeURIComponent("p@ss,w:d")}@127.0.0.1:${one.port}`);
    await expectHeard(one);
  });

  test("by a Unix socket", async () => {
    const path = join(scratch.path, "redis.sock");
    const one = await redis({ args: ["--unixsocket", path] });
    await hawser(`--redis_url=unix://${path}`);
    await expectHeard(one);
  });

  test("at another host of a cluster when the first one is gone", async () => {
    const [gone, there] = [await redis(), await redis()];
    await gone.kill();
    running.splice(running.indexOf(gone), 1);
    await hawser(`--redis_url=${gone.url},${there.url}`);
    await expectHeard(there);
  });

  test.skipIf(!HAS_OPENSSL)("by TLS, both sides showing certificates that are checked", async () => {
    const { certPath, keyPath } = makeCertificate(scratch.path, "redis");
    const client = makeCertificate(scratch.path, "client");
    const tls = { certPath, keyPath, caPath: client.certPath };
    const one = await redis({ tls, args: ["--tls-auth-clients", "yes"] });
    const url = `--redis_url=${one.url}`;
    const shown = [
      `--redis_tls_client_cert_path=${client.certPath}`,
      `--redis_tls_client_key_path=${client.keyPath}`,
    ];
    const checked = await hawser(url, "--redis_tls_verify", `--redis_tls_ca_cert_path=${certPath}`, ...shown);
    await expectHeard(one);
    await checked.stop();
    const unchecked = await hawser(url, ...shown);
    await expectHeard(one);
    await unchecked.stop();
    const suspicious = await hawser(url, "--redis_tls_verify", ...shown);
    await suspicious.waitFor(/Redis cannot be used; trying again .*self.signed/i);
    await suspicious.stop();
    const bare = await hawser(url);
    await bare.waitFor(/Redis cannot be used; trying again/);
  });

  test("by Sentinels, and again after they made another the master", async () => {
    const [master, replica] = [await redis(), await redis()];
    await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
    const sentinel = await startSentinel(scratch.path, master.port);
    running.push(sentinel);
    await until(async () =>
      expect(JSON.stringify(await sentinel.command("SENTINEL", "REPLICAS", "main"))).toContain(
        String(replica.port),
      ),
    );
    const reached = await hawser("--redis_url=redis://main", `--redis_sentinels=127.0.0.1:${sentinel.port}`);
    await reached.waitFor(/Starting Redis broadcaster: \(sentinels\): \[127\.0\.0\.1:\d+\]/);
    await reached.waitFor(/subscribed to Redis channel/);
    await master.kill();
    running.splice(running.indexOf(master), 1);
    await reached.waitFor(/reconnected to Redis channel/);
    await until(async () =>
      expect(await replica.command("ROLE")).toEqual(["master", expect.any(Number), []]),
    );
    await expectHeard(replica);
  }, 60_000);

  test.skipIf(!HAS_OPENSSL)(
    "by Sentinels over TLS, as another user of theirs than of the master's",
    async () => {
      const { certPath, keyPath } = makeCertificate(scratch.path, "sentinels");
      const tls = { certPath, keyPath, caPath: certPath };
      const master = await redis({ tls });
      const rights = ["&__anycable__", "+subscribe", "+ping"];
      await master.command("ACL", "SETUSER", "cable", "on", ">master,pw", ...rights);
      await master.command("ACL", "SETUSER", "watcher", "on", ">watch", "allchannels", "+@all");
      await master.command("ACL", "SETUSER", "default", "-@all", "+publish", "allchannels");
      const lines = [
        ...["sentinel auth-user main watcher", "sentinel auth-pass main watch", "user default off"],
        "user asker on >sentinel-pw +sentinel|get-master-addr-by-name +sentinel|sentinels",
      ];
      const sentinel = await startSentinel(scratch.path, master.port, { tls, lines });
      running.push(sentinel);
      const urls = (user: string, asker: string, place = `rediss://${asker}`, port = sentinel.tlsPort) => [
        `--redis_url=rediss://${user}:master%2Cpw@main`,
        `--redis_sentinels=${place}:sentinel-pw@127.0.0.1:${port}`,
      ];
      const checked = ["--redis_tls_verify", `--redis_tls_ca_cert_path=${certPath}`];
      for (const right of [urls("cable", "asker"), urls("cable", "", "asker", sentinel.port)]) {
        const reached = await hawser(...right, ...checked);
        await expectHeard(master);
        await reached.stop();
      }
      for (const wrong of [
        [...urls("nobody", "asker"), ...checked],
        [...urls("cable", "nobody"), ...checked],
      ]) {
        const kept = await hawser(...wrong);
        await kept.waitFor(/Redis cannot be used; trying again .*(WRONGPASS|invalid username)/);
        expect(kept.output()).not.toMatch(/master,pw|master%2Cpw|sentinel-pw/);
        await kept.stop();
      }
      const doubting = await hawser(...urls("cable", "asker"), "--redis_tls_verify");
      await doubting.waitFor(
        /Redis cannot be used; trying again .*Does it speak TLS, and is its certificate trusted/,
      );
    },
    60_000,
  );
});

test("a certificate for Redis that cannot be read ends the start", async () => {
  const refused = await hawser("--redis_url=rediss://127.0.0.1:1", "--redis_tls_ca_cert_path=/none.pem").then(
    () => "it started",
    (thrown: Error) => thrown.message,
  );
  expect(refused).toContain("read /none.pem (--redis_tls_ca_cert_path): ");
});
