import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  createBroadcaster,
  createCable,
  createStreams,
  createTokens,
  type JsonObject,
  reject,
  serveRpc,
  streamName,
} from "../src/index.ts";

/** The SDK and the server together, over real sockets. */

const SECRET = "behind-hawser";
const HAWSER = resolve(import.meta.dir, "../../../bin/hawser");

const cleanups: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** Starts a server in front of an application on `rpcPort`; where it listens. */
async function hawser(rpcPort: number, flags: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "hawser-sdk-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const server = Bun.spawn(
    [
      HAWSER,
      "--ignore-config-path",
      "--host=127.0.0.1",
      "--port=0",
      `--rpc_host=127.0.0.1:${rpcPort}`,
      ...flags,
    ],
    {
      cwd: folder,
      stdout: "pipe",
      stderr: "inherit",
      env: { PATH: process.env.PATH, ANYCABLE_SECRET: SECRET },
    },
  );
  cleanups.push(async () => {
    server.kill();
    await server.exited;
  });
  return addressIn(server.stdout);
}

/** Where the server says that it listens. Reads on after that, or the server would write into a closed pipe. */
function addressIn(output: ReadableStream<Uint8Array>): Promise<string> {
  let log = "";
  const decoder = new TextDecoder();
  return new Promise((resolve, reject) => {
    const read = async () => {
      for await (const chunk of output) {
        log += decoder.decode(chunk, { stream: true });
        const address = /WebSocket connections at http:\/\/(\S+?)\/cable/.exec(log)?.[1];
        if (address !== undefined) resolve(address);
      }
      reject(new Error(`the server ended before it listened:\n${log}`));
    };
    read().catch(reject);
  });
}

