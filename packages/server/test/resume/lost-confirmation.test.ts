import { afterEach, expect, test } from "bun:test";
import { createCable } from "@anycable/core";
import { createBroadcaster } from "@hawser/sdk";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { until } from "../support/rpc-rig.ts";
import { goodToken } from "../support/tokens.ts";

/**
 * A connection that breaks when the server has confirmed a subscription and the client has not heard of it. The stock
 * client (1.1.7) closes such a channel without an error, whatever the server does; whoever then subscribes again does so in
 * a session that has the channel already, and would hear nothing from the reference.
 */

const SECRET = "a secret of thirty-two characters";

let server: HawserProcess | null = null;
afterEach(() => server?.stop());

test("costs who subscribes again neither the channel nor a message", async () => {
  server = await startHawser([
    ...[`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--public_streams", "--broker=memory"],
  ]);
  const url = `http://127.0.0.1:${server.broadcastPort}/_broadcast`;
  const broadcaster = createBroadcaster({ url, secret: SECRET });
  const { promise: broken, resolve: breaks } = Promise.withResolvers<void>();
  let isWhole = false;
  /** The first one breaks in the place of the confirmation. */
  class Breaking extends WebSocket {
    override set onmessage(take: (event: MessageEvent) => void) {
      super.onmessage = (event) => {
        if (isWhole || !String(event.data).includes("confirm_subscription")) return take?.(event);
        isWhole = true;
        super.onmessage = null;
        this.terminate();
        breaks();
      };
    }
  }
  const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, {
    protocol: "actioncable-v1-ext-json",
    auth: { token: goodToken(SECRET) },
    logLevel: "error",
    websocketImplementation: Breaking,
    reconnectStrategy: () => 300,
  });
  const told: unknown[] = [];
  cable.on("connect", ({ restored }) => told.push({ restored }));
  const listen = () => {
    const channel = cable.streamFrom("numbers");
    channel.on("connect", () => told.push("subscribed"));
    channel.on("message", (message) => told.push(message));
    channel.on("close", (why) => {
      told.push(["closed", why]);
      if (!isOver) queueMicrotask(listen); // it forgets the channel only after it has told
    });
  };
  let isOver = false;
  listen();
  try {
    cable.connect().catch(() => {});
    await broken;
    for (const number of [1, 2, 3]) await broadcaster.broadcast("numbers", number);
    await until(() => told.at(-1) === "subscribed", 10_000);
    for (const number of [4, 5]) await broadcaster.broadcast("numbers", number);
    await until(() => told.at(-1) === 5, 10_000);
    const closed = ["closed", undefined];
    expect(told).toEqual([{ restored: false }, closed, { restored: true }, 1, 2, 3, "subscribed", 4, 5]);
  } finally {
    isOver = true;
    cable.disconnect();
  }
}, 30_000);
