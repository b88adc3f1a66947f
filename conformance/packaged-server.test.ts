import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { CableClient, publish } from "../packages/server/test/support/cable-client.ts";
import { runHawser } from "../packages/server/test/support/hawser-command.ts";
import {
  freePorts,
  type HawserPlace,
  spawnHawser,
  startHawser,
} from "../packages/server/test/support/hawser-process.ts";
import { exchangeRaw, upgradeRequest } from "../packages/server/test/support/raw-http.ts";
import { createScratch } from "../packages/server/test/support/scratch.ts";
import { type Outcome, runGroups } from "./run-groups.ts";
import type { Group } from "./scenario.ts";
import { GROUPS } from "./scenarios/all-groups.ts";

/*
 * The server in the forms in which people get it, put to a part of the scenarios: those that a bundle could break, by
 * leaving a library out or by starting another way.
 */

const ROOT = resolve(import.meta.dir, "..");
const PATIENCE_MS = 300_000;
const SKIPPED = process.env.HAWSER_FULL === "1" ? null : "bin/test --full runs it";

const SUBSET: ReadonlySet<string> = new Set([
  "handshake",
  "paths",
  "sub-protocols",
  "frames",
  "commands",
  "broadcasting",
  "a broadcast key derived from the secret",
  "remote disconnect",
  "signed streams",
  "tokens",
  "where the token is",
  "--jwt_max_token_bytes",
  "an application",
  "the application after the token",
  "native pings",
  "metrics",
  "shutdown",
  "a second signal",
  "starting",
]);
const subset: readonly Group[] = GROUPS.filter(({ title }) => SUBSET.has(title));

const scratch = createScratch();
afterAll(() => scratch.remove());

function run(command: readonly string[], cwd: string): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd, stdout: "ignore" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${stderr}`);
}

/** The package, as `npm pack` makes it, installed where nothing else is; the command that npm puts there. */
function installPackage(name: string, ...flags: string[]): string {
  const packed = join(scratch.path, `${name}-packed`);
  run(["mkdir", packed], scratch.path);
  run(["npm", "pack", "--workspace=packages/server", `--pack-destination=${packed}`], ROOT);
  const [tarball = ""] = readdirSync(packed);
  const folder = join(scratch.path, name);
  scratch.write(`${name}/package.json`, "{}");
  run(["npm", "install", "--loglevel=error", "--prefer-offline", ...flags, join(packed, tarball)], folder);
  return join(folder, "node_modules/.bin/hawser");
}

function buildExecutable(): string {
  const file = join(scratch.path, "executable/hawser");
  run([process.execPath, join(ROOT, "scripts/build-binary.ts"), file], scratch.path);
  return file;
}

/** Why no root of its own can be made for the executable; null when it can. */
function whyNoRoot(): string | null {
  if (SKIPPED !== null) return SKIPPED;
  if (process.getuid?.() !== 0) return "only root may make a root directory";
  const tried = Bun.spawnSync(["unshare", "--mount", "--pid", "--fork", "true"], { stderr: "ignore" });
  return tried.exitCode === 0 ? null : "mounts of one's own are not allowed here";
}

/** A root directory with the executable and the libraries that the loader asks for. */
function bareRoot(executable: string): string {
  const root = join(scratch.path, "root");
  const { stdout } = Bun.spawnSync(["ldd", executable]);
  const libraries = [...stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? "");
  for (const [from, to] of [
    [executable, "/hawser"] as const,
    ...libraries.map((path) => [path, path] as const),
  ]) {
    run(["install", "-D", "-m", "755", from, join(root, to)], scratch.path);
  }
  run(["mkdir", join(root, "proc")], scratch.path);
  return root;
}

const FORMS: readonly [string, () => string][] = [
  ["installed by npm", () => installPackage("installed")],
  ["as one executable", buildExecutable],
];

describe.skipIf(SKIPPED !== null).each(FORMS)("the server %s", (_form, make) => {
  let command = "";
  let outcomes: readonly Outcome[] = [];

  beforeAll(async () => {
    command = make();
    outcomes = await runGroups(subset, { under: { command, flags: [] }, side: "ours", servers: 2 });
  }, PATIENCE_MS);

  test.each(subset.map(({ title }) => title))("passes the scenarios of %s", (title) => {
    const played = outcomes.filter(({ group }) => group.title === title);
    expect(played.length).toBeGreaterThan(0);
    const failed = played.filter(({ result }) => result !== "passed");
    expect(failed.map(({ scenario, why }) => `${scenario.name}: ${why}`)).toEqual([]);
  });

  test("says of itself what the one of the clone says", async () => {
    for (const question of ["--version", "--help", "--print-config"]) {
      const [packaged, clone] = await Promise.all([
        runHawser([question], { command }),
        runHawser([question]),
      ]);
      expect(packaged).toEqual(clone);
      expect(packaged.code).toBe(0);
    }
  });

  test("has the version of its package", async () => {
    const { version } = await Bun.file(join(ROOT, "packages/server/package.json")).json();
    expect((await runHawser(["--version"], { command })).stdout).toBe(`hawser ${version}\n`);
  });

  test("is the process that one starts, and ends by SIGTERM with 0", async () => {
    const server = await startHawser(["--norpc"], {}, { command });
    expect(server.output()).toContain(`(pid: ${server.pid},`);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(server.output()).toContain("Shutting down...");
  });

  test("serves clients by several threads", async () => {
    const server = await startHawser(["--workers=2", "--norpc", "--public"], {}, { command });
    expect(server.output()).toContain("Serving clients by 2 connection threads");
    const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "news" });
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new CableClient(`ws://127.0.0.1:${server.port}/cable`);
        expect(await client.message(0)).toContain("welcome");
        client.send({ command: "subscribe", identifier });
        await client.message(1);
        return client;
      }),
    );
    const { status } = await publish(server.broadcastPort, { stream: "news", data: '"hello"' });
    expect(status).toBe(201);
    for (const client of clients) expect(await client.message(2)).toContain("hello");
    server.signal("SIGTERM");
    for (const client of clients) expect(await client.closed()).toMatchObject({ code: 1001 });
    expect(await server.exited).toBe(0);
  });

  test("runs no code and reads no variables of the current directory", async () => {
    const cwd = join(scratch.path, "hostile");
    scratch.write("hostile/bunfig.toml", 'preload = ["./preloaded.ts"]\n');
    scratch.write("hostile/preloaded.ts", 'console.log("preloaded"); process.exit(7);\n');
    scratch.write("hostile/.env", "ANYCABLE_PORT=1234\n");
    const place: HawserPlace = { cwd, command };
    const asked = spawnHawser(["--print-config"], {}, 0, 0, place);
    expect(await asked.exited).toBe(0);
    expect(asked.output()).toMatch(/^port = 8080$/m);
    expect(asked.output()).not.toContain("preloaded");
  });

  test("answers a token that is too large in words, so headers may be large", async () => {
    const server = await startHawser(["--norpc", "--jwt_secret=s3cret"], {}, { command });
    const request = upgradeRequest("/cable", { "X-JID": "a".repeat(100_000) });
    const answer = await exchangeRaw(server.port, request, {
      done: (bytes) => bytes.includes("unauthorized"),
    });
    expect(answer.toString()).toContain('"reason":"unauthorized"');
    await server.stop();
  });
});

