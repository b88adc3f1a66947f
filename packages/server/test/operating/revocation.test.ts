import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CableClient } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { freePorts, type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";
import { inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "a-secret-of-more-than-32-characters";
const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

let files = 0;
const newPath = (name: string) => join(scratch.path, `${++files}-${name}`);

async function start(...flags: string[]): Promise<HawserProcess> {
  const shared = ["--norpc", "--enforce_jwt", `--jwt_secret=${SECRET}`, "--metrics_http=/metrics"];
  return started(await startHawser([...shared, ...flags]));
}

/** All times are from here on, so that a token of the same claims is the same token, however slow the machine is. */
const START_S = inSeconds(0);

const tokenOf = (claims: object) =>
  signToken(SECRET, { ext: '{"user":7}', exp: START_S + 3600, iat: START_S - 60, ...claims });

function connect({ port }: HawserProcess, claims: object): CableClient {
  return started(new CableClient(`ws://127.0.0.1:${port}/cable?jid=${tokenOf(claims)}`));
}

/** The first thing that a client with such a token hears. */
async function answerTo(server: HawserProcess, claims: object): Promise<string> {
  const said = JSON.parse(await connect(server, claims).message(0));
  return said.type === "welcome" ? "welcome" : said.reason;
}

async function publishRevoke({ broadcastPort }: HawserProcess, payload: object) {
  const response = await fetch(`http://127.0.0.1:${broadcastPort}/_broadcast`, {
    method: "POST",
    body: JSON.stringify({ command: "revoke", payload }),
  });
  const text = await response.text();
  return { status: response.status, error: text === "" ? null : String(JSON.parse(text).error) };
}

describe("--revocations_file", () => {
  test("keeps revocations over a restart, a kill as well as an orderly end", async () => {
    const path = newPath("revocations");
    let server = await start(`--revocations_file=${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const phone = connect(server, { n: 1 });
    const { sid } = JSON.parse(await phone.message(0));
    for (const payload of [{ jti: "a" }, { sid }, { identifiers: "bob", issued_before: START_S - 30 }]) {
      expect(await publishRevoke(server, payload)).toEqual({ status: 201, error: null });
    }
    expect(await phone.message(1)).toBe('{"type":"disconnect","reason":"revoked","reconnect":false}');
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      server.signal(signal);
      await server.exited;
      server = await start(`--revocations_file=${path}`);
      expect(server.output()).toMatch(/Revocations in force .* num=4/);
      expect(await answerTo(server, { jti: "a" })).toBe("unauthorized");
      expect(await answerTo(server, { n: 1 })).toBe("unauthorized");
      expect(await answerTo(server, { ext: "bob" })).toBe("unauthorized");
      expect(await answerTo(server, { ext: "bob", iat: START_S - 10 })).toBe("welcome");
      expect(await answerTo(server, { jti: "b" })).toBe("welcome");
    }
    await server.waitFor(/client refused.* reason=revoked/);
    const samples = await scrape(server.port);
    expect(sumOf(samples, "anycable_go_revocations_num")).toBe(4);
    expect(sumOf(samples, "anycable_go_jwt_verifications_total", 'reason="revoked"')).toBe(3);
  });

  test("that is broken ends the start with a line that says where, and stays as it is", async () => {
    const text = '{"hawser":"revocations","version":1}\n{"by":"jti","val';
    const path = scratch.write("broken", text);
    const [port] = await freePorts(1);
    const server = spawnHawser([
      "--norpc",
      `--jwt_secret=${SECRET}`,
      `--port=${port}`,
      `--revocations_file=${path}`,
    ]);
    started(server);
    expect(await server.exited).toBe(1);
    expect(server.stderr()).toStartWith(
      `hawser: Cannot read the revocations of ${path} (--revocations_file): line 2:`,
    );
    expect(server.stderr().trimEnd()).not.toContain("\n");
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("stays with the server that has it when another cannot start beside it", async () => {
    const [path, socket] = [newPath("shared"), newPath("taken.sock")];
    const first = await start(`--revocations_file=${path}`, `--admin_socket=${socket}`);
    const shared = ["--norpc", `--jwt_secret=${SECRET}`, "--host=127.0.0.1", `--revocations_file=${path}`];
    const free = ["--port=0", "--http_broadcast_port=0", `--admin_socket=${socket}`];
    const second = await runHawser([...shared, ...free]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("another server is alive there");
    const third = await runHawser([...shared, `--port=${first.port}`]);
    expect(third.code).toBe(1);
    expect(third.stderr).toContain("the port is in use");
    expect(await publishRevoke(first, { jti: "a" })).toEqual({ status: 201, error: null });
    expect(readFileSync(path, "utf8")).toContain('"value":"a"');
  });

  test("holds no token, and no part of one", async () => {
    const path = newPath("revocations");
    const server = await start(`--revocations_file=${path}`);
    const { sid } = JSON.parse(await connect(server, { canary: "c4n4ry" }).message(0));
    await publishRevoke(server, { sid });
    const [, payload = "", signature = ""] = tokenOf({ canary: "c4n4ry" }).split(".");
    const written = readFileSync(path, "utf8");
    expect(written).toContain(sid);
    expect(written).not.toContain(payload.slice(0, 20));
    expect(written).not.toContain(signature.slice(0, 6));
  });
});

describe("--revocations_limit", () => {
  test("at it a further one is answered 507, and nobody is disconnected", async () => {
    const server = await start("--revocations_limit=2");
    const client = connect(server, { jti: "c" });
    await client.message(0);
    for (const jti of ["a", "b", "a"]) expect((await publishRevoke(server, { jti })).status).toBe(201);
    const { status, error } = await publishRevoke(server, { jti: "c" });
    expect({ status, error }).toEqual({ status: 507, error: expect.stringContaining("--revocations_limit") });
    expect(await answerTo(server, { jti: "c" })).toBe("welcome");
    expect(client.closedWith).toBeNull();
    const samples = await scrape(server.port);
    expect(sumOf(samples, "anycable_go_revocations_total", 'by="jti"', 'result="refused"')).toBe(1);
  });
});

test("--revocation_max_ttl is how long tokens stay revoked that never expire", async () => {
  const socket = newPath("admin.sock");
  const server = await start("--revocation_max_ttl=2", `--admin_socket=${socket}`);
  const beforeMs = Date.now();
  const { stdout } = await runHawser(["revoke", `--admin_socket=${socket}`, "--jti=a"]);
  const untilMs = Date.parse(/until (\S+);/.exec(stdout)?.[1] ?? "");
  expect(untilMs).toBeGreaterThanOrEqual(beforeMs + 2000);
  expect(untilMs).toBeLessThanOrEqual(Date.now() + 2000);
  await Bun.sleep(untilMs - Date.now());
  expect(await answerTo(server, { jti: "a", exp: undefined })).toBe("welcome");
});

describe("hawser revoke", () => {
  async function withSocket() {
    const socket = `--admin_socket=${newPath("admin.sock")}`;
    const server = await start(socket, "--revocations_limit=3");
    return { server, revoke: (...args: string[]) => runHawser(["revoke", socket, ...args]) };
  }

  test("ends the connections of a token, says how many, and the token is refused", async () => {
    const { server, revoke } = await withSocket();
    const [one, other] = [connect(server, { jti: "a" }), connect(server, { jti: "b" })];
    await Promise.all([one.message(0), other.message(0)]);
    const { code, stdout, stderr } = await revoke("--jti=a", "--reconnect");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^revoked until \d{4}-\d\d-\d\dT[\d:.]+Z; connections closed: 1\n$/);
    expect(await one.message(1)).toBe('{"type":"disconnect","reason":"revoked","reconnect":true}');
    expect(await answerTo(server, { jti: "a" })).toBe("unauthorized");
    expect(other.closedWith).toBeNull();
  });

  test("takes a time as a word, a date or a number", async () => {
    const { server, revoke } = await withSocket();
    const user = '{"user":7}';
    for (const time of ["now", new Date((START_S + 500) * 1000).toISOString(), `${START_S + 700}`]) {
      expect((await revoke(`--identifiers=${user}`, `--issued_before=${time}`)).code).toBe(0);
    }
    expect(await answerTo(server, { iat: START_S + 699 })).toBe("unauthorized");
    expect(await answerTo(server, { iat: START_S + 700 })).toBe("welcome");
  });

  test("ends with 1 where there is no room, and says what to do", async () => {
    const { revoke } = await withSocket();
    for (const jti of ["a", "b", "c"]) await revoke(`--jti=${jti}`);
    const { code, stdout, stderr } = await revoke("--jti=d");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("raise --revocations_limit");
  });

  test("ends with 1 where the end of the tokens has passed, and says that nothing is revoked", async () => {
    const { server, revoke } = await withSocket();
    const { code, stdout } = await revoke("--jti=a", "--exp=2020-01-01T00:00:00Z");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^nothing is revoked: 2020-01-01T00:0[\d:.]+Z has passed; connections closed: 0\n$/,
    );
    expect(await answerTo(server, { jti: "a" })).toBe("welcome");
  });

  test.each([
    [[], "exactly one of"],
    [["--jti=a", "--sid=b"], "exactly one of"],
    [["--jti=a", "--issued_before=now"], "--issued_before needs --identifiers"],
    [["--jti=a", "--exp=tomorrow"], "a time is now, a date"],
  ])("%j is a misuse, which says what to type", async (args, words) => {
    const { code, stderr } = await runHawser(["revoke", "--admin_socket=/nowhere", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });

  test("needs a socket, and a server behind it", async () => {
    expect((await runHawser(["revoke", "--jti=a"])).stderr).toContain("--admin_socket");
    const { code, stderr } = await runHawser(["revoke", "--jti=a", `--admin_socket=${newPath("none.sock")}`]);
    expect(code).toBe(1);
    expect(stderr).toContain("there is no such socket");
  });
});
