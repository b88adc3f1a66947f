import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CableClient, publish } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { startJetStream } from "../support/jet-stream.ts";
import { HAS_NATS } from "../support/nats-server.ts";
import { HAS_REDIS, startRedis } from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { startTcpFront } from "../support/tcp-front.ts";
import { inSeconds, signToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** What servers that share a broker know of each other: revocations, and whether their keys are the same. */

const SECRET = "a secret of thirty-two characters";
const CANARY = "c4n4ry-of-a-jti";
const scratch = createScratch();
const running: HawserProcess[] = [];
const clients: CableClient[] = [];

interface Store {
  readonly port: number;
  kill(): Promise<void>;
}

const STORES = [
  {
    name: "Redis",
    isThere: HAS_REDIS,
    start: (): Promise<Store> => startRedis({ folder: scratch.path }),
    flags: (port: number) => ["--broker=redis", `--redis_url=redis://127.0.0.1:${port}`],
  },
  {
    name: "NATS",
    isThere: HAS_NATS,
    start: async (): Promise<Store> => {
      const { port, remove } = await startJetStream();
      return { port, kill: remove };
    },
    flags: (port: number) => ["--broker=nats", `--nats_servers=nats://127.0.0.1:${port}`],
  },
];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(() => scratch.remove());

function connect({ port }: HawserProcess, claims: object, secret = SECRET): CableClient {
  const token = signToken(secret, { ext: "ann", exp: inSeconds(3600), ...claims });
  const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${token}`);
  clients.push(client);
  return client;
}

const REVOKED = '{"type":"disconnect","reason":"revoked","reconnect":false}';
const UNAUTHORIZED = '{"type":"disconnect","reason":"unauthorized","reconnect":false}';

for (const { name, isThere, start, flags } of STORES) {
  describe.skipIf(!isThere)(`servers that share a broker in ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await start();
    });
    afterEach(() => store.kill());

    async function server(more: readonly string[] = [], port = store.port): Promise<HawserProcess> {
      const started = await startHawser([
        ...["--norpc", "--enforce_jwt", "--broadcast_adapter=http", "--metrics_http=/metrics"],
        ...[...flags(port), "--jwt_keys_differ_after=1", ...more],
      ]);
      running.push(started);
      await started.waitFor(/ connected .*context=pubsub channel=/);
      return started;
    }
    const node = (more: readonly string[] = [], port = store.port) =>
      server([`--jwt_secret=${SECRET}`, ...more], port);
    const revoke = async ({ broadcastPort }: HawserProcess, payload: object) =>
      expect((await publish(broadcastPort, { command: "revoke", payload })).status).toBe(201);

    test("one that starts after a revocation refuses the token, from its first client on", async () => {
      const a = await node();
      await revoke(a, { jti: CANARY });
      a.signal("SIGTERM");
      await a.exited;
      const b = await node();
      expect(await connect(b, { jti: CANARY }).message(0)).toBe(UNAUTHORIZED);
      expect(JSON.parse(await connect(b, { jti: "another" }).message(0)).type).toBe("welcome");
      expect(b.output()).toMatch(/revocations of other servers are in force .*num=\d+ closed=0/);
      for (const { output } of [a, b]) expect(output()).not.toContain(CANARY);
    }, 60_000);

    test("one that was cut off during a revocation refuses the token when it is back, and ends its session", async () => {
      const front = await startTcpFront([store.port]);
      try {
        const [a, b] = [await node(), await node([], front.port)];
        const [meant, other] = [connect(b, { jti: "cut" }), connect(b, { jti: "not" })];
        for (const client of [meant, other]) expect(JSON.parse(await client.message(0)).type).toBe("welcome");
        front.lead([]);
        front.cut();
        await b.waitFor(/connection to \w+ lost/);
        await revoke(a, { jti: "cut" });
        await Bun.sleep(500);
        expect(meant.messages).toHaveLength(1);
        front.lead([store.port]);
        await meant.until(() => meant.messages.length > 1, "word of the revocation", 20_000);
        expect(meant.messages[1]).toBe(REVOKED);
        expect(await connect(b, { jti: "cut" }).message(0)).toBe(UNAUTHORIZED);
        expect(other.closedWith).toBeNull();
      } finally {
        front.stop();
      }
    }, 60_000);

    test("one that starts while the store is away says so, serves, and takes over what it missed when it is there", async () => {
      const front = await startTcpFront([]);
      try {
        const a = await node();
        await revoke(a, { jti: "unknown" });
        const b = await startHawser([
          ...["--norpc", "--enforce_jwt", `--jwt_secret=${SECRET}`, "--broadcast_adapter=http"],
          ...flags(front.port),
        ]);
        running.push(b);
        expect(b.output().match(/the broker's store cannot be asked/g)).toHaveLength(1);
        const client = connect(b, { jti: "unknown" });
        expect(JSON.parse(await client.message(0)).type).toBe("welcome");
        front.lead([store.port]);
        await client.until(() => client.messages.length > 1, "word of the revocation", 20_000);
        expect(client.messages[1]).toBe(REVOKED);
        expect(await connect(b, { jti: "unknown" }).message(0)).toBe(UNAUTHORIZED);
      } finally {
        front.stop();
      }
    }, 60_000);

    test("of several threads does so too, with the clients of each", async () => {
      const front = await startTcpFront([store.port]);
      try {
        const a = await node();
        await revoke(a, { jti: "before" });
        const b = await node(["--workers=2"], front.port);
        for (let n = 0; n < 4; n++) expect(await connect(b, { jti: "before" }).message(0)).toBe(UNAUTHORIZED);
        const meant = Array.from({ length: 8 }, () => connect(b, { jti: "meanwhile" }));
        for (const client of meant) expect(JSON.parse(await client.message(0)).type).toBe("welcome");
        front.lead([]);
        front.cut();
        await b.waitFor(/connection to \w+ lost/);
        await revoke(a, { jti: "meanwhile" });
        front.lead([store.port]);
        for (const client of meant) {
          await client.until(() => client.messages.length > 1, "word of the revocation", 20_000);
          expect(client.messages[1]).toBe(REVOKED);
        }
      } finally {
        front.stop();
      }
    }, 60_000);

    test("forget a revocation when its time is over", async () => {
      const a = await node();
      // Five minutes are added, since clocks differ.
      await revoke(a, { jti: "short", exp: inSeconds(-296) });
      const b = await node();
      expect(await connect(b, { jti: "short" }).message(0)).toBe(UNAUTHORIZED);
      await until(async () =>
        expect(JSON.parse(await connect(b, { jti: "short" }).message(0)).type).toBe("welcome"),
      );
      const c = await node();
      expect(JSON.parse(await connect(c, { jti: "short" }).message(0)).type).toBe("welcome");
    }, 60_000);

    test("name the one that has another secret, and say when all have the same again", async () => {
      const socket = `--admin_socket=${join(scratch.path, `${name}.sock`)}`;
      const a = await node([socket]);
      const gauges = async ({ port }: HawserProcess) => {
        const samples = await scrape(port);
        return ["cluster_servers_num", "cluster_servers_with_other_keys_num"].map((one) =>
          samples.get(`anycable_go_${one}`),
        );
      };
      await until(async () => expect(await gauges(a)).toEqual([1, 0]));
      const b = await server([`--jwt_secret=${SECRET} of an older deploy`]);
      const fingerprintOf = ({ output }: HawserProcess) =>
        /Keys for tokens .*keys="?secret \((\w{8})\)/.exec(output())?.[1] ?? "none";
      const [ours, theirs] = [fingerprintOf(a), fingerprintOf(b)];
      const line = (pid: number, lacks: string, has: string) =>
        new RegExp(
          `WRN|warn.*servers have different keys: \\S+ \\(pid ${pid}\\) lacks ${lacks}, which this one has, ` +
            `and has ${has}, which this one lacks \\(since [\\d: -]{19}\\): a deploy updated one server and not the other`,
        );
      await a.waitFor(line(b.pid, ours, theirs));
      await b.waitFor(line(a.pid, theirs, ours));
      for (const one of [a, b]) expect(await gauges(one)).toEqual([2, 1]);
      const { stdout } = await runHawser(["keys", "list", socket]);
      expect(stdout).toMatch(
        new RegExp(`OTHER SERVER .*\n\\S+ \\(pid ${b.pid}\\) .*${theirs} .*lacks ${ours}; has ${theirs}`),
      );
      const doctor = await runHawser([
        "doctor",
        ...flags(store.port),
        `--jwt_secret=${SECRET}`,
        "--norpc",
        socket,
      ]);
      expect(doctor.stdout).toMatch(
        new RegExp(
          `warn +other servers +1 of 1 that share the broker with it have other keys: \\S+ \\(pid ${b.pid}\\)`,
        ),
      );
      expect(a.output().match(/servers have different keys/g)).toHaveLength(1);
      b.signal("SIGTERM");
      await a.waitFor(/all servers have the same keys again/);
      await until(async () => expect(await gauges(a)).toEqual([1, 0]));
      for (const { output } of [a, b]) expect(output()).not.toContain(SECRET);
    }, 60_000);

    test("rotate a secret in turn without a word, and the second looks at its file when the first has a new one", async () => {
      const files = ["a", "b"].map((of) => scratch.write(`${name}-${of}`, SECRET));
      const sockets = ["a", "b"].map((of) => `--admin_socket=${join(scratch.path, `${name}-${of}.sock`)}`);
      const start = (at: number) =>
        server([
          ...[`--jwt_secret_file=${files[at]}`, String(sockets[at]), "--jwt_keys_differ_after=60"],
          ...["--log_level=debug", "--log_format=text"],
        ]);
      const [a, b] = [await start(0), await start(1)];
      writeFileSync(String(files[0]), `${SECRET} of tomorrow`);
      await a.waitFor(/keys were reloaded/);
      await b.waitFor(/another server has new keys: looking at our own/);
      writeFileSync(String(files[1]), `${SECRET} of tomorrow`);
      await b.waitFor(/keys were reloaded/);
      await until(async () => {
        for (const socket of sockets) {
          const { stdout } = await runHawser(["keys", "list", socket, "--json"]);
          expect(JSON.parse(stdout).servers).toMatchObject([{ missingHere: [], missingThere: [] }]);
          expect(JSON.parse(stdout).servers[0].passing).toHaveLength(1);
        }
      });
      for (const { output } of [a, b]) expect(output()).not.toContain("different keys");
    }, 60_000);
  });
}

test.skipIf(!HAS_REDIS)(
  "a Redis that was emptied has the revocations again from the servers that run",
  async () => {
    const redis = await startRedis({ folder: scratch.path });
    const node = async () => {
      const started = await startHawser([
        ...["--norpc", "--enforce_jwt", "--broadcast_adapter=http", `--jwt_secret=${SECRET}`],
        ...["--broker=redis", `--redis_url=${redis.url}`],
      ]);
      running.push(started);
      await started.waitFor(/ connected .*context=pubsub channel=/);
      return started;
    };
    try {
      const a = await node();
      const { status } = await publish(a.broadcastPort, { command: "revoke", payload: { jti: "kept" } });
      expect(status).toBe(201);
      await redis.kill();
      await a.waitFor(/connection to Redis lost/);
      await redis.restart();
      await until(async () => expect(await redis.command("ZCARD", "hawser:{board}:revoked")).toBe(1));
      expect(await connect(await node(), { jti: "kept" }).message(0)).toBe(UNAUTHORIZED);
    } finally {
      await redis.kill();
    }
  },
  60_000,
);
