import type { CommandResponse, ConnectionResponse } from "@hawser/proto/gen/rpc";

/** Headers by name; null takes away one that a request otherwise has. */
export type Headers = Readonly<Record<string, string | null>>;

/** Text that must be met exactly, or a pattern; its named groups are remembered for `{{name}}` in later steps. */
export type Text = string | RegExp;

/** One frame as it goes out, for what no proper client would send. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  /** Bits of the first byte over the opcode: FIN alone (0x80) when not given. */
  readonly bits?: number;
  readonly masked?: boolean;
}

/** Where an HTTP request goes: the port of the WebSocket endpoint, or the one that takes publications. */
export type Place = "main" | "broadcast";

/**
 * One thing that is done or must be seen. Steps of a scenario run one after another; `on` names the client, for
 * scenarios with several. `{{name}}` in a text stands for what an earlier pattern remembered, `{{port}}` for the server's, and
 * `{{token for N s}}` for a good token that is made at that moment; with `, until M s` its claim `until` says so.
 */
export type Step =
  /** Opens a WebSocket; with `status` it must be refused so instead. `answer` names headers of the response. */
  | {
      readonly do: "connect";
      readonly on?: string;
      readonly target?: string;
      readonly method?: string;
      readonly httpVersion?: "1.0" | "1.1";
      readonly protocols?: string;
      readonly headers?: Headers;
      readonly status?: number;
      readonly body?: Text;
      readonly answer?: Headers;
      /** Must occur in the response's head, as written. */
      readonly head?: RegExp;
      /** Sent with the request, before anything was answered. */
      readonly early?: readonly object[];
    }
  /** The response to the connect had these headers. */
  | { readonly do: "answered"; readonly on?: string; readonly headers: Headers }
  | { readonly do: "send"; readonly on?: string; readonly command: object; readonly times?: number }
  | { readonly do: "send"; readonly on?: string; readonly text: string; readonly times?: number }
  | { readonly do: "send"; readonly on?: string; readonly frames: readonly RawFrame[] }
  /** The next message is this one. Pings do not count as messages. */
  | {
      readonly do: "receive";
      readonly on?: string;
      readonly text: Text;
      readonly withinMs?: number;
      /** Whether it comes compressed, where that matters. */
      readonly compressed?: boolean;
    }
  /** The next message holds this value: for where member order and spacing are free. */
  | { readonly do: "receive"; readonly on?: string; readonly json: unknown }
  /** These messages come next, in whatever order. */
  | { readonly do: "receive"; readonly on?: string; readonly anyOrder: readonly string[] }
  /** Nothing was said meanwhile: a command `ping` is sent and its answer is the very next message. */
  | { readonly do: "quiet"; readonly on?: string }
  /** Nothing at all comes for so long, and the connection stays. */
  | { readonly do: "silence"; readonly on?: string; readonly forMs: number; readonly evenPings?: boolean }
  /** So many pings come, at these times. */
  | {
      readonly do: "pings";
      readonly on?: string;
      readonly count: number;
      /** From the moment of the connect. */
      readonly firstMs?: readonly [from: number, to: number];
      readonly everyMs?: number;
      readonly unit?: "s" | "ms" | "ns";
    }
  /** A frame with this opcode comes: a WebSocket ping or pong. */
  | { readonly do: "control"; readonly on?: string; readonly opcode: 9 | 10; readonly payload: string }
  /** The server closes. Null is the end of the connection without a close frame, "empty" a frame without a code. */
  | {
      readonly do: "closed";
      readonly on?: string;
      readonly code: number | "empty" | null;
      readonly reason?: Text;
      readonly withinMs?: number;
    }
  /** Reads nothing any more, or reads again. */
  | { readonly do: "stall"; readonly on?: string }
  | { readonly do: "resume"; readonly on?: string }
  /** Messages come, whatever they are, until this one; without it, until the connection ends. */
  | { readonly do: "pass over"; readonly on?: string; readonly until?: Text }
  /** Ends the connection from the client's side, without a close frame. */
  | { readonly do: "drop"; readonly on?: string }
  | {
      readonly do: "http";
      readonly place?: Place;
      readonly method?: string;
      readonly path: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly status: number;
      readonly says?: Text;
      readonly answer?: Headers;
    }
  /** Asks for a stream of events: 200 unless `status` says otherwise, and then the body is empty. */
  | {
      readonly do: "stream";
      readonly on?: string;
      readonly method?: string;
      readonly path: string;
      readonly headers?: Headers;
      readonly body?: string;
      readonly status?: number;
      readonly answer?: Headers;
    }
  /** The next event has these lines. Pings do not count as events. */
  | { readonly do: "event"; readonly on?: string; readonly lines: Text; readonly withinMs?: number }
  /** A ping comes as an event. */
  | { readonly do: "ping event"; readonly on?: string }
  /** The server ends the stream, and nothing more has come. */
  | { readonly do: "stream ended"; readonly on?: string; readonly withinMs?: number }
  | { readonly do: "drop stream"; readonly on?: string }
  /** Publishes over HTTP: 201 unless `status` says otherwise. */
  | {
      readonly do: "publish";
      readonly body: string | object;
      readonly key?: string;
      readonly status?: number;
      readonly says?: Text;
    }
  /** A sample of the metrics endpoint has this value, at the latest after three seconds. */
  | {
      readonly do: "metric";
      readonly name: string;
      /** Parts of the labels that the samples to add up have. */
      readonly labels?: readonly string[];
      readonly is: number;
    }
  /**
   * The application was called so often; `holds` must be part of the last request, members it leaves out are free, and
   * `headers` are all that it was told of the client's.
   */
  | {
      readonly do: "calls";
      readonly method: "Connect" | "Command" | "Disconnect";
      readonly count: number;
      readonly holds?: object;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "signal"; readonly name: "SIGTERM" | "SIGINT" }
  /** The process ends, with this status. */
  | { readonly do: "exited"; readonly status: number; readonly withinMs?: number }
  /** The server's output so far holds this, or does not. */
  | { readonly do: "output"; readonly has?: RegExp; readonly hasNot?: RegExp }
  /** A further server is started with these flags and must end by itself so. For groups without a server. */
  | {
      readonly do: "fails to start";
      readonly flags: readonly string[];
      readonly file?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly says: RegExp;
      readonly status: number;
    }
  /** A further server starts with these flags and is stopped again. For groups without a server. */
  | {
      readonly do: "starts";
      readonly flags: readonly string[];
      readonly file?: string;
      readonly env?: Readonly<Record<string, string>>;
      /** A connect to it without a token ends so. */
      readonly says?: RegExp;
    }
  /** What differs on purpose: `ours` here, `reference` where the reference is run. */
  | {
      readonly do: "differ";
      readonly deviation: Deviation;
      readonly ours: readonly Step[];
      readonly reference: readonly Step[];
    };

