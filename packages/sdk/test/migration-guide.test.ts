import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createCable } from "@anycable/core";
import { NOT_SERVED_FLAGS } from "@hawser/server/config/not-served";
import { freePorts, type HawserProcess, startHawser } from "../../server/test/support/hawser-process.ts";
import { createBroadcaster, createStreams, createTokens } from "../src/index.ts";

/** Every command of the migration guide, in its order, with both servers; only the ports are others. */

const ROOT = resolve(import.meta.dir, "../../..");
const GUIDE = join(ROOT, "docs/guides/migrating-from-anycable.md");
const SECRET = "migration-guide";
const ANYCABLE = Bun.which("anycable-go");

const guide = readFileSync(GUIDE, "utf8");
const blocks = (language: string) =>
  [...guide.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , text = ""]) => text.trim());

const scratch = mkdtempSync(join(tmpdir(), "hawser-migration-"));
const path = join(scratch, "bin");
mkdirSync(path);
symlinkSync(join(ROOT, "bin/hawser"), join(path, "hawser"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("the migration guide", () => {
  test("names every feature that is not served", () => {
    for (const feature of Object.keys(NOT_SERVED_FLAGS)) expect(guide).toContain(`\n| ${feature}`);
  });

  test("links to pages and sections that are there", () => {
    const links = [...guide.matchAll(/\]\(([^)#]+)(?:#([^)]+))?\)/g)];
    expect(links.length).toBeGreaterThan(4);
    for (const [, page = "", section] of links) {
      const file = resolve(dirname(GUIDE), page);
      expect([page, existsSync(file)]).toEqual([page, true]);
      if (section === undefined) continue;
      const sections = readFileSync(file, "utf8").match(/^#+ .*$/gm) ?? [];
      expect(sections.map(anchorOf)).toContain(section);
    }
  });

  test("names differences as the table numbers them", () => {
    const table = readFileSync(join(ROOT, "PROTOCOL.md"), "utf8");
    for (const [, row] of guide.matchAll(/\((D\d+)\)/g)) expect(table).toContain(`| ${row} |`);
  });

  test("has a snippet that the compiler takes", () => {
    const [snippet = ""] = blocks("ts");
    expect(readFileSync(join(import.meta.dir, "migration-snippet.ts"), "utf8").trim()).toBe(snippet);
  });

  const missing = [ANYCABLE, Bun.which("curl"), Bun.which("openssl")].includes(null)
    ? "anycable-go, curl or openssl is not on PATH"
    : null;
  test.skipIf(missing !== null)(
    `works command by command, and a stock client comes along by itself${missing === null ? "" : ` (skipped: ${missing})`}`,
    migrate,
    60_000,
  );
});

/** As GitHub makes one of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replace(/^#+ /, "").toLowerCase();
  return text.replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

async function migrate(): Promise<void> {
  const [print, oldServer, publish, newServer, look, switched] = blocks("sh");
  expect(blocks("sh")).toHaveLength(6);
  expect([oldServer, newServer, switched]).toEqual(["anycable-go", "ANYCABLE_PORT=8081 hawser", "hawser"]);
  const [oldPort, newPort] = await freePorts(2);
  const env = {
    PATH: `${path}:${process.env.PATH}`,
    HOME: scratch,
    ANYCABLE_SECRET: SECRET,
    ANYCABLE_BROADCAST_ADAPTER: "http",
  };
  /** Runs commands of the guide in one shell, and gives back what they print. */
  const sh = (...commands: (string | undefined)[]): string => {
    const text = commands.join("\n").replaceAll("8080", String(oldPort)).replaceAll("8081", String(newPort));
    const done = Bun.spawnSync(["sh", "-euc", text], { cwd: scratch, env });
    if (done.exitCode !== 0)
      throw new Error(`${text}\nended with ${done.exitCode}: ${done.stdout}${done.stderr}`);
    return done.stdout.toString();
  };
  const running: HawserProcess[] = [];
  const start = async (command: string, port: number) => {
    const { ANYCABLE_SECRET, ANYCABLE_BROADCAST_ADAPTER } = env;
    const options = { ANYCABLE_SECRET, ANYCABLE_BROADCAST_ADAPTER, ANYCABLE_PORT: String(port) };
    const server = await startHawser([`--port=${port}`, "--http_broadcast_port=0"], options, {
      command,
      cwd: scratch,
    });
    running.push(server);
    while ((await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)) === null) await Bun.sleep(10);
    return server;
  };
  try {
    expect(sh(print)).toContain('broadcast_adapters = ["http"] # from ANYCABLE_BROADCAST_ADAPTER');
    const anycable = await start("anycable-go", oldPort);
    sh(publish);
    const beside = await start(join(path, "hawser"), newPort);
    expect(sh(publish?.split("\n")[0], look)).toContain("accepted");
    await beside.stop();

    const heard: unknown[] = [];
    const token = createTokens({ secret: SECRET }).issue({ user_id: 7 });
    const cable = createCable(`ws://127.0.0.1:${oldPort}/cable`, {
      websocketImplementation: WebSocket,
      auth: { token },
      logLevel: "error",
      reconnectStrategy: () => 50,
    });
    const channel = cable.streamFromSigned(createStreams({ secret: SECRET }).sign("news"));
    let connected = 0;
    channel.on("connect", () => connected++);
    channel.on("message", (message) => heard.push(message));
    const until = async (done: () => boolean) => {
      while (!done()) await Bun.sleep(10);
    };
    const broadcaster = createBroadcaster({ url: `http://127.0.0.1:${oldPort}/_broadcast`, secret: SECRET });
    await cable.connect();
    await until(() => connected === 1);
    await broadcaster.broadcast("news", "from AnyCable");
    await until(() => heard.length === 1);

    anycable.signal("SIGTERM");
    await anycable.exited;
    await start(join(path, "hawser"), oldPort);
    await until(() => connected === 2);
    await broadcaster.broadcast("news", "from Hawser");
    await until(() => heard.length === 2);
    expect(heard).toEqual(["from AnyCable", "from Hawser"]);
    cable.disconnect();
  } finally {
    for (const server of running) await server.stop();
  }
}
