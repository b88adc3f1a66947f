import { describe, expect, test } from "bun:test";
import { configOf, errorsOf, load, loaded } from "../../test/support/load-config.ts";

const TOML = "./anycable.toml";

describe("precedence", () => {
  test("is default, file, environment, command line", () => {
    const files = { [TOML]: "[server]\nport = 1111\nhost = 'a'\n[app]\nping_interval = 7\n" };
    const env = { ANYCABLE_PORT: "2222", ANYCABLE_HOST: "b" };
    const { config, configFile } = loaded({ files, env, argv: ["--port=3333"] });
    expect(config.server.port).toBe(3333);
    expect(config.server.host).toBe("b");
    expect(config.heartbeat.pingIntervalMs).toBe(7000);
    expect(config.shutdown.timeoutMs).toBe(30_000);
    expect(configFile).toBe(TOML);
  });

  test("lets a file set headers and paths, which the reference overrides with its own defaults", () => {
    const files = { [TOML]: "[rpc]\nproxy_headers = ['X-From-File']\n[ws]\npaths = ['/a', '/b/*']\n" };
    expect(loaded({ files }).config.rpc.proxyHeaders).toEqual(["x-from-file"]);
    expect(loaded({ files }).config.websocket.paths).toEqual(["/a", "/b/*"]);
    expect(loaded({ files, argv: ["--headers=cookie"] }).config.rpc.proxyHeaders).toEqual(["cookie"]);
  });
});

describe("the file", () => {
  const other = { "/etc/anycable/anycable.toml": "[server]\nport = 2\n" };

  test("is ./anycable.toml, else the one in /etc, unless one is named", () => {
    expect(loaded({ files: other }).config.server.port).toBe(2);
    expect(loaded({ files: { ...other, [TOML]: "[server]\nport = 1\n" } }).config.server.port).toBe(1);
    const named = { ...other, "/x.toml": "[server]\nport = 3\n" };
    expect(loaded({ files: named, argv: ["--config-path", "/x.toml"] }).config.server.port).toBe(3);
  });

  test("is left alone when told so", () => {
    const { config, configFile } = loaded({ files: other, argv: ["--ignore-config-path"] });
    expect(config.server.port).toBe(8080);
    expect(configFile).toBeNull();
  });

  test("must be there when it is named", () => {
    expect(errorsOf({ argv: ["--config-path=/none.toml"] })).toEqual([
      "cannot read the configuration file /none.toml: ENOENT: no such file or directory, open '/none.toml'; " +
        "name another with --config-path=FILE",
    ]);
  });

  test("that is no TOML is one line without any of its text", () => {
    const files = { [TOML]: 'secret = "canary-token\n' };
    const [error, ...more] = errorsOf({ files });
    expect(more).toEqual([]);
    expect(error).toStartWith("cannot read ./anycable.toml as TOML: line 1, column ");
    expect(error).not.toContain("canary");
    expect(error).not.toContain("\n");
  });
});

describe("what is asked", () => {
  test("help and version come first, whatever else is wrong", () => {
    expect(load({ argv: ["--bogus", "--help"] })).toEqual({ ok: true, action: "help" });
    expect(load({ argv: ["-h"], env: { ANYCABLE_PORT: "x" } })).toEqual({ ok: true, action: "help" });
    expect(load({ argv: ["-v"] })).toEqual({ ok: true, action: "version" });
  });

  test("else it is to run or to print", () => {
    expect(loaded({}).action).toBe("run");
    expect(loaded({ argv: ["--print-config"] }).action).toBe("print-config");
  });
});

test("every error of every source is told, one line each, with what it concerns", () => {
  const errors = errorsOf({
    files: { [TOML]: "[server]\nprt = 1\nport = '1'\n[api]\nport = 1\n" },
    env: { ANYCABLE_PING_INTERVAL: "soon" },
    argv: ["--jwt_leeway=301", "--api_port=1", "--log_level=loud"],
  });
  expect(errors).toEqual([
    "server.prt in ./anycable.toml is not an option; did you mean server.port?",
    'server.port in ./anycable.toml: the value "1" must be a whole number, 0 to 65535, without quotes',
    "api in ./anycable.toml is an option of AnyCable that this version does not serve; leave it out",
    'ANYCABLE_PING_INTERVAL: the value "soon" must be a number of seconds, 0 to 2147483',
    '--jwt_leeway: the value "301" must be a whole number, 0 to 300',
    "--api_port is an option of AnyCable that this version does not serve; leave it out",
    '--log_level: the value "loud" must be one of debug, info, warn, error',
  ]);
});

describe("no secret is told", () => {
  const canary = "canary-s3cr3t";
  const misuses: readonly (readonly string[])[] = [
    [`--jwt_secrt=${canary}`],
    ["--jwt_secrt", canary],
    ["--secret", "=", canary],
    [`--secret=${canary}`, "--port=abc"],
    [`--broadcast_key=${canary}`, "--public"],
    [`--http_broadcast_secret=${canary}`, `--jwt_id_key=${canary}`],
    ["--enforce_jwt", canary],
  ];
  for (const argv of misuses) {
    test(`in what comes of ${argv.join(" ")}`, () => {
      const result = load({ argv });
      if (!result.ok) expect(result.errors.join("\n")).not.toContain(canary);
      else if ("printed" in result) {
        expect([...result.warnings, result.printed()].join("\n")).not.toContain(canary);
      }
    });
  }

  test("when a file holds one of the wrong type", () => {
    const files = { [TOML]: "secret = 123456789\n[jwt]\nsecret = ['canary-s3cr3t']\n" };
    expect(errorsOf({ files })).toEqual([
      "secret in ./anycable.toml: the value must be a string, in quotes",
      "jwt.secret in ./anycable.toml: the value must be a string, in quotes",
    ]);
  });
});

test("with nothing given the configuration is the reference's, where it is served", () => {
  const config = configOf();
  expect(config).toMatchObject({
    nodeId: null,
    public: false,
    auth: { noAuth: false },
    server: { host: "localhost", port: 8080, maxConnections: 0, healthPath: "/health", tls: null },
    websocket: { paths: ["/cable"], maxMessageBytes: 65536, writeTimeoutMs: 2000, maxPendingBytes: 1048576 },
    heartbeat: { pingIntervalMs: 3000, pingPrecision: "s", pongTimeoutMs: 0, nativePings: false },
    jwt: {
      ...{ enabled: false, secret: null, param: "jid", enforce: false, maxTokenBytes: 8192 },
      main: { issuer: null, leewayS: 0, requireExp: false, maxLifetimeS: null, identifiers: null },
      issuers: [],
    },
    streams: { public: false, pubsubChannel: "$pubsub" },
    rpc: { kind: "grpc", host: "localhost:50051", concurrency: 28, commandTimeoutMs: 3000, afterJwt: "off" },
    disconnect: { mode: "auto", ratePerS: 100, backlog: 4096 },
    broadcast: { adapters: ["http"], key: null, port: 8090, path: "/_broadcast" },
    shutdown: { timeoutMs: 30_000, delayMs: 0 },
    log: { level: "info", format: "text" },
    metrics: {
      httpPath: null,
      host: "localhost",
      port: 8080,
      tags: {},
      log: false,
      rotateIntervalMs: 15_000,
    },
  });
});
