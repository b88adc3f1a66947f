import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { CableClient } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { exchangeRaw, upgradeRequest } from "../support/raw-http.ts";
import { createScratch } from "../support/scratch.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const HAWSER = join(ROOT, "bin/hawser");
const scratch = createScratch();
afterAll(() => scratch.remove());

let server: HawserProcess | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

describe("the process that one starts", () => {
  test("is the server itself: it has the port, no children, and answers its signals", async () => {
    server = await startHawser(["--norpc"]);
    expect(server.output()).toContain(`(pid: ${server.pid},`);
    if (existsSync("/proc/self/task")) {
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8");
      expect(children.trim()).toBe("");
    }
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
  });

  test("runs from any directory, and leaves that directory alone", async () => {
    const folder = createScratch();
    try {
      server = await startHawser(["--norpc"], {}, { cwd: folder.path });
      if (existsSync("/proc/self")) expect(readlinkSync(`/proc/${server.pid}/cwd`)).toBe(folder.path);
      expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
      expect([...new Bun.Glob("**/*").scanSync({ cwd: folder.path, dot: true })]).toEqual([]);
    } finally {
      folder.remove();
    }
  });

  test("may be called by a symbolic link", async () => {
    const link = join(scratch.path, "hawser-link");
    symlinkSync(HAWSER, link);
    server = await startHawser(["--norpc"], {}, { cwd: scratch.path, command: link });
    expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
  });

  test("runs no code of a bunfig.toml, and reads no .env, where it was started", async () => {
    const hostile = createScratch();
    const mark = join(hostile.path, "ran");
    hostile.write("preload.ts", `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`);
    const settings =
      'preload = ["./preload.ts"]\n[test]\npreload = ["./preload.ts"]\n[run]\npreload = ["./preload.ts"]\n';
    hostile.write("bunfig.toml", settings);
    hostile.write(".bunfig.toml", settings);
    hostile.write("package.json", '{"type":"commonjs","imports":{"#x":"./preload.ts"}}');
    hostile.write("tsconfig.json", '{"compilerOptions":{"paths":{"@hawser/*":["./preload.ts"]}}}');
    const variables = "ANYCABLE_HEALTH_PATH=/hostile\nANYCABLE_NOAUTH=true\n";
    for (const name of [".env", ".env.local", ".env.production", ".env.development"])
      hostile.write(name, variables);
    try {
      server = await startHawser(["--norpc"], {}, { cwd: hostile.path });
      expect((await fetch(`http://127.0.0.1:${server.port}/health`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${server.port}/hostile`)).status).toBe(404);
      expect(server.output()).not.toContain("connection authentication is disabled");
      expect(existsSync(mark)).toBe(false);
    } finally {
      hostile.remove();
    }
  });
});

describe("a limit of the system", () => {
  /** A command that starts the server under these words of the shell. */
  function wrapped(name: string, before: string, after = ""): string {
    const file = scratch.write(name, `#!/bin/sh\n${before}\nexec "${HAWSER}" "$@" ${after}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  async function handshake(port: number): Promise<string> {
    const done = (received: Buffer) => received.includes("\r\n\r\n");
    const answer = await exchangeRaw(port, upgradeRequest("/cable"), { done });
    return answer.toString().slice(0, "HTTP/1.1 101".length);
  }

  test("of open files: clients past it are answered 503, and places that become free are given away", async () => {
    const command = wrapped("few-files.sh", "ulimit -n 240");
    server = await startHawser(["--norpc", "--noauth", "--ping_interval=0"], {}, { command });
    const { port } = server;
    expect(server.output()).toContain("open file limit: 240)");
    const clients = Array.from({ length: 40 }, () => new CableClient(`ws://127.0.0.1:${port}/cable`));
    for (const client of clients) await client.message(0);
    expect(await handshake(port)).toBe("HTTP/1.1 503");
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    clients[0]?.close();
    await clients[0]?.closed();
    expect(await handshake(port)).toBe("HTTP/1.1 101");
    for (const client of clients) client.terminate();
  });

  test("of open files, reached by connections that say nothing: it says so, and serves those that it has", async () => {
    const command = wrapped("no-files.sh", "ulimit -n 240");
    server = await startHawser(["--norpc", "--noauth", "--ping_interval=0"], {}, { command });
    const { port } = server;
    const client = new CableClient(`ws://127.0.0.1:${port}/cable`);
    await client.message(0);
    const silent = Array.from({ length: 280 }, () =>
      connect({ port, host: "127.0.0.1" }).on("error", () => {}),
    );
    await server.waitFor(/ERR no file descriptors left/);
    client.send({ command: "ping" });
    expect(await client.message(1)).toBe('{"type":"pong"}');
    for (const socket of silent) socket.destroy();
    await server.waitFor(/INF file descriptors are free again/);
    expect(await handshake(port)).toBe("HTTP/1.1 101");
    client.close();
  }, 30_000);

  test.skipIf(!existsSync("/dev/full"))(
    "of the disk that the log is on: it serves on, and says so once",
    async () => {
      const [port, broadcastPort] = await freePorts(2);
      const command = wrapped("full-disk.sh", "", ">/dev/full");
      const child = spawn(command, [
        ...["--norpc", "--noauth", "--debug", "--host=127.0.0.1"],
        ...[`--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
      ]);
      let complaints = "";
      child.stderr.on("data", (chunk) => {
        complaints += String(chunk);
      });
      try {
        await untilUp(port);
        for (let i = 0; i < 5; i++) {
          const client = new CableClient(`ws://127.0.0.1:${port}/cable`);
          expect(await client.message(0)).toContain("welcome");
          client.close();
        }
        child.kill("SIGTERM");
        expect(await exitOf(child)).toBe(0);
        expect(complaints.split("\n").filter((line) => line !== "")).toHaveLength(1);
        expect(complaints).toContain("no space left on device");
      } finally {
        child.kill("SIGKILL");
      }
    },
  );

  test("none: the reader of its log may go away", async () => {
    const [port, broadcastPort] = await freePorts(2);
    const child = spawn(HAWSER, [
      ...["--norpc", "--noauth", "--debug", "--host=127.0.0.1"],
      ...[`--port=${port}`, `--http_broadcast_port=${broadcastPort}`],
    ]);
    try {
      child.stdout.destroy();
      await untilUp(port);
      const client = new CableClient(`ws://127.0.0.1:${port}/cable`);
      expect(await client.message(0)).toContain("welcome");
      client.close();
      child.kill("SIGTERM");
      expect(await exitOf(child)).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

async function untilUp(port: number): Promise<void> {
  const untilMs = Date.now() + 5000;
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return;
    if (Date.now() > untilMs) throw new Error("not up within 5 s");
    await Bun.sleep(20);
  }
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((ended) => child.on("exit", (code) => ended(code)));
}