/** A row of the table of differences (PROTOCOL.md), or in words what has no row. */
export type Deviation = `D${number}` | `unlisted: ${string}`;

/** How a scenario's server is told from the reference where no single step shows it. */
export interface Scenario {
  /** A sentence about what a client, a publisher or an operator sees. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** Why this one is for our server alone, where the reference has nothing to compare. */
  readonly onlyOurs?: string;
}

/** The application's answers, over letting everybody in and confirming everything. May take its time. */
export interface ApplicationScript {
  readonly connect?: (url: string) => Answer<ConnectionResponse>;
  /** `channel` is that of the identifier. */
  readonly command?: (call: {
    readonly command: string;
    readonly channel: string;
    readonly identifier: string;
    readonly data: string;
  }) => Answer<CommandResponse>;
}

export type Answer<T> = Partial<T> & { readonly afterMs?: number };

/** Scenarios that run against servers started alike. */
export interface Group {
  readonly title: string;
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /**
   * "shared" (default): one server, scenarios side by side. "serial": one server, one after another. "each": a server
   * for each scenario. "none": scenarios start their own.
   */
  readonly server?: "shared" | "serial" | "each" | "none";
  /** A configuration file in TOML. */
  readonly file?: string;
  /** Leaves `--broadcast_adapter` to the server's own rule. */
  readonly ownAdapter?: boolean;
  /** Leaves `--http_broadcast_port` to the server's own rule. */
  readonly ownBroadcastPort?: boolean;
  /** The group's options are not the reference's: why its scenarios are for our server alone. */
  readonly onlyOurs?: string;
  /** Ours is one thread for it, whatever the command says: why several would do otherwise. */
  readonly oneThread?: string;
  /** A service to go with it, at `--rpc_host`. */
  readonly application?: ApplicationScript;
  /** gRPC unless it says otherwise. */
  readonly applicationOver?: "grpc" | "http";
  /** With a NATS of its own beside it; ours needs the program for that. */
  readonly embedsNats?: boolean;
  readonly scenarios: readonly Scenario[];
}
