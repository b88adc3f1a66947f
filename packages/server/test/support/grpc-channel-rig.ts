import { afterEach } from "bun:test";
import type { ServerHttp2Stream } from "node:http2";
import { encodeFrame } from "@hawser/proto/framing";
import { ConnectionRequest } from "@hawser/proto/gen/rpc";
import type { GrpcChannel, GrpcChannelOptions, GrpcSource } from "../../src/drivers/grpc/channel.ts";
import { createGrpcChannel } from "../../src/drivers/grpc/round-robin-channel.ts";
import { grpcStatusName } from "../../src/drivers/grpc/status.ts";
import { frameOf, WELCOME } from "./grpc-servers.ts";
import { until } from "./rpc-rig.ts";

/** What the tests of the gRPC channel share: channels that end with their test, and ways to call. */

export interface ChannelRig {
  /** Stops `part` when the test ends. */
  started<T extends { stop(): void }>(part: T): T;
  /** To a port of 127.0.0.1, or to a source; with small times. */
  channel(to: number | GrpcSource, options?: Partial<GrpcChannelOptions>): GrpcChannel;
  /** The same, once a connection stands. */
  connected(to: number | GrpcSource, options?: Partial<GrpcChannelOptions>): Promise<GrpcChannel>;
}

/** Call it once in a test file: what its tests start ends with them, last first. */
export function useChannelRig(): ChannelRig {
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0).reverse()) stop();
  });
  const channel: ChannelRig["channel"] = (to, options) => {
    const made = channelTo(to, options);
    stops.push(() => made.close());
    return made;
  };
  return {
    started(part) {
      stops.push(() => part.stop());
      return part;
    },
    channel,
    async connected(to, options) {
      const made = channel(to, options);
      made.connect();
      await until(() => made.state() === "ready");
      return made;
    },
  };
}

function channelTo(to: number | GrpcSource, options: Partial<GrpcChannelOptions> = {}): GrpcChannel {
  const source: GrpcSource =
    typeof to === "number" ? { kind: "addresses", addresses: [{ host: "127.0.0.1", port: to }] } : to;
  const authority = typeof to === "number" ? `127.0.0.1:${to}` : "rpc.test:1";
  return createGrpcChannel({
    target: { source, authority, serverName: null },
    secure: null,
    keepaliveTimeMs: 10_000,
    keepaliveTimeoutMs: 20_000,
    maxRecvBytes: 1_000_000,
    connectionsPerAddress: 1,
    minReconnectMs: 100,
    maxReconnectMs: 1000,
    silentPeerMs: 20_000,
    lookUpIntervalMs: 50,
    maxCallsPerConnection: 1_000_000,
    replyHeader: null,
    onNotice: () => {},
    ...options,
  });
}

const EMPTY_CONNECT = encodeFrame(ConnectionRequest, { env: undefined });

export interface CallParts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly frame?: Uint8Array;
}

/** The reply's bytes, or the failure as `code details`. */
export function callOf(channel: GrpcChannel, parts: CallParts = {}): Promise<Uint8Array | string> {
  return startCall(channel, parts).outcome;
}

/** A call that can be cancelled. */
export function startCall(channel: GrpcChannel, parts: CallParts = {}) {
  const { promise: outcome, resolve } = Promise.withResolvers<Uint8Array | string>();
  const { frame = EMPTY_CONNECT, headers = {}, timeoutMs = 0 } = parts;
  const call = channel.call("/anycable.RPC/Connect", frame, headers, timeoutMs, {
    replied: resolve,
    failed: (code, details) => resolve(`${grpcStatusName(code)} ${details}`),
  });
  return { call, outcome };
}

/** Answers as a gRPC server does. */
export function reply(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frameOf(WELCOME));
}
