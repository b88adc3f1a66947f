import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Application, startApplication } from "../packages/server/test/support/application.ts";
import {
  freePorts,
  type HawserProcess,
  spawnHawser,
} from "../packages/server/test/support/hawser-process.ts";
import type { ApplicationScript, Group } from "./scenario.ts";

/** The command that is put to the test, with flags that go before the scenarios' own. */
export interface Command {
  readonly command: string;
  readonly flags: readonly string[];
}

/** A running server, and the application it was told of. */
export interface ServerUnderTest {
  readonly process: HawserProcess;
  readonly application: Application | null;
  stop(): Promise<void>;
}

const START_MS = 15_000;
/** Another process may take a port between its being found free and its being used. */
const ATTEMPTS = 3;

type Recipe = Pick<
  Group,
  | "flags"
  | "env"
  | "file"
  | "ownAdapter"
  | "ownBroadcastPort"
  | "application"
  | "applicationOver"
  | "embedsNats"
>;

/** Starts the command on free ports of 127.0.0.1 and waits until it is healthy. */
export async function startServer(under: Command, recipe: Recipe): Promise<ServerUnderTest> {
  const application =
    recipe.application === undefined ? null : await serve(recipe.application, recipe.applicationOver);
  for (let attempt = 1; ; attempt += 1) {
    const process = await spawn(under, recipe, application?.host ?? null);
    const health = await waitUntilHealthy(process);
    if (health === "healthy") {
      const stop = async () => {
        await process.stop();
        application?.stop();
      };
      return { process, application, stop };
    }
    await process.stop();
    if (attempt < ATTEMPTS && /in use/.test(process.output())) continue;
    application?.stop();
    throw new Error(`the server ${health}; its output:\n${process.output()}`);
  }
}

/** Starts the command with these flags on free ports and waits for nothing. */
export async function spawn(
  under: Command,
  { flags, env, file, ownAdapter, ownBroadcastPort, embedsNats }: Recipe,
  applicationHost: string | null = null,
): Promise<HawserProcess> {
  const [port, broadcastPort, natsPort] = (await freePorts(3)) as [number, number, number];
  const given = [
    "--host=127.0.0.1",
    `--port=${port}`,
    ...(ownBroadcastPort ? [] : [`--http_broadcast_port=${broadcastPort}`]),
    ...(ownAdapter ? [] : ["--broadcast_adapter=http"]),
    ...(file === undefined ? [] : [`--config-path=${writeFile(file)}`]),
    ...(embedsNats ? ["--embed_nats", `--enats_addr=nats://127.0.0.1:${natsPort}`] : []),
    ...(applicationHost === null ? [] : [`--rpc_host=${applicationHost}`]),
    ...flags,
  ];
  const { command } = under;
  return spawnHawser([...under.flags, ...given], env, port, ownBroadcastPort ? port : broadcastPort, {
    command,
  });
}

let folder: string | null = null;

/** The path of a file with this text, which is there until this process ends. */
function writeFile(text: string): string {
  folder ??= temporaryFolder();
  const path = join(folder, `${Bun.hash(text).toString(36)}.toml`);
  writeFileSync(path, text);
  return path;
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "conformance-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function waitUntilHealthy(
  process: HawserProcess,
): Promise<"healthy" | "ended" | "did not get healthy"> {
  let ended = false;
  void process.exited.then(() => {
    ended = true;
  });
  const untilMs = performance.now() + START_MS;
  while (performance.now() < untilMs) {
    if (ended) return "ended";
    try {
      const response = await fetch(`http://127.0.0.1:${process.port}/health`, {
        headers: { Connection: "close" },
      });
      await response.text();
      if (response.status === 200 && !(await isStarting(process.port))) return "healthy";
    } catch {
      // Not listening yet.
    }
    await Bun.sleep(25);
  }
  return "did not get healthy";
}

/**
 * A server of several threads is healthy once the first of them is, and NATS may come after it. The reference has no such
 * endpoint.
 */
async function isStarting(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/ready`, { headers: { Connection: "close" } });
  return response.status === 503 && /starting|pub\/sub/.test(await response.text());
}

function serve(script: ApplicationScript, over: "grpc" | "http" = "grpc"): Promise<Application> {
  const { connect, command } = script;
  return startApplication({
    over,
    ...(connect === undefined ? {} : { connect: ({ env }) => later(connect(env?.url ?? "")) }),
    ...(command === undefined
      ? {}
      : {
          command: (call) => later(command({ ...call, channel: channelOf(call.identifier) })),
        }),
  });
}

async function later<T extends { readonly afterMs?: number }>({
  afterMs,
  ...answer
}: T): Promise<Omit<T, "afterMs">> {
  if (afterMs !== undefined) await Bun.sleep(afterMs);
  return answer;
}

function channelOf(identifier: string): string {
  try {
    return String((JSON.parse(identifier) as { channel?: unknown }).channel);
  } catch {
    return "";
  }
}
