import { adapters, ConnectionMonitor, createConsumer, logger } from "@rails/actioncable";
import type { StartedClient, Subscribed, Task, Tell } from "./client-task.ts";

declare module "@rails/actioncable" {
  // Its types do not know of this one.
  export const ConnectionMonitor: { staleThreshold: number };
}

/** What opens a socket. The browser's takes no headers. */
export type SocketClass = new (
  url: string,
  protocols: string | string[],
  options?: { headers?: object },
) => WebSocket;

// It waits 6 to 12 seconds before it comes back; with a ping a second it may be less patient.
const PATIENCE_SECONDS = 3;
const PINGS = "pi=1";

/** The client says why it was sent away in its log alone. */
let lastReason = "";

/**
 * An application of Rails' own client. It has no token refresher: the application looks at how a connection ended, and
 * connects again with another token.
 */
export function startRails(task: Task, token: string | null, tell: Tell, Socket: SocketClass): StartedClient {
  let presented = token;
  let refreshed = false;
  configure(Socket, () => (task.carrier === "header" && presented !== null ? { "x-jid": presented } : {}));
  const consumer = createConsumer(() => {
    const jid = task.carrier === "query" && presented !== null ? `&jid=${presented}` : "";
    return `${task.url}?${PINGS}${jid}`;
  });
  const present = (fresh: string | null) => {
    presented = fresh;
    // Its own method adds to the list, and the old token would be found first.
    if (task.carrier === "sub-protocol" && fresh !== null) {
      Object.assign(consumer, { subprotocols: [`anycable-token.${fresh}`] });
    }
  };
  present(token);
  const subscription = consumer.subscriptions.create(paramsOf(task.subscription), {
    connected: ({ reconnected }: { reconnected: boolean }) =>
      tell({ event: "subscribed", again: reconnected }),
    rejected: () => tell({ event: "rejected" }),
    received: (message: unknown) => tell({ event: "message", message }),
    disconnected({ willAttemptReconnect }: { willAttemptReconnect: boolean | undefined }) {
      const reason = lastReason;
      lastReason = "";
      tell({ event: willAttemptReconnect === true ? "disconnect" : "close", reason });
      if (reason !== "token_expired" || task.freshToken === undefined || refreshed) return;
      refreshed = true;
      tell({ event: "refreshing" });
      present(task.freshToken);
      consumer.connect();
    },
  });
  return {
    obey(order) {
      if (order.order === "whisper") throw new Error("Rails' client does not whisper");
      subscription.perform(order.action, order.data);
    },
  };
}

/** Its settings are for all of its connections. */
function configure(Socket: SocketClass, headers: () => object): void {
  ConnectionMonitor.staleThreshold = PATIENCE_SECONDS;
  adapters.WebSocket = class extends Socket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers: headers() });
    }
  } as typeof WebSocket; // with the constants that it inherits
  logger.enabled = true;
  adapters.logger = {
    ...console,
    log(_tag: string, text: string) {
      lastReason = /^Disconnecting\. Reason: (.+)$/.exec(text)?.[1] ?? lastReason;
    },
  };
}

function paramsOf(subscription: Subscribed) {
  if ("stream" in subscription) return { channel: "$pubsub", stream_name: subscription.stream };
  if ("signed" in subscription) return { channel: "$pubsub", signed_stream_name: subscription.signed };
  return { channel: subscription.channel, ...subscription.params };
}
