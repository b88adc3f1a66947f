import { connect } from "node:net";
import { upgradeRequest } from "../support/raw-http.ts";

/** How long a client with this target waits for its welcome from the moment it connects, in milliseconds. */
export function welcomeTime(port: number, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let received = "";
    socket.setTimeout(15_000, () => socket.destroy(new Error("no welcome within 15 s")));
    socket.on("connect", () => socket.write(upgradeRequest(target)));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (!received.includes('"welcome"')) return;
      resolve(performance.now() - startedMs);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed without a welcome: ${JSON.stringify(received)}`)));
  });
}

const PAUSE_MS = 8;

/** The 95th percentile over so many clients that come one after another. */
export async function welcomeP95(port: number, target: string, clients: number): Promise<number> {
  const times: number[] = [];
  for (let client = 0; client < clients; client++) {
    times.push(await welcomeTime(port, target));
    await Bun.sleep(PAUSE_MS);
  }
  times.sort((a, b) => a - b);
  return times[Math.ceil(clients * 0.95) - 1] as number;
}
