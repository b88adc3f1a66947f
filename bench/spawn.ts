import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import type { Subprocess } from "bun";
import { temporaryFile } from "./cache.ts";

/** A program that the bench started and will stop. */
export interface Started {
  readonly pid: number;
  readonly name: string;
  /** The last lines that it printed, for a failure's report. */
  output(): string;
  alive(): boolean;
  /** Ends it without a word. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const running = new Set<Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const LAST_WORDS = 5;
const STOP_PATIENCE_MS = 5000;

// The shell raises the soft limit of descriptors to the hard one and becomes the program, so the pid is the program's.
const WITH_ALL_DESCRIPTORS = ["/bin/sh", "-c", 'ulimit -n "$(ulimit -H -n)"; exec "$@"', "sh"];

/** Starts a server. No `ANYCABLE_*` variable of ours reaches it: the flags alone say what is measured. */
export function startServer(
  name: string,
  command: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Started {
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("ANYCABLE_"));
  const log = temporaryFile(`${name}.log`);
  const output = openSync(log, "w");
  const child = Bun.spawn([...WITH_ALL_DESCRIPTORS, ...command], {
    stdin: "ignore",
    stdout: output,
    stderr: output,
    env: { ...Object.fromEntries(inherited), ...variables },
  });
  closeSync(output);
  running.add(child);
  return {
    pid: child.pid,
    name,
    output: () => readFileSync(log, "utf8").trim().split("\n").slice(-LAST_WORDS).join("\n"),
    alive: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      await stopChild(child, "SIGKILL");
      rmSync(log, { force: true });
    },
    async stop() {
      await stopChild(child);
      rmSync(log, { force: true });
    },
  };
}

/** Starts a program that talks over pipes, one line at a time. */
export function startTalker(name: string, command: readonly string[]) {
  const child = Bun.spawn([...WITH_ALL_DESCRIPTORS, ...command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  running.add(child);
  const lines = readLines(child.stdout);
  return {
    pid: child.pid,
    async say(line: string): Promise<void> {
      child.stdin.write(`${line}\n`);
      await child.stdin.flush();
    },
    /** The next line that it prints. Throws when it ends instead. */
    async hear(): Promise<string> {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended (exit ${await child.exited}) where an answer was expected`);
      return value;
    },
    stop: () => stopChild(child),
  };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

async function stopChild(child: Subprocess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  child.kill(signal);
  const impatient = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
  await child.exited;
  clearTimeout(impatient);
  running.delete(child);
}

/** A TCP port of loopback that nobody listens on. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** Waits until something accepts connections on the port. Throws when the server has ended or is not there in time. */
export async function waitForPort(port: number, server: Started, patienceMs = 10_000): Promise<void> {
  for (const deadline = performance.now() + patienceMs; ; await Bun.sleep(20)) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return;
    } catch {
      if (!server.alive())
        throw new Error(`starting ${server.name}: it ended. Its last words:\n${server.output()}`);
      if (performance.now() > deadline) {
        throw new Error(
          `starting ${server.name}: nothing listens on port ${port}. Its last words:\n${server.output()}`,
        );
      }
    }
  }
}
