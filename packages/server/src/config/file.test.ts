import { describe, expect, test } from "bun:test";
import { errorsOf, loaded } from "../../test/support/load-config.ts";

const fileOf = (text: string) => ({ files: { "./anycable.toml": text } });
const configOf = (text: string) => loaded(fileOf(text)).config;

describe("a file", () => {
  test("holds options under AnyCable's keys", () => {
    const config = configOf(`
      secret = "qwerty"
      broadcast_adapters = ["http"]
      [server]
      allowed_origins = "a.example, *.b.example"
      ssl.cert_path = "c"
      ssl.key_path = "k"
      [jwt]
      force = true
      [rpc]
      implementation = "none"
      [metrics]
      http_path = "/metrics"
      tags = { env = "dev" }
      log_filter = ["clients_num"]
      [app]
      enable_native_ping = true
    `);
    expect(config.server.allowedOrigins).toEqual(["a.example", "*.b.example"]);
    expect(config.server.tls).toEqual({ certPath: "c", keyPath: "k" });
    expect(config.jwt).toMatchObject({ secret: "qwerty", enforce: true });
    expect(config.rpc.kind).toBe("none");
    expect(config.metrics).toMatchObject({
      httpPath: "/metrics",
      tags: { env: "dev" },
      logFilter: ["clients_num"],
    });
    expect(config.heartbeat.nativePings).toBe(true);
  });

  test("may hold the key that the reference prints but does not read", () => {
    expect(configOf("[metrics]\nhttp = '/m'").metrics.httpPath).toBe("/m");
  });

  test("with a key that is not known names the one that was meant", () => {
    const meant: readonly (readonly [text: string, key: string, meant: string])[] = [
      ["[jwt]\nsecrets = 'x'", "jwt.secrets", "jwt.secret"],
      ["jwt_secret = 'x'", "jwt_secret", "jwt.secret"],
      ["[jwt]\nenforce_jwt = true", "jwt.enforce_jwt", "jwt.force"],
      ["port = 80", "port", "server.port"],
      ["[server]\nmax_message_size = 1", "server.max_message_size", "ws.max_message_size"],
      ["[server.ssl]\ncert = 'x'", "server.ssl.cert", "server.ssl.cert_path"],
    ];
    for (const [text, key, suggested] of meant) {
      expect(errorsOf(fileOf(text))).toEqual([
        `${key} in ./anycable.toml is not an option; did you mean ${suggested}?`,
      ]);
    }
  });

  test("with a table that is not known is told once", () => {
    expect(errorsOf(fileOf("[sever]\nport = 1\nhost = 'x'"))).toEqual([
      "sever in ./anycable.toml is not a table of options; did you mean server?",
    ]);
    expect(errorsOf(fileOf("[quite_another]\nport = 1"))).toEqual([
      "quite_another in ./anycable.toml is not a table of options",
    ]);
    expect(errorsOf(fileOf("server = 1"))).toEqual(["server in ./anycable.toml must be a table: [server]"]);
  });

  test("with what AnyCable has and this version does not is told so", () => {
    const text = "[api]\nport = 1\n[ds]\nenabled = true\n[metrics.statsd]\nhost = 'x'";
    expect(errorsOf(fileOf(text))).toEqual(
      ["api", "ds", "metrics.statsd"].map(
        (key) =>
          `${key} in ./anycable.toml is an option of AnyCable that this version does not serve; leave it out`,
      ),
    );
  });

  test("has no key for what only a flag can say", () => {
    expect(errorsOf(fileOf("norpc = true"))[0]).toContain("norpc in ./anycable.toml is not an option");
    expect(errorsOf(fileOf("help = true"))[0]).toContain("help in ./anycable.toml is not an option");
  });

  test("with dates, numbers that are too large or nested arrays is refused, not misread", () => {
    for (const value of ["1979-05-27", "99999999999999999999", "[[1]]", "{ a = 1 }", "nan", "1.5"]) {
      expect(errorsOf(fileOf(`[server]\nport = ${value}`))).toHaveLength(1);
    }
  });
});
