import { status } from "@grpc/grpc-js";
import { ConnectionResponse, DisconnectResponse, Status } from "@hawser/proto/gen/rpc";
import type { MethodName } from "../../src/rpc/calls/call-line.ts";
import { serveGrpc, WELCOME } from "./grpc-servers.ts";
import { type HttpAnswering, serveHttp, WELCOME_REPLY } from "./http-application.ts";
import { type RpcRig, type SharedOptions, useGrpcRig, useHttpRig } from "./rpc-rig.ts";

/** Applications over gRPC and over HTTP under one name each, to do the same to both adapters. All on 127.0.0.1. */

export interface SideCall {
  readonly method: MethodName;
  readonly sid: string;
  readonly atMs: number;
  readonly cancelled: boolean;
}

/** `no` is a refusal of the call as such, `error` the application's own; an object is a Connect let in as these. */
export type SideAnswer =
  | "welcome"
  | "done"
  | "never"
  | "error"
  | { readonly no: string }
  | { readonly identifiers: string };

export interface SideService {
  readonly port: number;
  readonly calls: readonly SideCall[];
  readonly peak: number;
  stop(): void;
}

export interface Side {
  readonly name: "gRPC" | "HTTP";
  readonly rig: RpcRig<SharedOptions>;
  /** The file of a process that serves by itself: see `grpc-service.ts`. */
  readonly process: string;
  serve(
    answer: (call: SideCall, number: number) => SideAnswer | Promise<SideAnswer>,
    port?: number,
  ): Promise<SideService>;
}

/** Call it once in a test file. */
export function useSides(): readonly Side[] {
  return [
    {
      name: "gRPC",
      rig: useGrpcRig(),
      process: "grpc-service.ts",
      async serve(answer, port = 0) {
        const service = await serveGrpc(
          async (call, number) => {
            const seen = {
              method: call.method,
              sid: String(call.metadata.get("sid")[0]),
              atMs: call.atMs,
              get cancelled() {
                return call.cancelled;
              },
            };
            calls.push(seen);
            return grpcAnswer(await answer(seen, number));
          },
          { address: `127.0.0.1:${port}` },
        );
        const calls: SideCall[] = [];
        return {
          port: service.port,
          calls,
          get peak() {
            return service.peak;
          },
          stop: service.stop,
        };
      },
    },
    {
      name: "HTTP",
      rig: useHttpRig(),
      process: "http-service.ts",
      async serve(answer, port = 0) {
        const calls: SideCall[] = [];
        const application = await serveHttp(
          async (call, number) => {
            const seen = {
              method: METHODS[call.path.slice(call.path.lastIndexOf("/") + 1)] ?? "Connect",
              sid: String(call.headers["x-anycable-meta-sid"]),
              atMs: call.atMs,
              get cancelled() {
                return call.cancelled;
              },
            };
            calls.push(seen);
            return httpAnswer(await answer(seen, number));
          },
          { port },
        );
        return {
          port: application.port,
          calls,
          get peak() {
            return application.peak;
          },
          stop: application.stop,
        };
      },
    },
  ];
}

const METHODS: Readonly<Record<string, MethodName>> = {
  connect: "Connect",
  command: "Command",
  disconnect: "Disconnect",
};

function grpcAnswer(answer: SideAnswer) {
  if (answer === "welcome") return WELCOME;
  if (answer === "never") return null;
  if (answer === "done") return DisconnectResponse.encode({ status: Status.SUCCESS, errorMsg: "" }).finish();
  if (typeof answer === "object" && "no" in answer) return { code: status.UNKNOWN, details: answer.no };
  const identifiers = answer === "error" ? "" : answer.identifiers;
  return ConnectionResponse.encode({
    status: answer === "error" ? Status.ERROR : Status.SUCCESS,
    identifiers,
    transmissions: [],
    errorMsg: answer === "error" ? "no such user" : "",
    env: undefined,
  }).finish();
}

function httpAnswer(answer: SideAnswer): HttpAnswering {
  if (answer === "welcome") return { body: WELCOME_REPLY };
  if (answer === "never") return null;
  if (answer === "done") return { body: { status: 1 } };
  if (answer === "error") return { body: { status: 0, error_msg: "no such user" } };
  if ("no" in answer) return { status: 500, body: answer.no };
  return { body: { status: 1, identifiers: answer.identifiers } };
}
