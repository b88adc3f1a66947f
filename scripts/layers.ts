/** One row of the dependency rule: which files, and what they may import besides their own folder. */
export interface Layer {
  /** Folder or file under the repository, without an ending for files. The longest matching row counts. */
  readonly path: string;
  /** Paths of rows whose files may be imported. */
  readonly mayImport: readonly string[];
  /** Packages and runtime modules from outside; `node:` stands for all of Node's. */
  readonly external: readonly string[];
}

const FOUNDATION = [
  "packages/core/src/wire",
  "packages/core/src/errors",
  "packages/core/src/reasons",
  "packages/core/src/limits",
  "packages/core/src/options",
  "packages/core/src/table-options",
  "packages/core/src/address-option",
  "packages/core/src/clock",
  "packages/core/src/random",
  "packages/core/src/log",
  "packages/core/src/leveled-log",
  "packages/core/src/log-sampler",
  "packages/core/src/redact",
];

const FACTS = [
  ...FOUNDATION,
  "packages/core/src/protocol",
  "packages/core/src/jwt",
  "packages/core/src/signed",
  "packages/core/src/metrics",
];
const PORTS = [...FACTS, "packages/core/src/rpc", "packages/core/src/broker"];
const ROUTING = [...PORTS, "packages/core/src/hub", "packages/core/src/router"];
const SESSION = [...ROUTING, "packages/core/src/session"];
const CORE = [...SESSION, "packages/core/src/engine"];

/** Each file of drivers/ imports the one library that it is there for, and runtime APIs; nothing else does. */
const DRIVERS = ["packages/server/src/drivers"];
const ADAPTERS = [
  "packages/server/src/transports",
  "packages/server/src/rpc",
  "packages/server/src/broadcast",
  "packages/server/src/pubsub",
  "packages/server/src/broker",
  "packages/server/src/keys",
  "packages/server/src/telemetry",
  "packages/server/src/admin",
  "packages/server/src/threads",
];
/** The option tables of the adapters, which alone configuration may see of them. */
export const OPTION_FILES =
  /^packages\/server\/src\/(transports|rpc|broadcast|pubsub|broker|keys|telemetry|admin)\/(.*\/)?options$/;

const core = (name: string, mayImport: readonly string[]): Layer => ({
  path: `packages/core/src/${name}`,
  mayImport,
  external: [],
});
const server = (name: string, mayImport: readonly string[], external: readonly string[] = []): Layer => ({
  path: `packages/server/src/${name}`,
  mayImport,
  external,
});

/** Arrows point down, never up and never sideways. */
export const LAYERS: readonly Layer[] = [
  ...FOUNDATION.map((path) => ({ path, mayImport: FOUNDATION, external: [] })),
  core("protocol", FOUNDATION),
  core("jwt", FOUNDATION),
  core("signed", FOUNDATION),
  core("metrics", FOUNDATION),
  core("rpc", FACTS),
  core("broker", FACTS),
  core("hub", PORTS),
  core("router", PORTS),
  core("session", ROUTING),
  core("engine", SESSION),
  core("testing", CORE),
  { path: "packages/proto/src", mayImport: [], external: ["@bufbuild/protobuf"] },
  server("drivers", [...CORE, "packages/proto/src"], ["*"]),
  ...["transports", "rpc", "broadcast", "pubsub", "broker", "keys", "telemetry", "admin", "threads"].map(
    (name) => server(name, [...CORE, ...DRIVERS, "packages/proto/src"]),
  ),
  server("config", [...CORE, ...DRIVERS]),
  server("thread-entry", []),
  server("app", [
    ...CORE,
    ...DRIVERS,
    ...ADAPTERS,
    "packages/server/src/config",
    "packages/server/src/thread-entry",
  ]),
  server("cli", [...CORE, ...DRIVERS, ...ADAPTERS, "packages/server/src/config", "packages/server/src/app"]),
  server("connection-thread", ["packages/server/src/app"]),
  server("main", [...CORE, ...DRIVERS, "packages/server/src/app", "packages/server/src/cli"], ["node:"]),
  { path: "packages/sdk/src", mayImport: [...ROUTING, "packages/proto/src"], external: ["*"] },
  // It goes into pages: what it imports, they load.
  { path: "packages/client/src", mayImport: [], external: [] },
];

/** Names that core must not touch: time, chance and the world come in by ports. */
export const FORBIDDEN_IN_CORE: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bglobalThis\b/,
  /\bconsole\./,
  /\bprocess\./,
];
