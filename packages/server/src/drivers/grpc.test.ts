import { afterEach, describe, expect, test } from "bun:test";
import type { ServerHttp2Stream } from "node:http2";
import { encodeFrame } from "@hawser/proto/framing";
import { ConnectionRequest } from "@hawser/proto/gen/rpc";
import { until } from "../../test/support/grpc-rig.ts";
import {
  frameOf,
  serveGrpc,
  serveHttp2,
  serveProxy,
  serveTcp,
  WELCOME,
} from "../../test/support/grpc-servers.ts";
import { createGrpcChannel, GRPC_STATUS } from "./grpc.ts";
import type { GrpcChannel, GrpcChannelOptions } from "./grpc-channel.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

const FRAME = encodeFrame(ConnectionRequest, { env: undefined });

function channelTo(port: number, options: Partial<GrpcChannelOptions> = {}): GrpcChannel {
  const authority = `127.0.0.1:${port}`;
  const channel = createGrpcChannel({
    target: { uri: `ipv4:${authority}`, authority, serverName: null },
    secure: null,
    keepaliveTimeMs: 10_000,
    keepaliveTimeoutMs: 20_000,
    maxRecvBytes: 1_000_000,
    minReconnectMs: 100,
    maxReconnectMs: 1000,
    silentPeerMs: 20_000,
    onNotice: () => {},
    ...options,
  });
  stops.push(() => channel.close());
  return channel;
}

/** The reply's bytes, or the failure as `code details`. */
function callOf(
  channel: GrpcChannel,
  headers: Record<string, string> = {},
  timeoutMs = 0,
): Promise<Uint8Array | string> {
  return new Promise((resolve) => {
    channel.call("/anycable.RPC/Connect", FRAME, headers, timeoutMs, {
      replied: resolve,
      failed: (code, details) => resolve(`${GRPC_STATUS[code]} ${details}`),
    });
  });
}

async function connected(port: number, options?: Partial<GrpcChannelOptions>): Promise<GrpcChannel> {
  const channel = channelTo(port, options);
  channel.connect();
  await until(() => channel.state() === "ready");
  return channel;
}

function reply(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frameOf(WELCOME));
}

const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4];
const [END_STREAM, ACK, END_HEADERS] = [1, 1, 4];
const REFUSED = 7;

type WriteFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** HTTP/2 frame by frame (RFC 9113 4.1), where the runtime's server does not do as it is told. */
function serveFrames(onRequest: (stream: number, write: WriteFrame) => void) {
  return serveTcp((socket) => {
    const write: WriteFrame = (type, flags, stream, payload) => {
      const header = Buffer.alloc(9);
      header.writeUIntBE(payload.length, 0, 3);
      header.writeUInt8(type, 3);
      header.writeUInt8(flags, 4);
      header.writeUInt32BE(stream, 5);
      socket.write(Buffer.concat([header, payload]));
    };
    write(SETTINGS, 0, 0, Buffer.alloc(0));
    let pending = Buffer.alloc(0);
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length;
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      if (pending.length < preface) return;
      pending = pending.subarray(preface);
      preface = 0;
      while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const type = pending.readUInt8(3);
        if (type === SETTINGS && pending.readUInt8(4) !== ACK) write(SETTINGS, ACK, 0, Buffer.alloc(0));
        if (type === HEADERS) onRequest(pending.readUInt32BE(5), write);
        pending = pending.subarray(9 + pending.readUIntBE(0, 3));
      }
    });
  });
}

function answerStream(stream: number, write: WriteFrame): void {
  // RFC 7541: `:status: 200` by its index, then a literal header that is not indexed.
  write(HEADERS, END_HEADERS, stream, Buffer.from([0x88]));
  write(DATA, 0, stream, frameOf(WELCOME));
  const name = "grpc-status";
  write(
    HEADERS,
    END_HEADERS | END_STREAM,
    stream,
    Buffer.from(`\0${String.fromCharCode(name.length)}${name}\x010`),
  );
}

