import { type Cable, createCable } from "@anycable/core";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import { readLines } from "../clients/lines.ts";
import type { ListenerReport, ListenerTask } from "./listener-task.ts";

/** A process of stock clients that listen to numbers. Takes its task in the first argument; any line asks for a report. */

const task = JSON.parse(process.argv[2] ?? "") as ListenerTask;
const random = new SeededRandom(task.seed);
const listeners = task.tokens.map(startListener);
void readLines(process.stdin, () => process.stdout.write(`${JSON.stringify(listeners)}\n`));

type Listener = { -readonly [K in keyof Omit<ListenerReport, "faults" | "lost">]: ListenerReport[K] } & {
  readonly faults: [number, number][];
  readonly lost: string[];
};

function startListener(token: string | null): Listener {
  const listener: Listener = {
    ...{ here: false, count: 0, last: 0, faults: [], restored: 0, resubscribed: 0, lost: [] },
  };
  const cable = createCable(task.url, {
    protocol: "actioncable-v1-ext-json",
    ...(token === null ? {} : { auth: { token } }),
    logLevel: "error",
    pingInterval: task.pingIntervalMs,
    reconnectStrategy: () => 20 + random.fraction() * 300,
  });
  cable.on("close", (event) => listener.lost.push(`the cable was closed: ${event?.reason}`));
  listen(cable, listener);
  cable.connect().catch(() => {});
  return listener;
}

function listen(cable: Cable, listener: Listener): void {
  const { subscription } = task;
  const channel =
    "stream" in subscription
      ? cable.streamFrom(subscription.stream)
      : cable.subscribeTo(subscription.channel);
  channel.on("connect", ({ reconnect, restored }) => {
    listener.here = true;
    if (restored) listener.restored += 1;
    else if (reconnect) listener.resubscribed += 1;
  });
  channel.on("disconnect", () => (listener.here = false));
  channel.on("close", (error) => {
    // The client does so (1.1.7) when the connection breaks while it waits for a confirmation.
    if (error === undefined) queueMicrotask(() => listen(cable, listener));
    else listener.lost.push(`the channel was closed: ${error.name}`);
  });
  channel.on("info", (info) => {
    if (info.type === "history_not_found") listener.lost.push("history was rejected");
  });
  channel.on("message", (message) => {
    const number = Number(message);
    if (number !== listener.last + 1 && listener.faults.length < 5) {
      listener.faults.push([listener.last + 1, number]);
    }
    listener.count += 1;
    listener.last = number;
  });
}
