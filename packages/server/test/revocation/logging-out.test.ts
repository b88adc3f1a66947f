import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Channel, createCable } from "@anycable/core";
import { createCable as createApplication, createBroadcaster, createTokens, serveRpc } from "@hawser/sdk";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";

/**
 * An application on the SDK that logs its users' devices out, and AnyCable's own client, unmodified, on each of them. Every
 * sign-in has a number, which the device's tokens carry as `sid`, those that it fetches later as well.
 */

const SECRET = "a secret of thirty-two characters";
const tokens = createTokens({ secret: SECRET, ttlSeconds: 600 });

const cleanups: (() => unknown)[] = [];
let server: HawserProcess;
let broadcaster: ReturnType<typeof createBroadcaster>;
/** The session id that the application last heard from each device. */
let sids: Map<string, string>;

beforeEach(async () => {
  sids = new Map();
  const application = createApplication({
    identifiers: (raw) => ({ user: String(Object(raw).user) }),
  }).channel("Inbox", {
    params: (raw) => ({ device: String(raw.device) }),
    subscribed(ctx, { device }) {
      sids.set(device, ctx.connection.sid);
      ctx.streamFrom(`inbox:${ctx.connection.identifiers.user}`);
    },
  });
  const service = await serveRpc(application, { port: 0 });
  cleanups.push(() => service.close());
  server = await startHawser([
    `--secret=${SECRET}`,
    "--broker=memory",
    `--rpc_host=127.0.0.1:${service.port}`,
  ]);
  cleanups.push(() => server.stop());
  broadcaster = createBroadcaster({
    url: `http://127.0.0.1:${server.broadcastPort}/_broadcast`,
    secret: SECRET,
  });
});

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A device of this user, with what happened to it. */
function device(
  name: string,
  user = "ann",
  claims: Readonly<Record<string, unknown>> = { sid: `login of ${name}` },
) {
  const happened: string[] = [];
  const messages: unknown[] = [];
  const freshToken = () => tokens.issue({ user }, { claims });
  const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, {
    protocol: "actioncable-v1-ext-json",
    logLevel: "error",
    reconnectStrategy: () => 50,
    websocketAuthStrategy: "sub-protocol",
    auth: { token: freshToken() },
    tokenRefresher: async (transport) => transport.setToken(freshToken()),
  });
  cleanups.push(() => cable.disconnect());
  cable.on("connect", () => happened.push("connect"));
  cable.on("disconnect", ({ reason = "" }) => happened.push(`disconnect ${reason}`));
  cable.on("close", (event) => happened.push(`close ${event?.reason ?? ""}`));
  const channel: Channel = cable.subscribeTo("Inbox", { device: name });
  channel.on("message", (message) => messages.push(message));
  return { name, cable, channel, happened, messages };
}

type Device = ReturnType<typeof device>;
const ready = (...all: Device[]) => Promise.all(all.map(({ channel }) => channel.ensureSubscribed()));

async function until(met: () => boolean, what: () => string): Promise<void> {
  for (const endMs = performance.now() + 20_000; !met(); await Bun.sleep(10)) {
    if (performance.now() > endMs) throw new Error(`it never came to this: ${what()}`);
  }
}

/** It was told, and does not come back by itself. */
async function isLoggedOut({ name, happened }: Device): Promise<void> {
  await until(
    () => happened.includes("close revoked"),
    () => `${name} is closed; it met with ${happened}`,
  );
}

/** It is connected as ever, which a message shows that only followers of the stream get. */
async function isConnected({ name, happened, messages }: Device): Promise<void> {
  const text = crypto.randomUUID();
  await broadcaster.broadcast("inbox:ann", text);
  await until(
    () => messages.includes(text),
    () => `${name} gets a message; it met with ${happened}`,
  );
  expect(happened).toEqual(["connect"]);
}

/** What the server says to the device's own next attempt, with its token or a fresh one. */
async function nextAttempt({ cable, happened }: Device): Promise<string> {
  const before = happened.length;
  await cable.connect().catch(() => {});
  await until(
    () => happened.length > before,
    () => "the attempt has an end",
  );
  return happened.at(-1) ?? "";
}

describe("an application logs out one device", () => {
  test("by the sid of its sign-in: the other is not touched, and no token of that sign-in is taken again", async () => {
    const [phone, laptop] = [device("phone"), device("laptop")];
    await ready(phone, laptop);
    await broadcaster.revoke({ sid: "login of phone" });
    await isLoggedOut(phone);
    await isConnected(laptop);
    expect(await nextAttempt(phone)).toBe("close unauthorized");
    const again = device("phone", "ann", { sid: "a new login" });
    await ready(again);
    await isConnected(again);
  });

  test("by the jti of its token", async () => {
    const [phone, laptop] = [device("phone", "ann", { jti: "1" }), device("laptop", "ann", { jti: "2" })];
    await ready(phone, laptop);
    await broadcaster.revoke({ jti: "1" });
    await isLoggedOut(phone);
    await isConnected(laptop);
    expect(await nextAttempt(phone)).toBe("close unauthorized");
  });

  test("by the session id that the application was told, where tokens have no names", async () => {
    const [phone, laptop] = [device("phone", "ann", { n: 1 }), device("laptop", "ann", { n: 2 })];
    await ready(phone, laptop);
    await broadcaster.revoke({ sid: sids.get("phone") ?? "" });
    await isLoggedOut(phone);
    await isConnected(laptop);
    expect(await nextAttempt(phone)).toBe("close unauthorized");
  });
});

test("an application logs out all devices of a user: others stay, and who signs in again is let in", async () => {
  const [phone, laptop, other] = [device("phone"), device("laptop"), device("other", "bob")];
  await ready(phone, laptop, other);
  // A token has its time in whole seconds.
  const nextSecondMs = Math.ceil(Date.now() / 1000) * 1000;
  await broadcaster.revoke({ identifiers: { user: "ann" }, issuedBeforeMs: nextSecondMs });
  await isLoggedOut(phone);
  await isLoggedOut(laptop);
  expect(other.happened).toEqual(["connect"]);
  expect(await nextAttempt(phone)).toBe("close unauthorized");
  await until(
    () => Date.now() >= nextSecondMs,
    () => "the second is over",
  );
  const again = device("phone", "ann", { sid: "a new login" });
  await ready(again);
  await isConnected(again);
});

test("a device that is told to come again is refused, whatever it comes with for its session", async () => {
  const [phone, laptop] = [device("phone"), device("laptop")];
  await ready(phone, laptop);
  await broadcaster.revoke({ sid: "login of phone" }, { reconnect: true });
  await until(
    () => phone.happened.includes("close unauthorized"),
    () => `the phone comes again and is refused; it met with ${phone.happened}`,
  );
  await isConnected(laptop);
});
