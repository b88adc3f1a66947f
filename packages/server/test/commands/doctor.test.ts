import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createCable, createRpcHandler, nodeListener, type RpcHandlerOptions } from "@hawser/sdk/http-rpc";
import { type Application, startApplication } from "../support/application.ts";
import { HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { type CommandResult, runHawser } from "../support/hawser-command.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const SECRET = "a-good-secret-0f3b9c5d7e1a2b4c6d8e";

interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail" | "skip";
  readonly text: string;
  readonly advice: string | null;
}

async function application(): Promise<Application> {
  const started = await startApplication();
  stops.push(() => started.stop());
  return started;
}

async function server(...flags: string[]): Promise<HawserProcess> {
  const started = await startHawser(flags);
  stops.push(() => started.stop());
  return started;
}

/** Runs the doctor on free ports; what it found, by check. */
async function examine(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [port, broadcastPort] = await freePorts(2);
  const placed = ["--host=0.0.0.0", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`];
  const result = await runHawser(["doctor", "--json", ...placed, ...args], { env, cwd: scratch.path });
  const { ok, findings } = JSON.parse(result.stdout) as { ok: boolean; findings: Finding[] };
  expect(result.code).toBe(ok ? 0 : 1);
  expect(ok).toBe(!findings.some(({ level }) => level === "fail"));
  for (const { level, advice } of findings) {
    if (level === "fail") expect(advice).toBeString();
  }
  return {
    ok,
    findings,
    of: (check: string) => findings.filter((finding) => finding.check === check),
    told: JSON.stringify(findings),
  };
}

const WELL = ["--norpc", `--secret=${SECRET}`];

describe("the doctor on the file of revocations", () => {
  const REVOCATIONS =
    '{"hawser":"revocations","version":1}\n{"by":"jti","value":"a","until":4000000000}\n{"by":"jti","value":"b","until":1}\n';

  test("counts what is in force, and leaves the file as it is", async () => {
    const path = scratch.write("revocations", REVOCATIONS);
    const { of } = await examine([...WELL, `--revocations_file=${path}`, "--revocations_limit=5"]);
    const text = `${path} has 1 in force, and there is room for 5`;
    expect(of("revocations")).toEqual([{ check: "revocations", level: "ok", text, advice: null }]);
    expect(readFileSync(path, "utf8")).toBe(REVOCATIONS);
  });

  test("takes one that is not there yet", async () => {
    const path = join(scratch.path, "not-yet");
    const { of } = await examine([...WELL, `--revocations_file=${path}`]);
    expect(of("revocations")).toMatchObject([{ level: "ok" }]);
    expect(existsSync(path)).toBe(false);
  });

  test.each([
    ["a broken line", () => scratch.write("broken", `${REVOCATIONS}junk\n`), "line 4:"],
    ["no folder", () => join(scratch.path, "nowhere", "file"), "is not there"],
  ])("finds %s", async (_, pathOf, words) => {
    const { ok, of } = await examine([...WELL, `--revocations_file=${pathOf()}`]);
    expect(ok).toBe(false);
    expect(of("revocations")).toMatchObject([{ level: "fail", text: expect.stringContaining(words) }]);
  });
});

describe("the doctor on an application over HTTP", () => {
  const rpc = (options: RpcHandlerOptions) =>
    nodeListener(createRpcHandler(createCable({}), { onNotice: () => {}, ...options }));
  async function endpoint(listener: RequestListener): Promise<string> {
    const server = createHttpServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stops.push(() => server.closeAllConnections());
    return `--rpc_host=http://127.0.0.1:${Object(server.address()).port}/_anycable`;
  }
  const levels = (findings: readonly Finding[]) =>
    findings
      .filter(({ check }) => check.startsWith("backend"))
      .map(({ check, level }) => `${check}: ${level}`);

  test("sees that it takes this server's key alone, and has the same secret", async () => {
    const { findings, of } = await examine([await endpoint(rpc({ secret: SECRET })), `--secret=${SECRET}`]);
    expect(levels(findings)).toEqual(["backend: ok", "backend key: ok", "backend secret: ok"]);
    expect(of("backend")[0]?.text).toMatch(/_anycable answered an empty call in \d+ ms, with 422$/);
  });

  test("finds another key, and says which option it comes from", async () => {
    const { ok, findings, told } = await examine([
      await endpoint(rpc({ secret: "another" })),
      `--secret=${SECRET}`,
    ]);
    expect([ok, levels(findings)]).toEqual([false, ["backend: fail"]]);
    expect(told).toMatch(/refuses the calls of this server \(HTTP 401\).*http_rpc_secret/);
    const none = await examine([await endpoint(rpc({ key: "k" })), "--noauth"]);
    expect(none.told).toContain("give this server the application's key as --http_rpc_secret");
  });

  test("warns of one that answers anybody", async () => {
    const { ok, findings } = await examine([await endpoint(rpc({ open: true })), `--secret=${SECRET}`]);
    expect([ok, levels(findings)]).toEqual([
      true,
      ["backend: ok", "backend key: warn", "backend secret: skip"],
    ]);
  });

  test("finds that nothing is there, that it is somewhere else, or that it is troubled", async () => {
    const [port] = await freePorts(1);
    const gone = await examine([`--rpc_host=http://127.0.0.1:${port}`, "--noauth"]);
    expect(gone.of("backend")[0]).toMatchObject({
      level: "fail",
      text: expect.stringContaining("ECONNREFUSED"),
    });
    const elsewhere = await endpoint((_request, response) => void response.writeHead(404).end());
    expect((await examine([elsewhere, "--noauth"])).of("backend")[0]).toMatchObject({
      level: "fail",
      advice: expect.stringContaining("correct the path in --rpc_host"),
    });
    const troubled = await endpoint((_request, response) => void response.writeHead(500).end());
    expect((await examine([troubled, "--noauth"])).of("backend")[0]).toMatchObject({ level: "warn" });
  });
});