/** A bare client that hands out its frames one by one, without pings. */
function client(address: string, token: string, headers: Record<string, string> = {}) {
  const frames: JsonObject[] = [];
  let wake = () => {};
  // Bun's WebSocket takes headers, which the type of browsers does not have.
  const socket = new WebSocket(`ws://${address}/cable?jid=${token}`, {
    headers,
    protocols: ["actioncable-v1-json"],
  } as unknown as string[]);
  socket.onmessage = ({ data }) => {
    const frame: JsonObject = JSON.parse(String(data));
    if (frame.type === "ping") return;
    frames.push(frame);
    wake();
  };
  cleanups.push(() => socket.close());
  return {
    send: (command: JsonObject) => socket.send(JSON.stringify(command)),
    async next(): Promise<JsonObject> {
      for (let frame = frames.shift(); ; frame = frames.shift()) {
        if (frame !== undefined) return frame;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

const CHAT = '{"channel":"Chat","room":"lobby"}';

test("a token's bearer subscribes, acts, keeps state and hears broadcasts", async () => {
  const cable = createCable({ identifiers: (raw) => ({ name: JSON.stringify(raw) }) }).channel("Chat", {
    subscribed(ctx) {
      ctx.streamFrom("lobby");
      ctx.state.set("said", 0);
    },
    actions: {
      say(ctx) {
        const said = Number(ctx.state.get("said")) + 1;
        ctx.state.set("said", said);
        ctx.transmit({ said, name: ctx.connection.identifiers.name });
      },
    },
  });
  const service = await serveRpc(cable, { port: 0 });
  cleanups.push(() => service.close());
  const address = await hawser(service.port, ["--enforce_jwt"]);
  const ann = client(address, createTokens({ secret: SECRET }).issue({ user: "ann" }));
  expect(await ann.next()).toMatchObject({ type: "welcome" });
  ann.send({ command: "subscribe", identifier: CHAT });
  expect(await ann.next()).toEqual({ identifier: CHAT, type: "confirm_subscription" });
  for (const said of [1, 2]) {
    ann.send({ command: "message", identifier: CHAT, data: '{"action":"say"}' });
    expect(await ann.next()).toEqual({ identifier: CHAT, message: { said, name: '{"user":"ann"}' } });
  }
  const broadcaster = createBroadcaster({ url: `http://${address}/_broadcast`, secret: SECRET });
  await broadcaster.broadcast("lobby", { hello: "all" });
  expect(await ann.next()).toEqual({ identifier: CHAT, message: { hello: "all" } });
  ann.send({ command: "subscribe", identifier: '{"channel":"Nope"}' });
  expect(await ann.next()).toEqual({ identifier: '{"channel":"Nope"}', type: "reject_subscription" });
}, 30_000);

test("verified claims reach connect and every command, and a client cannot forge them", async () => {
  const cable = createCable({
    connect: (env) => (env.claims?.role === "banned" ? reject({ reason: "banned" }) : {}),
  }).channel("Chat", {
    subscribed(ctx) {
      ctx.transmit({
        role: ctx.connection.claims?.role ?? null,
        headers: Object.keys(ctx.connection.headers),
      });
    },
  });
  const service = await serveRpc(cable, { port: 0 });
  cleanups.push(() => service.close());
  const address = await hawser(service.port, [
    "--enforce_jwt",
    "--rpc_after_jwt=enforce",
    "--headers=cookie,x-jwt-identity",
  ]);
  const tokens = createTokens({ secret: SECRET });
  const forged = { "x-jwt-identity": Buffer.from('{"role":"captain"}').toString("base64url") };
  const mate = client(address, tokens.issue("mate", { claims: { role: "mate" } }), forged);
  expect(await mate.next()).toMatchObject({ type: "welcome", sid: expect.any(String) });
  mate.send({ command: "subscribe", identifier: CHAT });
  expect(await mate.next()).toEqual({
    identifier: CHAT,
    message: { role: "mate", headers: expect.not.arrayContaining(["x-jwt-identity"]) },
  });
  const banned = client(address, tokens.issue("gone", { claims: { role: "banned" } }), forged);
  expect(await banned.next()).toEqual({ type: "disconnect", reason: "banned", reconnect: false });
}, 30_000);

test("batches arrive in order, spare whom they exclude, and carry a type; a remote disconnect ends all of one identity", async () => {
  const address = await hawser(1, ["--norpc", "--public_streams", "--enforce_jwt"]);
  const tokens = createTokens({ secret: SECRET });
  const identifier = '{"channel":"$pubsub","stream_name":"news"}';
  const join = async (name: string) => {
    const joined = client(address, tokens.issue({ name }));
    const { sid } = await joined.next();
    joined.send({ command: "subscribe", identifier });
    expect(await joined.next()).toMatchObject({ type: "confirm_subscription" });
    return { ...joined, sid: String(sid) };
  };
  const [ann, same, ben] = [await join("ann"), await join("ann"), await join("ben")];
  const broadcaster = createBroadcaster({ url: `http://${address}/_broadcast`, secret: SECRET });
  await broadcaster.broadcastBatch([
    { stream: "news", data: { n: 1 }, excludeSid: ben.sid },
    { stream: "news", data: "two", broadcastType: "note" },
  ]);
  await broadcaster.disconnect({ name: "ann" });
  await broadcaster.broadcast("news", 3);
  for (const gone of [ann, same]) {
    expect(await gone.next()).toEqual({ identifier, message: { n: 1 } });
    expect(await gone.next()).toEqual({ type: "note", identifier, message: "two" });
    expect(await gone.next()).toEqual({ type: "disconnect", reason: "remote", reconnect: false });
  }
  expect(await ben.next()).toEqual({ type: "note", identifier, message: "two" });
  expect(await ben.next()).toEqual({ identifier, message: 3 });
  const wrong = createBroadcaster({ url: `http://${address}/_broadcast`, secret: "another" });
  await expect(wrong.broadcast("news", 4)).rejects.toThrow("answered 401. Give the server's --broadcast_key");
}, 30_000);

test("signed names open their streams and no others, Turbo's as well", async () => {
  const address = await hawser(1, ["--norpc", "--turbo_streams", "--turbo_streams_secret=turbo"]);
  const ann = client(address, createTokens({ secret: SECRET }).issue("ann"));
  expect(await ann.next()).toMatchObject({ type: "welcome" });
  const [streams, turbo] = [createStreams({ secret: SECRET }), createStreams({ secret: "turbo" })];
  const room = streamName("rooms", 7);
  const follow = async (channel: string, signed: string, answer = "confirm_subscription") => {
    const identifier = JSON.stringify({ channel, signed_stream_name: signed });
    ann.send({ command: "subscribe", identifier });
    expect(await ann.next()).toMatchObject({ identifier, type: answer });
    return identifier;
  };
  const element = turbo.turboSource("tables:1");
  const [, channel = "", signed = ""] = / channel="([^"]+)" signed-stream-name="([^"]+)"/.exec(element) ?? [];
  const inRoom = await follow("$pubsub", streams.sign(room));
  const atTable = await follow(channel, signed);
  await follow("$pubsub", turbo.sign(room), "reject_subscription");
  const broadcaster = createBroadcaster({ url: `http://${address}/_broadcast`, secret: SECRET });
  await broadcaster.broadcast(room, "in the room");
  await broadcaster.broadcast("tables:1", "<turbo-stream></turbo-stream>");
  expect(await ann.next()).toEqual({ identifier: inRoom, message: "in the room" });
  expect(await ann.next()).toEqual({ identifier: atTable, message: "<turbo-stream></turbo-stream>" });
}, 30_000);

test("an application that verifies tokens itself takes the server's, by every carrier, and refuses those of another secret", async () => {
  const notices: string[] = [];
  const cable = createCable({ connect: () => ({}) }).channel("Chat", { subscribed() {} });
  const behind = async (secret: string, ...flags: string[]) => {
    const onNotice = (notice: { message: string }) => notices.push(notice.message);
    const service = await serveRpc(cable, { port: 0, secret, verifyTokens: true, onNotice });
    cleanups.push(() => service.close());
    return hawser(service.port, ["--enforce_jwt", ...flags]);
  };
  const subscribe = async (ann: ReturnType<typeof client>) => {
    expect(await ann.next()).toMatchObject({ type: "welcome" });
    ann.send({ command: "subscribe", identifier: CHAT });
    return (await ann.next()).type;
  };
  const token = createTokens({ secret: SECRET }).issue("ann");
  const same = await behind(SECRET);
  expect(await subscribe(client(same, token))).toBe("confirm_subscription");
  expect(await subscribe(client(same, "", { "X-JID": token }))).toBe("confirm_subscription");
  const offered = { "Sec-WebSocket-Protocol": `actioncable-v1-json, anycable-token.${token}` };
  expect(await subscribe(client(same, "", offered))).toBe("confirm_subscription");
  expect(notices.filter((line) => line.includes("Token refused"))).toEqual([]);

  const other = await behind("another");
  expect(await subscribe(client(other, token))).toBe("reject_subscription");
  const lines = notices.filter((line) => line.includes("Token refused"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("bad_signature");
  const enforced = await behind("another", "--rpc_after_jwt=enforce");
  expect(await client(enforced, token).next()).toEqual({
    type: "disconnect",
    reason: "unauthorized",
    reconnect: false,
  });
}, 30_000);
