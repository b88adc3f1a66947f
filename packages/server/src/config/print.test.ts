import { describe, expect, test } from "bun:test";
import { hasCredentials } from "@hawser/core/address-option";
import fc from "fast-check";
import { load, loaded } from "../../test/support/load-config.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";

/** Text that the option takes, of every kind of character that a command line can hold. */
function texts(option: AnyOption): fc.Arbitrary<string> {
  const anything = fc.string({ unit: "grapheme" });
  const candidates: Partial<Record<AnyOption["kind"], fc.Arbitrary<string>>> = {
    integer: fc.oneof(fc.nat({ max: 400 }), fc.nat()).map(String),
    bytes: fc.oneof(fc.integer({ min: 256, max: 32768 }), fc.nat()).map(String),
    seconds: fc.nat({ max: 2_147_483_000 }).map((ms) => String(ms / 1000)),
    milliseconds: fc.nat({ max: 2 ** 31 - 1 }).map(String),
    flag: fc.constantFrom("true", "false"),
    choice: fc.constantFrom(...(option.placeholder ?? "").split("|")),
    tags: fc.stringMatching(/^[a-z]{1,4}:[^,]*,[A-Z]{1,4}:[^,]*$/),
    list: fc.oneof(
      anything,
      anything.map((text) => `/${text}`),
      fc.constantFrom("http", "10.0.0.0/8,::1"),
    ),
    text: fc.oneof(
      anything,
      anything.map((text) => `/${text}`),
      fc.constantFrom("x-y", "h:1"),
    ),
    secret: fc.oneof(anything, fc.constant("none")),
    address: fc.oneof(
      anything,
      fc.constantFrom("redis://u:p@h:1/2", "a:1,b:2", "unix:///s", "valkeys://:p@[::1]"),
    ),
  };
  return (candidates[option.kind] ?? anything).filter((text) => option.fromText(text).ok);
}

/** Command lines of any options but those that ask for something else than to run. */
const commandLines = fc
  .subarray(
    OPTIONS.filter((option) => option.env.length > 0),
    { maxLength: 12 },
  )
  .chain((options) =>
    fc.tuple(...options.map((option) => texts(option).map((text) => `--${option.flag}=${text}`))),
  );

/** A printed configuration lacks its secrets; this gives them again. */
function secretsOf(argv: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  const moved: Readonly<Record<string, string>> = {
    jwt_id_key: "jwt_secret",
    http_broadcast_secret: "broadcast_key",
    turbo_rails_key: "turbo_streams_secret",
    cable_ready_key: "cable_ready_secret",
  };
  for (const option of OPTIONS.filter(({ kind }) => kind === "secret" || kind === "address")) {
    const start = `--${option.flag}=`;
    const given = argv.find((argument) => argument.startsWith(start))?.slice(start.length) ?? "";
    if (given === "" || (option.kind === "address" && !hasCredentials(given))) continue;
    const name = `ANYCABLE_${(moved[option.flag ?? ""] ?? option.flag ?? "").toUpperCase()}`;
    const keepsNewer = option.flag === "jwt_id_key" && env[name] !== undefined;
    if (!keepsNewer) env[name] = given;
  }
  return env;
}

describe("a printed configuration", () => {
  test("loads as the same configuration, its secrets being given again", () => {
    let compared = 0;
    fc.assert(
      fc.property(commandLines, (argv) => {
        const first = load({ argv });
        if (!first.ok || !("config" in first)) return;
        compared++;
        const files = { "./anycable.toml": first.printed() };
        const second = loaded({ files, env: secretsOf(argv) });
        expect(second.config).toEqual(first.config);
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  test("holds no secret, and nothing else is lost without them", () => {
    const argv = ["--secret=canary-1", "--jwt_secret=canary-2", "--broadcast_key=canary-3", "--port=99"];
    const first = loaded({ argv });
    expect(first.printed()).not.toContain("canary");
    const second = loaded({ files: { "./anycable.toml": first.printed() } }).config;
    expect(second).toEqual({
      ...first.config,
      jwt: { ...first.config.jwt, secret: null, secretOption: "secret", enabled: false },
      streams: { ...first.config.streams, secret: null },
      broadcast: { ...first.config.broadcast, key: null },
    });
  });

  test("keeps a secret that is none on purpose", () => {
    const { printed, config } = loaded({
      argv: ["--secret=canary", "--jwt_secret=none", "--broadcast_key=none"],
    });
    const files = { "./anycable.toml": printed() };
    expect(loaded({ files, env: { ANYCABLE_SECRET: "canary" } }).config).toEqual(config);
  });

  test("is TOML also where JSON's escapes are not enough", () => {
    const { printed, config } = loaded({ argv: ['--node_id=a\u007f\u0000"\\\n\u2028z'] });
    expect(printed()).not.toContain("\u007f");
    expect(loaded({ files: { "./anycable.toml": printed() } }).config.nodeId).toBe(config.nodeId);
  });

  test("of defaults is the default configuration, without a word on where it came from", () => {
    const first = loaded({});
    expect(loaded({ files: { "./anycable.toml": first.printed() } }).config).toEqual(first.config);
    expect(first.printed()).not.toContain("# from");
  });

  test("tells where every value came from", () => {
    const printed = loaded({
      files: { "./anycable.toml": "[server]\nhost = '0.0.0.0'\n" },
      env: { ANYCABLE_PING_INTERVAL: "0.5" },
      argv: ["--port=99", "--norpc", "--debug"],
    }).printed();
    expect(printed).toContain('\nhost = "0.0.0.0" # from server.host in ./anycable.toml\n');
    expect(printed).toContain("\nping_interval = 0.5 # from ANYCABLE_PING_INTERVAL\n");
    expect(printed).toContain("\nport = 99 # from --port\n");
    expect(printed).toContain('\nimplementation = "none" # from --norpc\n');
    expect(printed).toContain('\nlevel = "debug" # from --debug\n');
    expect(printed).toContain("\nport = 8090 # worked out\n");
  });

  test("tells secrets apart by fingerprints that depend on their purpose", () => {
    const fingerprints = (text: string) =>
      [...text.matchAll(/fingerprint ([0-9a-f]{8}), from/g)].map(([, f]) => f);
    const one = fingerprints(loaded({ argv: ["--secret=a", "--jwt_secret=a"] }).printed());
    const other = fingerprints(loaded({ argv: ["--secret=b", "--jwt_secret=a"] }).printed());
    expect(one).toHaveLength(2);
    expect(one[0]).not.toBe(one[1]);
    expect(other[0]).not.toBe(one[0]);
    expect(other[1]).toBe(one[1]);
  });

  test("cannot be broken out of by the name of a file", () => {
    const path = "/a\nsecret = 'x'\n#.toml";
    const { printed } = loaded({
      files: { [path]: "[server]\nport = 1\n" },
      argv: [`--config-path=${path}`],
    });
    expect(loaded({ files: { "./anycable.toml": printed() } }).config.jwt.secret).toBeNull();
  });
});
