import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** `bin/start` as a process of a test. */
export interface StartedChat {
  readonly pid: number;
  readonly page: string;
  readonly cable: string;
  readonly token: string;
  /** What it has printed so far, on both outputs. */
  output(): string;
  /** The processes that it has started and not yet seen end. */
  children(): number[];
  signal(name: NodeJS.Signals): void;
  /** The exit code, once it has ended. */
  readonly exited: Promise<number>;
}

const ROOT = resolve(import.meta.dir, "../..");

/** Runs `bin/start` in `folder` and waits until it has said where to look. Ports are free ones unless `ports` says otherwise. */
export async function startChat(folder: string, ports: Record<string, string> = {}): Promise<StartedChat> {
  const start = Bun.spawn([join(ROOT, "bin/start")], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, HAWSER_PORT: "0", PORT: "0", CHAT_RPC_PORT: "0", ...ports },
  });
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  };
  const ended = Promise.all([collect(start.stdout), collect(start.stderr)]);
  const deadline = Date.now() + 40_000;
  while (!output.includes("Ctrl-C stops both")) {
    if (start.exitCode !== null || Date.now() > deadline) {
      start.kill();
      await ended;
      throw new Error(`bin/start did not get up:\n${output}`);
    }
    await Bun.sleep(20);
  }
  const found = (pattern: RegExp) => pattern.exec(output)?.[1] ?? "";
  return {
    pid: start.pid,
    page: found(/(http:\S+)\/\?name=ann/),
    cable: found(/(ws:\S+\/cable)\./),
    token: found(/^ {4}(eyJ\S+)$/m),
    output: () => output,
    children: () =>
      readFileSync(`/proc/${start.pid}/task/${start.pid}/children`, "utf8")
        .split(" ")
        .filter(Boolean)
        .map(Number),
    signal: (name) => start.kill(name),
    exited: Promise.all([start.exited, ended]).then(([code]) => code),
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
