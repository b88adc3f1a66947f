import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
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
    symlinkSync(join(ROOT, "bin/hawser"), link);
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
