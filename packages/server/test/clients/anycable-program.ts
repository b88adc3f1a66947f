import type { Cable, Channel, createCable } from "@anycable/core";
import type { Happening, StartedClient, Subscribed, Task, Tell } from "./client-task.ts";

/** The first is misspelt in its types. */
const STRATEGIES = { query: "param" as "params", header: "header", "sub-protocol": "sub-protocol" } as const;

/** An application of AnyCable's own client; `create` is that of `@anycable/core` or of `@anycable/web`. */
export function startAnyCable(
  create: typeof createCable,
  task: Task,
  token: string | null,
  tell: Tell,
  websocketImplementation?: unknown,
): StartedClient {
  const { freshToken } = task;
  const cable = create(task.url, {
    protocol: task.protocol,
    websocketAuthStrategy: STRATEGIES[task.carrier],
    logLevel: "error",
    reconnectStrategy: () => 100,
    ...(websocketImplementation === undefined ? {} : { websocketImplementation }),
    ...(token === null ? {} : { auth: { token } }),
    ...(freshToken === undefined
      ? {}
      : {
          tokenRefresher: async (transport) => {
            tell({ event: "refreshing" });
            transport.setToken(freshToken);
          },
        }),
  });
  cable.on("disconnect", ({ reason = "" }) => tell({ event: "disconnect", reason }));
  cable.on("close", (event) => tell({ event: "close", reason: event?.reason ?? "" }));
  const channel = subscribe(cable, task.subscription);
  channel.on("connect", ({ reconnect = false }) => tell({ event: "subscribed", again: reconnect }));
  channel.on("message", (message) => tell({ event: "message", message }));
  channel.on("close", (error) => {
    if (error?.name === "SubscriptionRejectedError") tell({ event: "rejected" });
  });
  cable.connect().catch(() => {});
  return {
    obey(order) {
      const done =
        order.order === "whisper"
          ? channel.whisper(order.data as never) // its type knows of no message that is not an object
          : channel.perform(order.action, order.data);
      done.catch((fault: unknown) => tell(faulty(fault)));
    },
  };
}

function subscribe(cable: Cable, subscription: Subscribed): Channel {
  if ("stream" in subscription) return cable.streamFrom(subscription.stream);
  if ("signed" in subscription) return cable.streamFromSigned(subscription.signed);
  return cable.subscribeTo(subscription.channel, subscription.params);
}

function faulty(fault: unknown): Happening {
  return { event: "message", message: { fault: String(fault) } };
}
