import { join } from "node:path";
import { readLines } from "../clients/lines.ts";
import type { ListenerReport, ListenerTask } from "./listener-task.ts";

/** Stock clients that listen to numbers, in a few processes. */
export interface Listeners {
  report(): Promise<ListenerReport[]>;
  /** Resolves once it holds for each. */
  all(holds: (listener: ListenerReport) => boolean, withinMs: number): Promise<void>;
  stop(): Promise<void>;
}

export function startListeners(task: ListenerTask, processes: number): Listeners {
  const each = Math.ceil(task.tokens.length / processes);
  const parts = Array.from({ length: processes }, (_, part) =>
    startProcess({
      ...task,
      tokens: task.tokens.slice(part * each, (part + 1) * each),
      seed: task.seed + part,
    }),
  );
  const report = async () => (await Promise.all(parts.map((part) => part.report()))).flat();
  return {
    report,
    async all(holds, withinMs) {
      for (const untilMs = performance.now() + withinMs; ; await Bun.sleep(100)) {
        const missing = (await report()).filter((listener) => !holds(listener));
        if (missing.length === 0) return;
        if (performance.now() > untilMs) throw new Error(`not so in time of ${JSON.stringify(missing)}`);
      }
    },
    async stop() {
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}

function startProcess(task: ListenerTask) {
  const program = join(import.meta.dir, "listeners-main.ts");
  const child = Bun.spawn([process.execPath, "--no-env-file", program, JSON.stringify(task)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting: ((line: string) => void)[] = [];
  void readLines(child.stdout, (line) => waiting.shift()?.(line));
  return {
    report(): Promise<ListenerReport[]> {
      const { promise, resolve, reject } = Promise.withResolvers<ListenerReport[]>();
      waiting.push((line) => resolve(JSON.parse(line)));
      child.stdin.write("report\n");
      void child.stdin.flush();
      void child.exited.then(() => reject(new Error("a process of clients has ended")));
      return promise;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
