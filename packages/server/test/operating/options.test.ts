import { afterAll, describe, expect, test } from "bun:test";
import { CableClient, publish } from "../support/cable-client.ts";
import {
  freePorts,
  type HawserPlace,
  type HawserProcess,
  spawnHawser,
  startHawser,
} from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";
import { goodToken } from "../support/tokens.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

async function start(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: HawserPlace = {},
): Promise<HawserProcess> {
  return started(await startHawser(flags, env, place));
}

/** Runs the command to its end. */
async function runToEnd(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: HawserPlace = { cwd: scratch.path },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const server = spawnHawser(flags, env, 0, 0, place);
  started(server);
  const code = await server.exited;
  return { code, stdout: server.stdout(), stderr: server.stderr() };
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

/** Value of a key in a printed configuration, as TOML reads it. */
function printedValue(toml: string, dotted: string): unknown {
  let node: unknown = Bun.TOML.parse(toml);
  for (const part of dotted.split(".")) node = (node as Record<string, unknown>)[part];
  return node;
}

describe("precedence, as --print-config and the socket show it", () => {
  const file = scratch.write("precedence.toml", '[jwt]\nparam = "file"\n[app]\nping_interval = 7\n');

  test("without any other word the default counts", async () => {
    const { code, stdout } = await runToEnd(["--print-config"]);
    expect(code).toBe(0);
    expect(printedValue(stdout, "jwt.param")).toBe("jid");
  });

  test("the file wins over the default, the environment over the file, a flag over the environment", async () => {
    const env = { ANYCABLE_JWT_PARAM: "env" };
    const [byFile, byEnv, byFlag] = await Promise.all([
      runToEnd(["--print-config", `--config-path=${file}`]),
      runToEnd(["--print-config", `--config-path=${file}`], env),
      runToEnd(["--print-config", `--config-path=${file}`, "--jwt_param=flag"], env),
    ]);
    expect(printedValue(byFile.stdout, "jwt.param")).toBe("file");
    expect(printedValue(byEnv.stdout, "jwt.param")).toBe("env");
    expect(printedValue(byFlag.stdout, "jwt.param")).toBe("flag");
    expect(printedValue(byFlag.stdout, "app.ping_interval")).toBe(7);
  });

  test("the winning name is the one under which a token is found", async () => {
    const server = await start(
      ["--norpc", "--jwt_secret=s3cret", `--config-path=${file}`, "--jwt_param=flag"],
      { ANYCABLE_JWT_PARAM: "env" },
    );
    const outcome = async (param: string) => {
      const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?${param}=${goodToken("s3cret")}`);
      const message = JSON.parse(await client.message(0)) as { type: string };
      client.close();
      return message.type;
    };
    expect(await outcome("flag")).toBe("welcome");
    expect(await outcome("env")).toBe("disconnect");
    expect(await outcome("file")).toBe("disconnect");
  });

  test("./anycable.toml is read and named; --ignore-config-path leaves it alone", async () => {
    const folder = createScratch();
    folder.write("anycable.toml", '[server]\nhealth_path = "/from-file"\n');
    try {
      const server = await start(["--norpc"], {}, { cwd: folder.path });
      expect(server.output()).toContain("Using configuration from file: ./anycable.toml");
      expect((await fetch(`http://127.0.0.1:${server.port}/from-file`)).status).toBe(200);
      const other = await start(["--norpc", "--ignore-config-path"], {}, { cwd: folder.path });
      expect((await fetch(`http://127.0.0.1:${other.port}/health`)).status).toBe(200);
    } finally {
      folder.remove();
    }
  });

  test("PORT counts where ANYCABLE_PORT is not set", async () => {
    const [both, alone] = await Promise.all([
      runToEnd(["--print-config"], { PORT: "1111", ANYCABLE_PORT: "2222" }),
      runToEnd(["--print-config"], { PORT: "1111" }),
    ]);
    expect(printedValue(both.stdout, "server.port")).toBe(2222);
    expect(printedValue(alone.stdout, "server.port")).toBe(1111);
  });

  test("what is printed loads again as the same configuration", async () => {
    const first = await runToEnd([
      "--print-config",
      ...["--norpc", "--port=9191", "--path=/cable,/admin/*", "--metrics_tags=env:dev,rev:1.1", "--noauth"],
      ...["--headers=cookie,X-Tenant", "--ping_interval=9", "--trusted_proxies=10.0.0.0/8"],
    ]);
    const file = scratch.write("printed.toml", first.stdout);
    const second = await runToEnd(["--print-config", `--config-path=${file}`]);
    expect(second.stderr).toBe("");
    expect(Bun.TOML.parse(second.stdout)).toEqual(Bun.TOML.parse(first.stdout));
  });
});

describe("what is misspelt", () => {
  test("unknown flags end the start, one line each, with the name that was meant", async () => {
    const [port] = await freePorts(1);
    const { code, stdout, stderr } = await runToEnd([
      `--port=${port}`,
      "--norpc",
      "--jwt_secrets=hunter2",
      "--enforcejwt",
    ]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(linesOf(stderr)).toHaveLength(2);
    expect(linesOf(stderr)[0]).toContain("--jwt_secrets is not an option; did you mean --jwt_secret?");
    expect(linesOf(stderr)[1]).toContain("--enforcejwt is not an option; did you mean --enforce_jwt?");
    expect(stderr).not.toContain("hunter2");
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  });

  test("unknown keys of the file end the start, one line each, with the file and the key that was meant", async () => {
    const file = scratch.write(
      "misspelt.toml",
      "[server]\nprot = 1\n[jwt]\nenforce_jwt = true\n[nonsens]\na = 1\n",
    );
    const { code, stdout, stderr } = await runToEnd(["--norpc", `--config-path=${file}`]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    const lines = linesOf(stderr);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain("server.prot");
    expect(lines[0]).toContain("did you mean server.port?");
    expect(lines[1]).toContain("did you mean jwt.force?");
    expect(lines[2]).toContain("nonsens");
    for (const line of lines) expect(line).toContain(file);
  });

  test("unknown ANYCABLE_ variables are one warning that names them all, and the server starts", async () => {
    const server = await start(["--norpc"], {
      ANYCABLE_JWT_SECRETT: "hunter2",
      ANYCABLE_SOMETHING_ELSE: "x",
      OTHER_JWT_SECRETT: "x",
    });
    const warnings = linesOf(server.output()).filter((line) => line.includes(" WRN "));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("ANYCABLE_JWT_SECRETT (did you mean ANYCABLE_JWT_SECRET?)");
    expect(warnings[0]).toContain("ANYCABLE_SOMETHING_ELSE");
    expect(warnings[0]).not.toContain("OTHER_");
    expect(server.output()).not.toContain("hunter2");
  });

  test("an option of AnyCable that is not served yet is told apart from a misspelling", async () => {
    const { code, stderr } = await runToEnd(["--norpc", "--api_port=1"]);
    expect(code).toBe(1);
    expect(stderr).toContain("--api_port is an option of AnyCable that this version does not serve");
    const server = await start(["--norpc"], {
      ANYCABLE_API_PORT: "1",
      ANYCABLE_DISABLE_TELEMETRY: "true",
    });
    expect(server.output()).toMatch(/WRN .*does not serve: ANYCABLE_API_PORT\b/);
    expect(server.output()).not.toContain("TELEMETRY");
  });

  test("a value that cannot be used is named with its option and what would do", async () => {
    const { code, stderr } = await runToEnd(["--norpc", "--port=http", "--log_level=loud"]);
    expect(code).toBe(1);
    expect(linesOf(stderr)).toHaveLength(2);
    expect(stderr).toContain("--port");
    expect(stderr).toMatch(/--log_level.*debug.*info.*warn.*error/);
  });

  test("a value that is out of place is never printed: it may be a secret", async () => {
    const { stderr, stdout } = await runToEnd(["--norpc", "--port=hunter2", "--print-config", "hunter3"]);
    expect(stdout + stderr).not.toContain("hunter3");
  });
});

describe("the key of the broadcast endpoint", () => {
  // HMAC-SHA256 of "broadcast-cable" under the secret: what AnyCable's SDKs present.
  const derived = "42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485";
  const post = async (port: number, key?: string) =>
    (await publish(port, { stream: "a", data: "1" }, key)).status;

  test("is derived from --secret, and moves the endpoint to the main port", async () => {
    const [port] = await freePorts(1);
    const server = spawnHawser(["--norpc", "--host=127.0.0.1", `--port=${port}`, "--secret=qwerty"]);
    started(server);
    await server.waitFor(/Handle health requests at/);
    expect(server.output()).toContain(`Accept broadcast requests at http://127.0.0.1:${port}/_broadcast (`);
    expect(await post(port, derived)).toBe(201);
    expect(await post(port, "qwerty")).toBe(401);
    expect(await post(port)).toBe(401);
  });

  test("of its own wins over the derived one, and none opens the endpoint", async () => {
    const own = await start(["--norpc", "--secret=qwerty", "--broadcast_key=mine"]);
    expect(await post(own.broadcastPort, "mine")).toBe(201);
    expect(await post(own.broadcastPort, derived)).toBe(401);
    const open = await start(["--norpc", "--secret=qwerty", "--broadcast_key=none"]);
    expect(await post(open.broadcastPort)).toBe(201);
  });
});

describe("D5: a rule without what it needs", () => {
  test.each([
    [["--enforce_jwt"], {}],
    [["--enforce_jwt", "--jwt_secret=none"], {}],
    [["--enforce_jwt", "--jwt_secret=none", "--secret=x"], {}],
    [[], { ANYCABLE_ENFORCE_JWT: "true" }],
  ])("%j %j does not start, and says which option is missing", async (flags, env) => {
    const [port] = await freePorts(1);
    const { code, stdout, stderr } = await runToEnd(["--norpc", `--port=${port}`, ...flags], env);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/enforce_jwt/i);
    expect(stderr).toContain(
      "set jwt_secret (ANYCABLE_JWT_SECRET), secret (ANYCABLE_SECRET), jwt_keys_file or jwt_jwks_url",
    );
  });

  test("--secret alone is enough, as with AnyCable", async () => {
    const server = await start(["--norpc", "--enforce_jwt", "--secret=s3cret"]);
    expect(server.output()).toContain("JWT authentication is enabled (param: jid, enforced: true)");
  });

  test("half of the TLS options does not start", async () => {
    const { code, stderr } = await runToEnd(["--norpc", "--ssl_cert=/nowhere.pem"]);
    expect(code).toBe(1);
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toContain("ssl_key");
  });
});

describe("questions to the command", () => {
  test("--help lists the options by section and exits 0", async () => {
    const { code, stdout, stderr } = await runToEnd(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toContain("Usage: hawser [options]");
    for (const flag of [
      "--jwt_secret",
      "--enforce_jwt",
      "--rpc_host",
      "--metrics_http",
      "--shutdown_timeout",
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${flag}( |$)`, "m"));
    }
    for (const line of linesOf(stdout)) expect(line.length).toBeLessThanOrEqual(110);
    expect((await runToEnd(["-h"])).stdout).toBe(stdout);
  });

  test("--version prints one line, whatever else stands on the command line", async () => {
    const { code, stdout } = await runToEnd(["--version", "--enforce_jwt"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hawser \d+\.\d+\.\d+\n$/);
    expect((await runToEnd(["-v"])).stdout).toBe(stdout);
  });

  test("--print-config names the source of every value that is not a default", async () => {
    const file = scratch.write("sources.toml", "[app]\nping_interval = 7\n");
    const { stdout } = await runToEnd(["--print-config", `--config-path=${file}`, "--port=1234"], {
      ANYCABLE_PATH: "/ws",
    });
    expect(stdout).toMatch(/^port = 1234 # from --port$/m);
    expect(stdout).toMatch(/^paths = \["\/ws"\] # from ANYCABLE_PATH$/m);
    expect(stdout).toMatch(/^ping_interval = 7 # from app\.ping_interval in .*sources\.toml$/m);
  });

  test("--print-config shows fingerprints of secrets: equal for equal ones, and never the secret", async () => {
    const print = async (secret: string) =>
      (await runToEnd(["--print-config", `--jwt_secret=${secret}`])).stdout;
    const [one, same, other] = await Promise.all([print("hunter2"), print("hunter2"), print("hunter3")]);
    expect(one).not.toContain("hunter2");
    const fingerprint = /secret is set, fingerprint ([0-9a-f]{8})/;
    expect(fingerprint.exec(one)?.[1]).toBeDefined();
    expect(fingerprint.exec(one)?.[1]).toBe(fingerprint.exec(same)?.[1] ?? "none");
    expect(fingerprint.exec(one)?.[1]).not.toBe(fingerprint.exec(other)?.[1] ?? "");
  });
});
