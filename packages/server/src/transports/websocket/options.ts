import { bytes, choice, flag, integer, list, seconds, section } from "@hawser/core/options";

export const WEBSOCKET = section("WebSockets", {
  paths: list({
    flag: "path",
    // DEVIATION: D15. The reference reads the key and then replaces it with the flag's default.
    toml: "ws.paths",
    default: ["/cable"],
    nonEmpty: true,
    help: "Paths that clients connect to: /cable, /admin/* for all that start so, /{tenant}/cable for any one segment.",
    check: whyNotPaths,
  }),
  maxMessageBytes: bytes({
    flag: "max_message_size",
    toml: "ws.max_message_size",
    default: 65536,
    min: 1,
    hidden: true,
    help: "Largest message that a client may send; a larger one closes the connection with 1009.",
  }),
  writeTimeoutMs: seconds({
    flag: "ws_write_timeout",
    toml: "ws.write_timeout",
    default: 2,
    help: "How long a client's socket may take nothing while something waits for it. 0 for ever.",
  }),
  maxPendingBytes: bytes({
    flag: "ws_max_pending_size",
    toml: "ws.max_pending_size",
    default: 1048576,
    help: "Bytes that may wait for one client before it is disconnected as too slow. 0 sets no limit.",
  }),
  maxPendingCommands: integer({
    flag: "max_pending_commands",
    toml: "ws.max_pending_commands",
    default: 64,
    min: 1,
    help: "Commands of one client that may wait while one is carried out; past it the connection is closed with 1008.",
  }),
  maxCommandsPerS: integer({
    flag: "max_commands_per_second",
    toml: "ws.max_commands_per_second",
    default: 0,
    help: "Commands that one client may send in a second, as many at once; past it the connection is closed with 1008. 0 sets no limit.",
  }),
  maxSubscriptions: integer({
    flag: "max_subscriptions",
    toml: "ws.max_subscriptions",
    default: 4096,
    help: "Subscriptions that one client may hold, fewer when their identifiers are longer than 256 characters on average; more are rejected. 0 sets no limit.",
  }),
  compression: flag({
    flag: "enable_ws_compression",
    toml: "ws.enable_compression",
    hidden: true,
    help: "Compress messages for clients that can (permessage-deflate).",
  }),
  readBufferBytes: bytes({
    flag: "read_buffer_size",
    toml: "ws.read_buffer_size",
    default: 1024,
    hidden: true,
    noEffect: true,
    help: "Read buffer of a connection.",
  }),
  writeBufferBytes: bytes({
    flag: "write_buffer_size",
    toml: "ws.write_buffer_size",
    default: 1024,
    hidden: true,
    noEffect: true,
    help: "Write buffer of a connection.",
  }),
});

export const PINGS = section("Pings", {
  pingIntervalMs: seconds({
    flag: "ping_interval",
    toml: "app.ping_interval",
    default: 3,
    help: "Time between two pings; a client may ask for another one (?pi=). 0 for no pings.",
  }),
  pingPrecision: choice({
    flag: "ping_timestamp_precision",
    toml: "app.ping_timestamp_precision",
    values: ["s", "ms", "ns"],
    default: "s",
    hidden: true,
    help: "Unit of the time in a ping; a client may ask for another one (?ptp=).",
  }),
  pongTimeoutMs: seconds({
    flag: "pong_timeout",
    toml: "app.pong_timeout",
    default: 0,
    help: "How long a client that speaks the extended protocol may leave a ping unanswered. 0 for ever.",
  }),
  nativePings: flag({
    flag: "enable_native_pings",
    toml: "app.enable_native_ping",
    help: "Send a WebSocket ping with each ping; pong_timeout then holds for every client.",
  }),
});

function whyNotPaths(paths: readonly string[]): string | null {
  for (const path of paths) {
    const quoted = JSON.stringify(path);
    if (!path.startsWith("/")) return `holds ${quoted}, which does not start with a slash`;
    if (path.slice(0, -1).includes("*")) return `holds ${quoted}, whose star is not at the end`;
  }
  return null;
}
