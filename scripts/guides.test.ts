import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { METRICS } from "../packages/core/src/metrics/catalog.ts";
import { AUTH_REASONS } from "../packages/core/src/reasons.ts";
import {
  freePorts,
  type HawserProcess,
  startHawser,
} from "../packages/server/test/support/hawser-process.ts";
import { type CodeBlock, codeBlocks, commandsOf } from "./code-blocks.ts";
import { type StandInIssuer, serveIssuer } from "./stand-in-issuer.ts";

/*
 * The guides are walked through as a reader does: the shell blocks of each in their order, in a folder of its own. A block
 * that is the server alone starts it, in the place of the one before. A `text` block below is what the commands print, a
 * `log` block what the server logs, and a `toml` block the file that its first line names; `…` stands for anything. A line
 * that ends in `# exit status 1` ends with that. A `ts` block whose first line names a file is one of an application, which a
 * block that is `bun` and the file alone starts, in the place of the one before, once the compiler has taken it.
 */

const ROOT = resolve(import.meta.dir, "..");
const GUIDES = [
  "jwt-and-lifetimes",
  "rotating-secrets",
  "revocation",
  "reliable-streams",
  "presence",
  "event-streams",
  "http-rpc",
  "identity-providers",
  "troubleshooting",
];
/** What the guides call the server and issuers. */
const SERVER_AT = "localhost:8080";
/** Here these go to a port of their own. */
const PUBLICATIONS_AT = "localhost:8080/_broadcast";
/** Where they have applications listen. */
const APPLICATION_PORT = /\b3000\b/g;
const ISSUERS_AT = /https:\/\/(id\.example\.com|tenant\.eu\.auth0\.com|securetoken\.google\.com)/g;

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const textOf = (guide: string) => read(`docs/guides/${guide}.md`);
const missing = Bun.which("curl") === null ? "curl is not on PATH" : null;

/** A folder, what runs in it, and what was said last. */
class Walk {
  readonly folder = mkdtempSync(join(tmpdir(), "hawser-guide-"));
  #port = 0;
  /** For publications, where there is no secret to ask of publishers. */
  #openPort = 0;
  #issuer: StandInIssuer | null = null;
  #server: HawserProcess | null = null;
  #applicationPort = 0;
  #application: Bun.Subprocess | null = null;
  #printed = "";

