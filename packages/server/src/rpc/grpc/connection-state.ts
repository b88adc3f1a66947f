import type { Log } from "@hawser/core/log";
import type { GrpcChannel } from "../../drivers/grpc/channel.ts";
import { NO_CONNECTION } from "../../drivers/grpc/status.ts";
import { quoted } from "../calls/wording.ts";

/**
 * Whether a call may be tried (anycable rpc/rpc.go grpcClientHelper@1.6.16). A lost connection is worth one attempt at
 * once, without back-off; while that one is not made, calls fail without being tried, so that a dead backend costs its
 * clients milliseconds and not the whole timeout each.
 */
export class ConnectionState {
  readonly #channel: GrpcChannel;
  readonly #log: Log;
  #recovering = false;
  /** What the last call died of that could not be made. The connection is opened before the first: a failure of that is
   * no loss yet. */
  #lastFault: string | null = null;

  constructor(channel: GrpcChannel, log: Log) {
    this.#channel = channel;
    this.#log = log;
  }

  /** Why no call can be made now, or null. Asked before every attempt. */
  refusal(): string | null {
    const state = this.#channel.state();
    if (state === "closed") return "the channel is closed";
    if (state === "failing") return this.#tryToRecover();
    if (this.#recovering) {
      this.#recovering = false;
      this.#log.info("connection is restored", { impl: "grpc" });
    }
    return null;
  }

  /** A call found no connection, or lost the one it had. */
  callFailed(details: string): void {
    this.#lastFault = details;
  }

  #tryToRecover(): string | null {
    if (this.#lastFault === null) return null;
    if (this.#recovering) return NO_CONNECTION;
    this.#recovering = true;
    const failure = this.#channel.lastFailure();
    this.#channel.retryNow();
    this.#log.warn("connection is lost, trying to reconnect immediately", {
      impl: "grpc",
      address: failure?.address,
      error: quoted(failure?.reason ?? this.#lastFault),
    });
    return null;
  }
}
