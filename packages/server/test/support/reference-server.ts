import { freePorts } from "./hawser-process.ts";
import { untilListening } from "./redis-server.ts";

/** Where it is not, what needs the reference beside this server is skipped. */
export const HAS_REFERENCE = Bun.which("anycable-go") !== null;
if (!HAS_REFERENCE) console.log("skipping what needs the reference: there is no anycable-go on PATH");

export interface ReferenceServer {
  readonly port: number;
  readonly broadcastPort: number;
  stop(): Promise<void>;
}

/** Starts `anycable-go` without an application, its streams open to all. */
export async function startReference(flags: readonly string[]): Promise<ReferenceServer> {
  const [port, broadcastPort] = await freePorts(2);
  const child = Bun.spawn(
    [
      ...["anycable-go", "--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
      ...["--norpc", "--public", "--streams_whisper", ...flags],
    ],
    {
      cwd: process.env.TMPDIR ?? "/tmp",
      env: { PATH: process.env.PATH ?? "", ANYCABLE_DISABLE_TELEMETRY: "true" },
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  await untilListening(port, child, "anycable-go");
  return {
    port,
    broadcastPort,
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
