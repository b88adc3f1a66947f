import { join } from "node:path";
import { readLines } from "../clients/lines.ts";
import { until } from "../support/rpc-rig.ts";
import type { ClientReport, CrowdOrder, CrowdTask } from "./crowd-task.ts";

/** Many stock clients, in a few processes. */
export interface Crowd {
  report(): Promise<ClientReport[]>;
  /** Resolves once each has been subscribed. */
  allCame(): Promise<void>;
  /** Resolves once all are subscribed in the same moment, which those that come and go never are. */
  allHere(): Promise<void>;
  /** Nobody leaves any more. */
  calm(): void;
  stop(): Promise<void>;
}

/** As long as a thousand clients may take on a busy machine. */
const PATIENCE_MS = 60_000;

export function startCrowd(
  task: Omit<CrowdTask, "firstUser" | "clients" | "seed">,
  clients: number,
  processes: number,
): Crowd {
  const each = clients / processes;
  const parts = Array.from({ length: processes }, (_, part) =>
    startProcess({ ...task, clients: each, firstUser: part * each, seed: part + 1 }),
  );
  const report = async () => (await Promise.all(parts.map((part) => part.report()))).flat();
  return {
    report,
    allCame: () => until(async () => (await report()).every(({ subscribed }) => subscribed > 0), PATIENCE_MS),
    allHere: () => until(async () => (await report()).every(({ here }) => here), PATIENCE_MS),
    calm() {
      for (const part of parts) part.order("calm");
    },
    async stop() {
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}

function startProcess(task: CrowdTask) {
  const child = Bun.spawn(
    [process.execPath, "--no-env-file", join(import.meta.dir, "crowd-main.ts"), JSON.stringify(task)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const waiting: ((line: string) => void)[] = [];
  void readLines(child.stdout, (line) => waiting.shift()?.(line));
  const order = (words: CrowdOrder) => {
    child.stdin.write(`${words}\n`);
    void child.stdin.flush();
  };
  return {
    order,
    report(): Promise<ClientReport[]> {
      const { promise, resolve, reject } = Promise.withResolvers<ClientReport[]>();
      waiting.push((line) => resolve(JSON.parse(line)));
      order("report");
      void child.exited.then(() => reject(new Error("a process of clients has ended")));
      return promise;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