test("a call that waits for the connection and one that finds it standing send the same and get the same", async () => {
  const service = await serveGrpc(() => WELCOME);
  stops.push(service.stop);
  const channel = channelTo(service.port);
  expect(channel.state()).toBe("idle");
  const headers = { sid: "s", "x-jwt-identity": "e30", odd: "é" };
  for (let n = 0; n < 2; n += 1) {
    const bytes = await callOf(channel, headers, 1500.2);
    expect(Buffer.from(bytes as Uint8Array).equals(WELCOME)).toBe(true);
  }
  const [waited, direct] = service.calls;
  expect(direct?.bytes).toEqual(waited!.bytes);
  const sent = { sid: "s", "x-jwt-identity": "e30", odd: "%C3%A9" };
  expect(waited?.metadata.getMap()).toMatchObject(sent);
  expect(direct?.metadata.getMap()).toMatchObject(sent);
  expect(channel.state()).toBe("ready");
  expect(channel.connections()).toBe(1);
  channel.close();
  expect(channel.state()).toBe("closed");
});

test("the time a call has is told to the server in whole milliseconds", async () => {
  const seen: (string | string[] | undefined)[] = [];
  const server = await serveHttp2((stream, headers) => {
    seen.push(headers["grpc-timeout"], headers[":authority"], headers.te);
    reply(stream);
  });
  stops.push(server.stop);
  const channel = await connected(server.port);
  await callOf(channel, {}, 1500.2);
  await callOf(channel, {}, 0);
  await callOf(channel, {}, 1e12);
  const authority = `127.0.0.1:${server.port}`;
  expect(seen).toEqual([
    ...["1501m", authority, "trailers"],
    ...[undefined, authority, "trailers"],
    ...["99999999m", authority, "trailers"],
  ]);
});

test("a stream that the server refused before looking at it is sent again, once", async () => {
  let streams = 0;
  const server = await serveFrames((stream, write) => {
    streams += 1;
    if (streams === 2) answerStream(stream, write);
    else write(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, REFUSED]));
  });
  stops.push(server.stop);
  const channel = await connected(server.port);
  expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  expect(streams).toBe(2);
  expect(await callOf(channel)).toBe("UNAVAILABLE Stream refused by server");
  expect(streams).toBeLessThan(6);
});

test("more calls than the server allows streams wait for their turn", async () => {
  const server = await serveHttp2((stream) => setTimeout(() => reply(stream), 5), {
    maxConcurrentStreams: 4,
  });
  stops.push(server.stop);
  const channel = await connected(server.port);
  const replies = await Promise.all(Array.from({ length: 40 }, () => callOf(channel)));
  expect(replies.filter((bytes) => bytes instanceof Uint8Array).length).toBe(40);
});

describe("a peer that has gone silent", () => {
  test("before it said anything is given up, and the next connection is tried", async () => {
    const mute = await serveTcp(() => {});
    stops.push(mute.stop);
    const channel = channelTo(mute.port, { silentPeerMs: 100 });
    channel.connect();
    await until(() => channel.state() === "failing");
    expect(channel.lastFailure()).toEqual({
      address: `127.0.0.1:${mute.port}`,
      reason: "the peer accepted the connection and says nothing",
    });
    await until(() => mute.opened() > 1);
  });

  test("in the middle of a call is found out by pings", async () => {
    const service = await serveGrpc(() => null);
    const proxy = await serveProxy(service.port);
    stops.push(service.stop, proxy.stop);
    const channel = await connected(proxy.port, { keepaliveTimeMs: 100, keepaliveTimeoutMs: 100 });
    const call = callOf(channel);
    await until(() => service.calls.length === 1);
    proxy.freeze();
    expect(await call).toBe("UNAVAILABLE Connection dropped");
  });
});

test("a call on a closed channel fails", async () => {
  const service = await serveGrpc(() => WELCOME);
  stops.push(service.stop);
  const channel = await connected(service.port);
  channel.close();
  expect(await callOf(channel)).toBe("UNAVAILABLE Channel has been shut down");
  await until(() => channel.connections() === 0);
});
