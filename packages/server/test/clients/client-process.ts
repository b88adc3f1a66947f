import { join } from "node:path";
import type { ClientRuntime, RunningClients } from "./client-runtime.ts";
import type { Order, Task } from "./client-task.ts";
import { readLines } from "./lines.ts";
import { ToldLog } from "./told-log.ts";

const PROGRAM = join(import.meta.dir, "process-main.ts");

/** Clients in a process under this runtime, with its own WebSocket. */
export function bunRuntime(): ClientRuntime {
  return {
    run: async (task) => runProcess([process.execPath, "--no-env-file", PROGRAM], task),
    async stop() {},
  };
}

/** Clients in a process under Node, which reads no TypeScript: the program and its libraries become one file. */
export async function nodeRuntime(node: string, folder: string): Promise<ClientRuntime> {
  const built = await Bun.build({ entrypoints: [PROGRAM], target: "node", format: "esm" });
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error(`bundle for Node: ${built.logs.join("; ")}`);
  const file = join(folder, "process-main.mjs");
  await Bun.write(file, output);
  return { run: async (task) => runProcess([node, file], task), async stop() {} };
}

function runProcess(command: readonly string[], task: Task): RunningClients {
  const child = Bun.spawn([...command, JSON.stringify(task)], { stdio: ["pipe", "pipe", "pipe"] });
  const log = new ToldLog();
  const errors = new Response(child.stderr).text();
  void readLines(child.stdout, (line) => log.add(JSON.parse(line)));
  void child.exited.then(async () => log.fail(`the program ended: ${await errors}`));
  return {
    log,
    async order(client: number, order: Order) {
      child.stdin.write(`${JSON.stringify({ client, ...order })}\n`);
      await child.stdin.flush();
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
