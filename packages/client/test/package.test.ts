import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createScratch } from "../../server/test/support/scratch.ts";

const ROOT = resolve(import.meta.dir, "../../..");

function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout.toString();
}

/** What an application of the stock client would write; it is compiled, and then run by Node.js. */
const APPLICATION = `
import { createCable } from "@anycable/core";
import { keepTokenFresh, type TokenKeeper } from "@hawser/client";

const cable = createCable("ws://127.0.0.1:1/cable", { websocketImplementation: class {}, monitor: false });
const keeper: TokenKeeper = keepTokenFresh(cable, { fetchToken: async () => "token", carrier: "message" });
keeper.renew().then((seconds) => console.log(seconds, cable.transport.url));
`;

test("the built package is small, and works beside the stock client with types and in Node.js", () => {
  const scratch = createScratch();
  try {
    run(["npm", "run", "-s", "build:client"], ROOT);
    const dist = join(ROOT, "packages/client/dist");
    expect(Bun.gzipSync(readFileSync(join(dist, "index.js"))).byteLength).toBeLessThan(2048);
    const modules = join(scratch.path, "node_modules");
    mkdirSync(join(modules, "@hawser"), { recursive: true });
    run(["cp", "-r", dist, join(modules, "@hawser/client")], scratch.path);
    for (const name of ["@anycable", "nanoevents", "ws", "@types"]) {
      run(["ln", "-s", join(ROOT, "node_modules", name), join(modules, name)], scratch.path);
    }
    writeFileSync(join(scratch.path, "package.json"), '{"type":"module"}');
    writeFileSync(join(scratch.path, "application.ts"), APPLICATION);
    const flags = [
      "--strict",
      "--skipLibCheck",
      "--module",
      "NodeNext",
      "--target",
      "ES2022",
      "--types",
      "node",
    ];
    run([join(ROOT, "node_modules/.bin/tsc"), ...flags, "application.ts"], scratch.path);
    const told = run(["node", "application.js"], scratch.path);
    expect(told).toBe("null ws://127.0.0.1:1/cable?auth=1\n");
  } finally {
    scratch.remove();
  }
}, 120_000);
