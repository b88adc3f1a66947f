import { afterAll, beforeAll } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RedisClient, type Subprocess } from "bun";
import { freePorts } from "./hawser-process.ts";
import { createScratch, type Scratch } from "./scratch.ts";
import { until } from "./until.ts";

/** Where it is not, the tests that need it are skipped. */
export const HAS_REDIS = Bun.which("redis-server") !== null;
if (!HAS_REDIS) console.log("skipping what needs Redis: there is no redis-server on PATH");

/** A Redis of a test's own, which keeps nothing on disk. */
export interface RedisServer {
  readonly port: number;
  /** Without a password. */
  readonly url: string;
  /** Sends a command as the default user; its reply. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>;
  /** Another signal than that: SIGSTOP leaves it there without a word. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

export interface RedisPlace {
  /** A folder for its files. */
  readonly folder: string;
  /** More of its configuration, as arguments. */
  readonly args?: readonly string[];
  /** Takes TLS on its port in place of plain connections; the paths of its certificate. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string; readonly caPath: string };
  /** Its password, where the default user has one. */
  readonly password?: string;
}

export async function startRedis(place: RedisPlace): Promise<RedisServer> {
  const [port, plainPort] = await freePorts(2);
  const { tls, args = [] } = place;
  // The test talks to it on a plain port, whatever it offers to the server.
  const askPort = tls === undefined ? port : plainPort;
  const ports = ["--port", String(askPort), "--bind", "127.0.0.1", "--dir", place.folder];
  const secured =
    tls === undefined
      ? []
      : [
          ...["--tls-port", String(port), "--tls-cert-file", tls.certPath, "--tls-key-file", tls.keyPath],
          ...["--tls-ca-cert-file", tls.caPath, "--tls-auth-clients", "optional"],
        ];
  const command = ["redis-server", ...ports, "--save", "", "--appendonly", "no", ...secured, ...args];
  const login = place.password === undefined ? "" : `:${place.password}@`;
  let child = await spawnRedis(command, askPort);
  let client = new RedisClient(`redis://${login}127.0.0.1:${askPort}`, { autoReconnect: true });
  const kill = async () => {
    client.close();
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    port,
    url: `${tls === undefined ? "redis" : "rediss"}://127.0.0.1:${port}`,
    command: (name, ...rest) => client.send(name, [...rest]),
    kill,
    async restart() {
      child = await spawnRedis(command, askPort);
      client = new RedisClient(`redis://${login}127.0.0.1:${askPort}`, { autoReconnect: true });
    },
    signal: (name) => child.kill(name),
  };
}

/** One for all tests of a file. Call it once there; where there is no Redis, nothing may be asked of it. */
export function useRedis(
  place: Omit<RedisPlace, "folder"> = {},
): RedisServer & { readonly scratch: Scratch } {
  const scratch = createScratch();
  let started: RedisServer | null = null;
  const here = (): RedisServer => {
    if (started === null) throw new Error("there is no Redis");
    return started;
  };
  beforeAll(async () => {
    if (HAS_REDIS) started = await startRedis({ folder: scratch.path, ...place });
  });
  afterAll(async () => {
    await started?.kill();
    scratch.remove();
  });
  return {
    scratch,
    get port() {
      return here().port;
    },
    get url() {
      return here().url;
    },
    command: (name, ...args) => here().command(name, ...args),
    kill: () => here().kill(),
    restart: () => here().restart(),
    signal: (name) => here().signal(name),
  };
}

/** Resolves when it takes connections. */
async function spawnRedis(command: string[], port: number): Promise<Subprocess> {
  const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] });
  await untilListening(port, child, command[0] ?? "");
  return child;
}

/** A broker's process and its port; also for others than Redis. */
export async function untilListening(port: number, child: Subprocess, what: string): Promise<void> {
  for (const untilMs = performance.now() + 20_000; performance.now() < untilMs; await Bun.sleep(20)) {
    if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}`);
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).catch(
      () => null,
    );
    if (socket === null) continue;
    socket.end();
    return;
  }
  throw new Error(`${what} does not listen on port ${port}`);
}

/**
 * A Sentinel that watches `master` under the name `main`, and acts within a second or two of its death.
 *
 * @param tls takes TLS on a second port, and speaks it to the master.
 * @param lines of its configuration besides.
 */
export async function startSentinel(
  folder: string,
  masterPort: number,
  { tls, lines = [] }: { readonly tls?: RedisPlace["tls"]; readonly lines?: readonly string[] } = {},
): Promise<RedisServer & { readonly tlsPort: number }> {
  const [port, tlsPort] = await freePorts(2);
  const secured =
    tls === undefined
      ? []
      : [
          ...[`tls-port ${tlsPort}`, `tls-cert-file ${tls.certPath}`, `tls-key-file ${tls.keyPath}`],
          ...[`tls-ca-cert-file ${tls.caPath}`, "tls-auth-clients no", "tls-replication yes"],
        ];
  const config = join(folder, `sentinel-${port}.conf`);
  writeFileSync(
    config,
    [
      ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, ...secured],
      ...[`sentinel monitor main 127.0.0.1 ${masterPort} 1`, "sentinel down-after-milliseconds main 500"],
      ...["sentinel failover-timeout main 3000", ...lines, ""],
    ].join("\n"),
  );
  const command = ["redis-server", config, "--sentinel"];
  let child = await spawnRedis(command, port);
  let client = new RedisClient(`redis://127.0.0.1:${port}`, { autoReconnect: true });
  return {
    ...{ port, tlsPort },
    url: `redis://127.0.0.1:${port}`,
    command: (name, ...rest) => client.send(name, [...rest]),
    async kill() {
      client.close();
      child.kill("SIGKILL");
      await child.exited;
    },
    async restart() {
      child = await spawnRedis(command, port);
      client = new RedisClient(`redis://127.0.0.1:${port}`, { autoReconnect: true });
    },
    signal: (name) => child.kill(name),
  };
}

/** Two nodes that share the keys between them, ready for use. */
export async function startRedisCluster(folder: string): Promise<readonly [RedisServer, RedisServer]> {
  // Nodes talk by a second port, their own and 10,000, which nobody has kept free.
  const start = async (triesLeft = 5): Promise<RedisServer> => {
    const nodes = `nodes-${crypto.randomUUID()}.conf`;
    try {
      return await startRedis({ folder, args: ["--cluster-enabled", "yes", "--cluster-config-file", nodes] });
    } catch (thrown) {
      if (triesLeft === 1) throw thrown;
      return start(triesLeft - 1);
    }
  };
  const cluster = [await start(), await start()] as const;
  const [one, other] = cluster;
  await one.command("CLUSTER", "ADDSLOTSRANGE", "0", "8191");
  await other.command("CLUSTER", "ADDSLOTSRANGE", "8192", "16383");
  await one.command("CLUSTER", "MEET", "127.0.0.1", String(other.port));
  for (const node of cluster) {
    await until(async () => {
      const info = String(await node.command("CLUSTER", "INFO"));
      if (!info.includes("cluster_state:ok") || !info.includes("cluster_known_nodes:2"))
        throw new Error(info);
    });
  }
  return cluster;
}
