import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Subprocess } from "bun";
import { freePorts } from "./hawser-process.ts";
import { untilListening } from "./redis-server.ts";

/** Where it is not, the tests that need it are skipped. */
export const HAS_NATS = Bun.which("nats-server") !== null;
if (!HAS_NATS) console.log("skipping what needs NATS: there is no nats-server on PATH");

/** A NATS of a test's own. */
export interface NatsServer {
  readonly port: number;
  readonly url: string;
  publish(subject: string, text: string): Promise<void>;
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with other arguments where they are given. */
  restart(others?: readonly string[]): Promise<void>;
}

/** @param login for the test's own publications, where a login is asked for. */
export async function startNats(
  args: readonly string[] = [],
  login: { readonly user?: string; readonly pass?: string; readonly tls?: object } = {},
): Promise<NatsServer> {
  const [port] = await freePorts(1);
  const spawn = async (own = args): Promise<Subprocess> => {
    const command = ["nats-server", "--addr", "127.0.0.1", "--port", String(port), ...own];
    const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] });
    await untilListening(port, child, "nats-server");
    return child;
  };
  let child = await spawn();
  let client: NatsConnection | null = null;
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    async publish(subject, text) {
      if (client === null || client.isClosed())
        client = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, ...login });
      client.publish(subject, text);
      await client.flush();
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
      await client?.close();
      client = null;
    },
    async restart(others) {
      child = await spawn(others);
    },
  };
}
