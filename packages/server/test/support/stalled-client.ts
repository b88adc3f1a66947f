import { connect, type Socket } from "node:net";
import { clientFrame, upgradeRequest } from "./raw-http.ts";

/** A WebSocket client that stops reading: whatever is sent to it from then on waits in the server. */
export interface StalledClient {
  /** Everything it read before it stalled, and after `resume`. */
  received(): Buffer;
  /** Reads again. */
  resume(): void;
  /** Resolves when the server has ended the connection, which only a client that reads can see. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** Connects, subscribes to `identifier`, waits for the confirmation and reads no more. */
export async function connectStalled(
  port: number,
  identifier: string,
  path = "/cable",
): Promise<StalledClient> {
  const socket: Socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {}); // being cut off is what these clients are for
  let received: Buffer = Buffer.alloc(0);
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const until = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${text} in ${received}`)), 4000);
      const look = () => {
        if (!received.includes(text)) return;
        clearTimeout(timer);
        socket.off("data", look);
        resolve();
      };
      socket.on("data", look);
      look();
    });
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.write(upgradeRequest(path));
  await until("welcome");
  socket.write(clientFrame(1, JSON.stringify({ command: "subscribe", identifier })));
  await until("confirm_subscription");
  socket.pause();
  return {
    received: () => received,
    resume: () => void socket.resume(),
    ended,
    stop: () => void socket.destroy(),
  };
}
