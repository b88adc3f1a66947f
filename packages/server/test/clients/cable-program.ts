import { createCable } from "@anycable/core";
import NodeWebSocket from "ws";

/**
 * An application of the reference's own client. It runs in a process of its own, under Bun with the built-in
 * WebSocket and under Node with `ws`, takes its task as JSON and tells what happens as lines of JSON.
 */
export interface Task {
  readonly url: string;
  readonly protocol: "actioncable-v1-json" | "actioncable-v1-ext-json";
  readonly strategy: "param" | "header" | "sub-protocol";
  readonly token: string;
  /** What the token is replaced with once the server says that it has expired. */
  readonly freshToken?: string;
  readonly stream: string;
}

/** What the program tells. */
export type Told =
  | { readonly event: "connect" | "subscribed"; readonly again: boolean }
  | { readonly event: "disconnect" | "close"; readonly reason: string; readonly reconnect: boolean }
  | { readonly event: "refreshing" }
  | { readonly event: "message"; readonly message: unknown };

const task = JSON.parse(process.argv[2] ?? "") as Task;
const isBun = "bun" in process.versions;

/** Takes the third argument of `ws`, which the runtime's own WebSocket takes as a part of the second. */
function bunWebSocket() {
  return class extends WebSocket {
    constructor(url: string, protocols: string | string[], options: object = {}) {
      super(url, { protocols, ...options } as never); // the standard type knows of no headers
    }
  };
}

const cable = createCable(task.url, {
  protocol: task.protocol,
  websocketImplementation: isBun ? bunWebSocket() : NodeWebSocket,
  websocketAuthStrategy: task.strategy,
  auth: { token: task.token },
  logLevel: "error",
  reconnectStrategy: () => 100,
  ...(task.freshToken === undefined
    ? {}
    : {
        tokenRefresher: async (transport: { setToken(token: string): void }) => {
          tell({ event: "refreshing" });
          transport.setToken(task.freshToken ?? "");
        },
      }),
} as never); // its types know of the browser's WebSocket only

cable.on("connect", ({ reconnect = false }) => tell({ event: "connect", again: reconnect }));
cable.on("disconnect", ({ reason }) => tell({ event: "disconnect", reason: reason ?? "", reconnect: true }));
cable.on("close", (event) => tell({ event: "close", reason: event?.reason ?? "", reconnect: false }));

const channel = cable.streamFrom(task.stream);
channel.on("connect", ({ reconnect = false }) => tell({ event: "subscribed", again: reconnect }));
channel.on("message", (message) => tell({ event: "message", message }));
await cable.connect().catch(() => {});

// The test ends this process; until then it stays.
setInterval(() => {}, 60_000);

function tell(what: Told): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