test.skipIf(SKIPPED !== null)(
  "the package works where npm may run no scripts",
  async () => {
    const command = installPackage("scriptless", "--ignore-scripts");
    expect((await runHawser(["--version"], { command })).stdout).toMatch(/^hawser \d/);
  },
  60_000,
);

const NO_ROOT = whyNoRoot();
if (NO_ROOT !== null) console.log(`skipped: the executable alone in a root directory: ${NO_ROOT}`);

test.skipIf(NO_ROOT !== null)(
  "the executable runs where there is the C library and /proc and nothing else, without rights, and says that it is well",
  async () => {
    const root = bareRoot(buildExecutable());
    const [port, broadcastPort] = await freePorts(2);
    const script = `
      mount -t proc proc "$ROOT/proc"
      alone="chroot --userspec=65532:65532 $ROOT /hawser"
      $alone --norpc > "$ROOT/../log" 2>&1 &
      server=$!
      until grep -qs "Handle health" "$ROOT/../log"; do
        kill -0 $server || { cat "$ROOT/../log"; exit 1; }
        sleep 0.1
      done
      $alone health && kill $server && wait $server
    `;
    const child = Bun.spawn(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], {
      env: {
        PATH: process.env.PATH ?? "",
        ROOT: root,
        ANYCABLE_HOST: "0.0.0.0",
        ANYCABLE_PORT: `${port}`,
        ANYCABLE_HTTP_BROADCAST_PORT: `${broadcastPort}`,
      },
      stdio: ["ignore", "pipe", "inherit"],
      // Nothing of it outlives the test: what runs in the namespace ends with its first process.
      timeout: 45_000,
      killSignal: "SIGKILL",
    });
    const said = await new Response(child.stdout).text();
    expect(said).toStartWith(`http://127.0.0.1:${port}/health: 200 `);
    expect(await child.exited).toBe(0);
  },
  60_000,
);

test("the scenarios that packages are put to are there", () => {
  expect(subset.map(({ title }) => title).sort()).toEqual([...SUBSET].sort());
});
