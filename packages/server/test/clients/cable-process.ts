import { join } from "node:path";
import type { Task, Told } from "./cable-program.ts";

const PROGRAM = join(import.meta.dir, "cable-program.ts");

/** Long enough for a busy machine; what is waited for comes in milliseconds. */
const PATIENCE_MS = 15_000;

/** How to run the client program: under which runtime, and from which file. */
export interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
}

export const BUN: Runtime = { name: "Bun", command: [process.execPath, "--no-env-file", PROGRAM] };

/** The program and its libraries as one file, for Node, which reads no TypeScript. */
export async function bundleForNode(node: string, folder: string): Promise<Runtime> {
  const built = await Bun.build({ entrypoints: [PROGRAM], target: "node", format: "esm" });
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error(`bundle for Node: ${built.logs.join("; ")}`);
  const file = join(folder, "cable-program.mjs");
  await Bun.write(file, output);
  return { name: "Node", command: [node, file] };
}

/** A client program that runs. */
export interface CableProcess {
  /** Everything it has told so far. */
  readonly told: readonly Told[];
  /** Resolves with the first thing told after `from` that matches; rejects with everything told instead. */
  waitFor(matches: (told: Told) => boolean, from?: number): Promise<Told>;
  stop(): Promise<void>;
}

export function runCable({ command }: Runtime, task: Task): CableProcess {
  const child = Bun.spawn([...command, JSON.stringify(task)], { stdio: ["ignore", "pipe", "pipe"] });
  const told: Told[] = [];
  const watchers = new Set<() => void>();
  const errors = new Response(child.stderr).text();
  void readLines(child.stdout, (line) => {
    told.push(JSON.parse(line) as Told);
    for (const watch of watchers) watch();
  });
  return {
    told,
    waitFor: (matches, from = 0) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          watchers.delete(watch);
          settle();
        };
        const fail = async (why: string) => {
          child.kill("SIGKILL");
          const problem = new Error(`${why}; told last: ${JSON.stringify(told.slice(-20))}\n${await errors}`);
          finish(() => reject(problem));
        };
        const timer = setTimeout(() => fail(`not told within ${PATIENCE_MS} ms`), PATIENCE_MS);
        void child.exited.then(() => fail("the program ended"));
        const watch = () => {
          const found = told.slice(from).find(matches);
          if (found !== undefined) finish(() => resolve(found));
        };
        watchers.add(watch);
        watch();
      }),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of stream) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
