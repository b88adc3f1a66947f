import { describe, expect, test } from "bun:test";
import { errorsOf, loaded } from "../../test/support/load-config.ts";

const configOf = (env: Record<string, string>) => loaded({ env }).config;

describe("the environment", () => {
  test("has a variable for each option, and PORT", () => {
    expect(configOf({ ANYCABLE_MAX_CONN: "5" }).server.maxConnections).toBe(5);
    expect(configOf({ PORT: "5" }).server.port).toBe(5);
    expect(configOf({ PORT: "5", ANYCABLE_PORT: "6" }).server.port).toBe(6);
    expect(configOf({ ANYCABLE_WS_MAX_PENDING_SIZE: "0" }).websocket.maxPendingBytes).toBe(0);
  });

  test("set to nothing counts for texts and lists, is false for switches, and nothing for numbers", () => {
    const files = { "./anycable.toml": "noauth = true\n[server]\nport = 1\n[rpc]\nproxy_headers = ['a']\n" };
    const env = {
      ANYCABLE_NOAUTH: "",
      ANYCABLE_PORT: "",
      ANYCABLE_HEADERS: "",
      ANYCABLE_LOG_LEVEL: "",
      ANYCABLE_NODE_ID: "",
      ANYCABLE_PATH: "",
    };
    const { config } = loaded({ files, env });
    expect(config.auth.noAuth).toBe(false);
    expect(config.server.port).toBe(1);
    expect(config.rpc.proxyHeaders).toEqual([]);
    expect(config.log.level).toBe("info");
    expect(config.nodeId).toBeNull();
    expect(config.websocket.paths).toEqual(["/cable"]);
    expect(configOf({ ANYCABLE_PORT: "", PORT: "7" }).server.port).toBe(7);
  });

  test("overrides a secret of the file with nothing", () => {
    const files = { "./anycable.toml": "secret = 's'\n" };
    expect(loaded({ files, env: { ANYCABLE_SECRET: "" } }).config.jwt.secret).toBeNull();
  });

  test("with a value that cannot be used ends the start", () => {
    expect(errorsOf({ env: { ANYCABLE_DEBUG: "yes", PORT: "http" } })).toEqual([
      'PORT: the value "http" must be a whole number, 0 to 65535',
      'ANYCABLE_DEBUG: the value "yes" must be true or false',
    ]);
  });

  test("with variables that are not ours is one warning for each kind", () => {
    const env = {
      ANYCABLE_API_PORT: "1",
      ANYCABLE_DS: "true",
      ANYCABLE_JWT_SECRT: "s3cr3t",
      ANYCABLE_RPC_POOL_SIZE: "30",
      ANYCABLE_DISABLE_TELEMETRY: "true",
      REDIS_URL: "redis://x",
    };
    expect(loaded({ env }).warnings).toEqual([
      "ignored variables of AnyCable that this version does not serve: ANYCABLE_API_PORT, ANYCABLE_DS",
      "ignored variables that are not options: ANYCABLE_JWT_SECRT (did you mean ANYCABLE_JWT_SECRET?), " +
        "ANYCABLE_RPC_POOL_SIZE; fine if they are the application's",
    ]);
  });

  test("cannot ask for help or name a file", () => {
    const { action, warnings } = loaded({ env: { ANYCABLE_HELP: "1", ANYCABLE_CONFIG_PATH: "/x" } });
    expect(action).toBe("run");
    expect(warnings).toHaveLength(1);
  });
});
