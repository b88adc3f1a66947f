import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePorts, type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

let sockets = 0;
const newPath = () => join(scratch.path, `admin-${++sockets}.sock`);

async function start(path: string, ...flags: string[]): Promise<HawserProcess> {
  return started(await startHawser(["--norpc", `--admin_socket=${path}`, ...flags]));
}

/** Starts a server that must fail; its one line. */
async function failure(path: string): Promise<string> {
  const [port, broadcastPort] = await freePorts(2);
  const server = spawnHawser([
    "--norpc",
    "--host=127.0.0.1",
    `--port=${port}`,
    `--http_broadcast_port=${broadcastPort}`,
    `--admin_socket=${path}`,
  ]);
  started(server);
  expect(await server.exited).toBe(1);
  expect(server.stderr().trimEnd()).not.toContain("\n");
  return server.stderr();
}

async function ask(path: string, target: string, method = "GET"): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://admin${target}`, { unix: path, method });
  return { status: response.status, body: await response.json() };
}

describe("the admin socket", () => {
  test("is there when asked for, for its owner alone, and gone when the server has ended", async () => {
    const path = newPath();
    const server = await start(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path, "/server")).toEqual({
      status: 200,
      body: { version: "0.1.0", pid: server.pid, stage: "serving" },
    });
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test("answers 404 and 405 in words", async () => {
    const path = newPath();
    await start(path);
    expect(await ask(path, "/nothing")).toEqual({
      status: 404,
      body: { error: "there is no /nothing here" },
    });
    expect(await ask(path, "/server", "POST")).toEqual({
      status: 405,
      body: { error: "/server takes GET" },
    });
  });

  test("of a server that was killed is replaced", async () => {
    const path = newPath();
    const first = await start(path);
    first.signal("SIGKILL");
    await first.exited;
    expect(existsSync(path)).toBe(true);
    const second = await start(path);
    expect((await ask(path, "/server")).body).toMatchObject({ pid: second.pid });
  });

  test("of a living server ends the start of another, which takes nothing away", async () => {
    const path = newPath();
    const first = await start(path);
    const line = await failure(path);
    expect(line).toContain(path);
    expect(line).toContain("another server is alive there");
    expect((await ask(path, "/server")).body).toMatchObject({ pid: first.pid });
  });

  test("does not overwrite a file that is no socket", async () => {
    const path = scratch.write("precious.txt", "precious");
    expect(await failure(path)).toContain("a file that is no socket is there");
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("needs a folder to be in, and a path that is short enough", async () => {
    expect(await failure(join(scratch.path, "no", "folder.sock"))).toMatch(
      /\(--admin_socket\): ENOENT.*; the folder has to be there and writable\n$/,
    );
    expect(await failure(`/tmp/${"a".repeat(120)}`)).toContain("must have at most 100 bytes");
  });
});
