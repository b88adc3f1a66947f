import type { Order, Task } from "./client-task.ts";
import type { ToldLog } from "./told-log.ts";

/** A place where clients from npm can run. */
export interface ClientRuntime {
  run(task: Task): Promise<RunningClients>;
  stop(): Promise<void>;
}

/** The clients of one task. */
export interface RunningClients {
  readonly log: ToldLog;
  order(client: number, order: Order): Promise<void>;
  stop(): Promise<void>;
}
