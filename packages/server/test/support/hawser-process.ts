import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../../..");

/** A server under test: the real command in a process of its own. */
export interface HawserProcess {
  readonly pid: number;
  readonly port: number;
  readonly broadcastPort: number;
  /** Everything it has written so far. */
  output(): string;
  stdout(): string;
  stderr(): string;
  /** Resolves when its output matches; rejects after twenty seconds with what it wrote instead. */
  waitFor(pattern: RegExp): Promise<void>;
  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Its exit status, once it has ended and everything that it wrote has been read. */
  readonly exited: Promise<number>;
  /** SIGKILL unless it has ended, and the wait for its end. */
  stop(): Promise<void>;
}

/** The command of another server may be put in its place, to see a scenario hold there too. */
const COMMAND = process.env.HAWSER_TEST_COMMAND ?? join(ROOT, "bin/hawser");

/** Go before those of a test, where the command is ours: the same tests hold for a server of several threads. */
const FLAGS = (process.env.HAWSER_TEST_FLAGS ?? "").split(" ").filter((flag) => flag !== "");

/** How many threads of the server under test serve clients. */
export const WORKERS = Number(FLAGS.findLast((flag) => flag.startsWith("--workers="))?.split("=")[1] ?? 1);

/** Where the command runs, and which one it is. */
export interface HawserPlace {
  /** A directory of its own, so that no file there is read by chance; the temporary one by default. */
  readonly cwd?: string;
  readonly command?: string;
  /** It logs too little to show that it is up: it is asked instead. */
  readonly quiet?: boolean;
}

/** Starts the server with these flags on free ports of 127.0.0.1 and waits until it takes clients. */
export async function startHawser(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: HawserPlace = {},
): Promise<HawserProcess> {
  for (let attempt = 1; ; attempt++) {
    const [port, broadcastPort] = await freePorts(2);
    const placed = ["--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`];
    const server = spawnHawser([...placed, ...flags], env, port, broadcastPort, place);
    try {
      await (place.quiet ? untilHealthy(server) : server.waitFor(/Handle health requests at/));
      return server;
    } catch (thrown) {
      await server.stop();
      if (attempt === ATTEMPTS || !server.output().includes("the port is in use")) throw thrown;
    }
  }
}

/** Another process may take a port between its being found free and its being used. */
const ATTEMPTS = 3;

async function untilHealthy(server: HawserProcess): Promise<void> {
  for (const untilMs = performance.now() + 5000; performance.now() < untilMs; await Bun.sleep(20)) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/health`, { keepalive: false }).catch(
      () => null,
    );
    if (answer?.ok) return;
  }
  throw new Error(`not healthy within 5 s; it wrote:\n${server.output()}`);
}

/** Starts the command with just these flags and waits for nothing. */
export function spawnHawser(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  port = 0,
  broadcastPort = 0,
  place: HawserPlace = {},
): HawserProcess {
  const { command = COMMAND } = place;
  const own = command.endsWith("/hawser") ? FLAGS : [];
  const child = Bun.spawn([command, ...own, ...flags], {
    cwd: place.cwd ?? process.env.TMPDIR ?? "/tmp",
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const written = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  const read = async (stream: ReadableStream<Uint8Array>, name: keyof typeof written) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      output += text;
      written[name] += text;
      for (const watch of watchers) watch();
    }
  };
  const drained = Promise.all([read(child.stdout, "stdout"), read(child.stderr, "stderr")]);
  const exited = child.exited.then(async (code) => {
    await drained;
    return code;
  });
  return {
    pid: child.pid,
    port,
    broadcastPort,
    output: () => output,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    waitFor(pattern) {
      return new Promise((resolveWait, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          watchers.delete(watch);
          settle();
        };
        const timer = setTimeout(
          () => finish(() => reject(new Error(`no ${pattern} within 20 s in:\n${output}`))),
          20_000,
        );
        const watch = () => {
          if (pattern.test(output)) finish(resolveWait);
        };
        watchers.add(watch);
        void child.exited.then(() =>
          setTimeout(() => finish(() => reject(new Error(`ended without ${pattern}:\n${output}`))), 50),
        );
        watch();
      });
    },
    signal: (name) => child.kill(name),
    exited,
    async stop() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/**
 * Below the ports that the kernel gives to outgoing connections (32768 and up): one of those may have taken a server's port
 * by the time that it is started, or started again.
 */
const PORTS = { first: 10_240, end: 32_768 } as const;

/** Ports of 127.0.0.1 on which nothing listens. */
export async function freePorts(count: number): Promise<[number, ...number[]] & { 1: number; 2: number }> {
  const held: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(PORTS.first, PORTS.end);
    const server = await hold(port);
    if (server === null) continue;
    held.push(server);
    ports.push(port);
  }
  await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  return ports as [number, ...number[]] & { 1: number; 2: number };
}

/** Null when something listens there already. */
function hold(port: number): Promise<Server | null> {
  return new Promise((resolveHeld) => {
    const server = createServer();
    server.once("error", () => resolveHeld(null));
    server.listen(port, "127.0.0.1", () => resolveHeld(server));
  });
}