  async begin(): Promise<void> {
    [this.#port, this.#openPort, this.#applicationPort] = await freePorts(3);
    this.#issuer = serveIssuer();
    mkdirSync(join(this.folder, "bin"));
    symlinkSync(join(ROOT, "bin/hawser"), join(this.folder, "bin/hawser"));
    // What a block exports is there for those behind it, as in one terminal.
    writeFileSync(join(this.folder, ".exported"), "");
  }

  async end(): Promise<void> {
    await this.#server?.stop();
    await this.#endApplication();
    this.#issuer?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async take(block: CodeBlock): Promise<void> {
    const code = block.code
      .replaceAll(PUBLICATIONS_AT, `localhost:${this.#openPort}/_broadcast`)
      .replaceAll(SERVER_AT, `localhost:${this.#port}`)
      .replaceAll(APPLICATION_PORT, `${this.#applicationPort}`)
      .replaceAll(ISSUERS_AT, this.#issuer?.url ?? "");
    const lines = code.split("\n").filter((line) => line.trim() !== "");
    const program = /^bun (\S+\.ts)$/.exec(lines.join("\n"))?.[1];
    if (block.language === "ts") writeFileSync(join(this.folder, fileOf(block) ?? ""), code);
    else if (program !== undefined) await this.#startApplication(program);
    else if (block.language === "toml")
      writeFileSync(join(this.folder, lines[0]?.replace(/^# /, "") ?? ""), code);
    else if (block.language === "text")
      for (const line of lines) expect(this.#printed).toMatch(patternOf(line));
    else if (block.language === "log") for (const line of lines) await this.#server?.waitFor(patternOf(line));
    else if (/^hawser( \\$| --|$)/m.test(commandsOf(block)[0] ?? "")) await this.#serve(code);
    else await this.#run(code);
  }

  async #serve(code: string): Promise<void> {
    this.#server?.signal("SIGTERM");
    await this.#server?.exited;
    const command = join(this.folder, "bin/server");
    writeFileSync(command, `#!/bin/sh\n. ./.exported\n${code.replace(/^hawser/m, 'exec hawser "$@"')}\n`);
    chmodSync(command, 0o755);
    const flags = [`--port=${this.#port}`, `--http_broadcast_port=${this.#openPort}`];
    this.#server = await startHawser(flags, this.#environment(), { command, cwd: this.folder });
  }

  async #startApplication(program: string): Promise<void> {
    await this.#endApplication();
    const config = { extends: join(ROOT, "packages/sdk/tsconfig.json"), include: ["*.ts"] };
    writeFileSync(join(this.folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(this.folder, "package.json"), '{"type":"module"}');
    if (!existsSync(join(this.folder, "node_modules")))
      symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
    await this.#run(`"${ROOT}/node_modules/.bin/tsc" -p .`);
    const application = Bun.spawn(
      ["sh", "-euc", `. ./.exported; exec "${process.execPath}" --no-env-file ${program}`],
      {
        cwd: this.folder,
        env: this.#environment(),
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    this.#application = application;
    const { value } = await application.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toContain("listening");
  }

  async #endApplication(): Promise<void> {
    this.#application?.kill("SIGKILL");
    await this.#application?.exited;
  }

  async #run(code: string): Promise<void> {
    const checked = code.replace(/^(.*?)\s+# exit status 1$/gm, "{ $1; } && exit 99 || [ $? = 1 ]");
    const script = `. ./.exported\n${checked}\nexport -p > .exported\n`;
    const child = Bun.spawn(["sh", "-euc", script], {
      cwd: this.folder,
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    this.#printed = out + err;
    expect({ code: await child.exited, printed: this.#printed }).toEqual({ code: 0, printed: this.#printed });
  }

  #environment(): Record<string, string> {
    return {
      PATH: `${join(this.folder, "bin")}:${process.env.PATH}`,
      HOME: this.folder,
      // For what asks about the server, and not of it.
      ANYCABLE_PORT: `${this.#port}`,
      ANYCABLE_HTTP_BROADCAST_PORT: `${this.#openPort}`,
      ANYCABLE_HOST: "0.0.0.0",
      ...(this.#server === null ? {} : { SERVER_PID: `${this.#server.pid}` }),
    };
  }
}

/** The file that a block of TypeScript says that it is. */
function fileOf({ language, code }: CodeBlock): string | undefined {
  return language === "ts" ? /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] : undefined;
}

/** Matches a line of a guide: blanks for any number of them, `…` for anything. */
function patternOf(line: string): RegExp {
  return new RegExp(
    RegExp.escape(line.trim())
      .replaceAll(RegExp.escape("…"), ".*")
      .replaceAll(/(\\x20)+/g, " +"),
  );
}

describe.each(GUIDES)("docs/guides/%s.md", (guide) => {
  const walk = new Walk();
  beforeAll(() => walk.begin());
  afterAll(() => walk.end());
  const runnable = codeBlocks(textOf(guide)).filter(
    (block) => /^(sh|text|log|toml)$/.test(block.language) || fileOf(block) !== undefined,
  );
  for (const block of runnable) {
    test.skipIf(missing !== null)(
      `holds at line ${block.line}: ${block.code.split("\n")[0]}${missing === null ? "" : ` (${missing})`}`,
      () => walk.take(block),
      60_000,
    );
  }

  test("names options, variables and metrics that there are", () => {
    const text = textOf(guide);
    const reference = read("docs/reference/options.md") + read("docs/reference/commands.md");
    const named = [
      ...text.matchAll(/(?<![\w-])--[a-z][\w]*\b/g),
      ...text.matchAll(/\bANYCABLE_[A-Z_]+\b/g),
    ].map(([name]) => name);
    expect([...new Set(named)].filter((name) => !reference.includes(`\`${name}`))).toEqual([]);
    const metrics = [...text.matchAll(/\banycable_go_(\w+)/g)].map(([, name = ""]) =>
      name.replace(/_(bucket|sum|count)$/, ""),
    );
    expect(metrics.filter((name) => !(name in METRICS))).toEqual([]);
  });
});

test("troubleshooting.md has a section for each reason of a refusal, with its line of the log", () => {
  const sections = textOf("troubleshooting").split(/^### /m).slice(1);
  const about = Object.keys(AUTH_REASONS).filter((reason) =>
    sections.some(
      (section) =>
        section.startsWith(`\`${reason}\`\n`) &&
        (reason === "revoked" || section.includes(`reason=${reason} `)),
    ),
  );
  expect(about).toEqual(Object.keys(AUTH_REASONS));
});
