import type { PresenceResponse } from "@hawser/proto/gen/rpc";
import { jsonOf } from "../json.ts";
import type { ChannelContext, DisconnectOptions, StreamOptions } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { disconnectFrame, messageFrame } from "./frames.ts";
import type { State, TrackedState } from "./state.ts";

/** Collects what a handler does, for the reply. */
export class ChannelCall<Identifiers, Params> implements ChannelContext<Identifiers, Params> {
  readonly identifier: string;
  readonly params: Params;
  readonly connection: Connection<Identifiers>;
  readonly #state: TrackedState;
  readonly #mayReject: boolean;
  readonly #started = new Set<string>();
  readonly #stopped = new Set<string>();
  readonly #transmissions: string[] = [];
  #stopAll = false;
  #rejected = false;
  #farewell: string | null = null;
  #presence: PresenceResponse | undefined;
  #done = false;

  constructor(
    request: {
      readonly identifier: string;
      readonly connection: Connection<Identifiers>;
      readonly state: TrackedState;
      readonly mayReject: boolean;
    },
    params: Params,
  ) {
    this.identifier = request.identifier;
    this.params = params;
    this.connection = request.connection;
    this.#state = request.state;
    this.#mayReject = request.mayReject;
  }

  get state(): State {
    return this.#state;
  }

  streamFrom(stream: string, { whisper = false, presence = false }: StreamOptions = {}): void {
    this.#check("start a stream");
    if (stream === "")
      throw new Error("Cannot start a stream: its name is empty. Name what is broadcast to.");
    this.#started.add(stream);
    this.#stopped.delete(stream);
    if (whisper) this.#state.startWhisper(stream);
    if (presence) this.#state.startPresence(stream);
  }

  stopStream(stream: string): void {
    this.#check("stop a stream");
    this.#started.delete(stream);
    this.#stopped.add(stream);
    this.#state.stopWhisper(stream);
  }

  stopAllStreams(): void {
    this.#check("stop the streams");
    // The server stops before it starts, whatever the order was here.
    this.#started.clear();
    this.#stopped.clear();
    this.#stopAll = true;
    this.#state.stopWhisper(null);
  }

  joinPresence(stream: string, id: string, info?: unknown): void {
    this.#check("join presence");
    if (stream === "" || id === "") {
      throw new Error(
        "Cannot join presence: the stream or the id is empty. Name a stream, and who is there.",
      );
    }
    this.#state.startPresence(stream);
    const text = info === undefined ? "" : jsonOf(info, "join presence");
    this.#presence = { type: "join", id, info: text, ttl: 0 };
  }

  leavePresence(): void {
    this.#check("leave presence");
    this.#presence = { type: "leave", id: "", info: "", ttl: 0 };
  }

  transmit(message: unknown): void {
    this.#check("transmit");
    this.#transmissions.push(messageFrame(this.identifier, message));
  }

  reject(): void {
    this.#check("reject");
    if (!this.#mayReject) {
      throw new Error("Cannot reject: only `subscribed` decides on a subscription. Use disconnect().");
    }
    this.#rejected = true;
  }

  disconnect(options: DisconnectOptions = {}): void {
    this.#check("disconnect");
    this.#farewell = disconnectFrame(options.reason ?? "remote", options.reconnect ?? false);
  }

  /** Ends the call: what the handler does from now on would never reach anyone. */
  end(): CallEffects {
    this.#done = true;
    const gone = this.#farewell !== null;
    return {
      rejected: this.#rejected,
      farewell: this.#farewell,
      stopAll: this.#stopAll || gone,
      started: gone ? [] : [...this.#started],
      stopped: this.#stopAll || gone ? [] : [...this.#stopped],
      transmissions: this.#transmissions,
      presence: gone ? undefined : this.#presence,
    };
  }

  #check(what: string): void {
    if (!this.#done) return;
    throw new Error(
      `Cannot ${what}: the reply to this call has gone out. Await the work in the handler, or broadcast instead.`,
    );
  }
}

export interface CallEffects {
  readonly rejected: boolean;
  /** The frame that says why the connection is closed after all others; null to keep it. */
  readonly farewell: string | null;
  readonly stopAll: boolean;
  readonly started: string[];
  readonly stopped: string[];
  readonly transmissions: string[];
  /** What becomes of the client's presence; undefined for nothing. */
  readonly presence: PresenceResponse | undefined;
}