describe("hawser doctor", () => {
  test("says of a good configuration that it is, a line each", async () => {
    const [port, broadcastPort] = await freePorts(2);
    const { code, stdout, stderr }: CommandResult = await runHawser(
      ["doctor", ...WELL, "--host=0.0.0.0", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
      { cwd: scratch.path },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(6);
    for (const line of lines) expect(line).toMatch(/^(?:ok {2}|warn|- {3}) {2}\S/);
    expect(stdout).not.toContain(SECRET);
  });

  test("finds a configuration that does not load, and each thing that is wrong with it", async () => {
    const { ok, of } = await examine(["--norpc"], {
      ANYCABLE_JWT_LEEWAY: "900",
      ANYCABLE_PING_INTERVAL: "x",
    });
    expect(ok).toBe(false);
    expect(of("configuration").map(({ text }) => text.split(":")[0])).toEqual([
      "ANYCABLE_PING_INTERVAL",
      "ANYCABLE_JWT_LEEWAY",
    ]);
  });

  test("says what to do behind the words of the fault", async () => {
    const { stdout } = await runHawser(["doctor", "--norpc", "--jwt_keys_file=/no/keys"], {
      cwd: scratch.path,
    });
    expect(stdout).toEndWith("; check the path and its permissions; the server does not start with this\n");
  });

  test("tells of deprecated options and of variables that mean nothing, which is not wrong", async () => {
    const { ok, of } = await examine([...WELL, "--jwt_id_param=x"], { ANYCABLE_PROT: "1" });
    expect(ok).toBe(true);
    const texts = of("configuration").map(({ level, text }) => `${level} ${text}`);
    expect(texts.some((text) => /^warn .*jwt_id_param.* deprecated/.test(text))).toBe(true);
    expect(texts.some((text) => /^warn .*ANYCABLE_PROT/.test(text))).toBe(true);
  });
});

describe("the doctor on keys", () => {
  test("tells their fingerprints, as keys fingerprint does", async () => {
    const { of } = await examine(WELL);
    const { stdout } = await runHawser(["keys", "fingerprint"], { input: SECRET });
    expect(of("keys")[0]).toMatchObject({ level: "ok" });
    expect(of("keys")[0]?.text).toContain(stdout.trim());
  });

  test("finds secrets that are short, or that everybody knows", async () => {
    for (const secret of ["qwerty", "short-but-my-own"]) {
      const { ok, of } = await examine(["--norpc", `--secret=${secret}`]);
      expect({ ok, level: of("keys")[0]?.level }).toEqual({ ok: false, level: "fail" });
      expect(of("keys")[0]?.advice).toContain("hawser keys generate");
    }
  });

  test("finds that nobody can get in", async () => {
    expect((await examine(["--norpc"])).of("keys")[0]).toMatchObject({ level: "fail" });
    expect((await examine(["--norpc", "--noauth"])).of("keys")[0]).toMatchObject({ level: "skip" });
  });

  test("finds a file of keys that cannot be read", async () => {
    const { ok, of } = await examine(["--norpc", "--jwt_keys_file=/no/such/keys.json"]);
    expect(ok).toBe(false);
    expect(of("keys")[0]?.text).toContain("/no/such/keys.json");
  });
});

describe("the doctor on the application", () => {
  test("is content when its service answers, and says that it does not tell its secret", async () => {
    const app = await application();
    const { ok, of } = await examine([`--secret=${SECRET}`, `--rpc_host=127.0.0.1:${app.port}`]);
    expect(ok).toBe(true);
    expect(of("backend")[0]).toMatchObject({ level: "ok" });
    expect(of("backend secret")[0]).toMatchObject({ level: "skip" });
    expect(app.calls).toHaveLength(0);
  });

  test("finds that nobody is there, with what to do", async () => {
    const [port] = await freePorts(1);
    const { ok, of } = await examine([`--secret=${SECRET}`, `--rpc_host=127.0.0.1:${port}`]);
    expect(ok).toBe(false);
    expect(of("backend")[0]?.text).toContain("ECONNREFUSED");
    expect(of("backend")[0]?.advice).toContain("--rpc_host");
  });
});

describe("the doctor on this machine", () => {
  test("finds a port that somebody else has", async () => {
    const other = createServer((socket) => socket.destroy());
    const port = await new Promise<number>((resolve) =>
      other.listen(0, "127.0.0.1", () => {
        const address = other.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      }),
    );
    stops.push(() => new Promise((closed) => other.close(closed)));
    const { ok, of } = await examine([...WELL, "--host=127.0.0.1", `--port=${port}`, "--max-conn=1"]);
    expect(ok).toBe(false);
    expect(of("ports").find(({ level }) => level === "fail")?.advice).toContain("--port");
  });

  test("finds a host that has no address, and a limit that is too low for --max-conn", async () => {
    const { of } = await examine([...WELL, "--host=no-such-host.invalid", "--max-conn=2000000000"]);
    expect(of("ports")[0]).toMatchObject({ level: "fail" });
    expect(of("open files")[0]).toMatchObject({ level: "fail" });
  });

  test.skipIf(!HAS_OPENSSL)("looks at the certificate", async () => {
    const { certPath, keyPath } = makeCertificate(scratch.path, "doctor");
    const tls = [`--ssl_cert=${certPath}`, `--ssl_key=${keyPath}`];
    expect(["ok", "warn"]).toContain(
      (await examine([...WELL, ...tls])).of("certificate")[0]?.level ?? "none",
    );
    const broken = await examine([...WELL, `--ssl_cert=${certPath}`, `--ssl_key=${certPath}`]);
    expect(broken.of("certificate")[0]).toMatchObject({ level: "fail" });
  });
});

describe("the doctor on a running server", () => {
  test("is welcomed with a fresh token, and finds the clocks to agree", async () => {
    const { port } = await server(...WELL, "--enforce_jwt");
    const { ok, of } = await examine([...WELL, `--against=ws://127.0.0.1:${port}/cable`]);
    expect(ok).toBe(true);
    expect(of("round trip")[0]).toMatchObject({ level: "ok" });
    expect(of("clock")[0]).toMatchObject({ level: "ok" });
    expect((await examine([...WELL, `--against=127.0.0.1:${port}`])).ok).toBe(true);
  });

  test("is refused where the secret is another, and says so", async () => {
    const { port } = await server(
      "--norpc",
      "--secret=another-good-secret-5d7e1a2b4c6d8e0f",
      "--enforce_jwt",
    );
    const { ok, of, told } = await examine([...WELL, `--against=ws://127.0.0.1:${port}/cable`]);
    expect(ok).toBe(false);
    expect(of("round trip")[0]?.text).toContain("refused a fresh token: unauthorized");
    expect(of("round trip")[0]?.advice).toContain("secret");
    expect(told).not.toContain(SECRET);
  });

  test("finds a path that serves no WebSockets, and a server that is not there", async () => {
    const { port } = await server(...WELL);
    expect(
      (await examine([...WELL, `--against=ws://127.0.0.1:${port}/nope`])).of("round trip")[0],
    ).toMatchObject({
      level: "fail",
    });
    const [free] = await freePorts(1);
    const gone = await examine([...WELL, `--against=ws://127.0.0.1:${free}/cable`]);
    expect(gone.of("round trip")[0]).toMatchObject({ level: "fail" });
    expect(gone.of("clock")[0]).toMatchObject({ level: "skip" });
  });

  test("finds a clock that is wrong", async () => {
    const wrong = Bun.serve({
      port: 0,
      fetch: () => new Response("", { headers: { Date: new Date(Date.now() + 90_000).toUTCString() } }),
    });
    stops.push(() => wrong.stop(true));
    const { of } = await examine([...WELL, `--against=ws://127.0.0.1:${wrong.port}/cable`]);
    expect(of("clock")[0]).toMatchObject({ level: "fail" });
    expect(of("clock")[0]?.text).toMatch(/ is (8[89]|9[0-2]) s ahead of this machine's/);
  });

  test("compares its keys with these through the admin socket", async () => {
    const path = join(scratch.path, "doctor.sock");
    await server(...WELL, `--admin_socket=${path}`);
    expect((await examine([...WELL, `--admin_socket=${path}`])).of("running server")[0]).toMatchObject({
      level: "ok",
    });
    const other = await examine([
      "--norpc",
      "--secret=another-good-secret-5d7e1a2b4c6d8e0f",
      `--admin_socket=${path}`,
    ]);
    expect(other.of("running server")[0]).toMatchObject({ level: "fail" });
    expect(other.of("running server")[0]?.advice).toContain("hawser keys reload");
  });

  test("cannot be run against what is no URL", async () => {
    const { code, stderr } = await runHawser(["doctor", ...WELL, "--against=ftp://x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--against is not a URL");
  });
});
